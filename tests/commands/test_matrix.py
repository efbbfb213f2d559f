"""Each command in each condition, through the installed script: its exit code, and one JSON object or none.

`pytest -s` prints the table. The ordinary run tries each command and each condition at least once, `-m slow` all pairs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Bench, check_schema
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore
from wizard.rotation.model import Mode

SCRIPT = shutil.which("key-wizard", path=str(Path(sys.executable).parent))
HERE = "203.0.113.42"
LOG = 'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
ENV = f"BINANCE_API_KEY={'aB3d' * 16}\nBINANCE_API_SECRET={'cD4e' * 16}\n"
CONDITIONS = ("fine", "says no", "usage", "storage unusable", "no network", "job open", "journal damaged")
COMMANDS = {
    "rehearse": "rehearse --list",
    "status": "status",
    "egress": "egress",
    "whitelist": f"whitelist {HERE} --env bench",
    "import": "import other - --dry-run",
    "check": "check bench",
    "explain": "explain bench",
    "rotate": "rotate bench",
    "exec": "exec bench -- true",
    "doctor": "doctor --only files",
    "storage": "storage",
    "history": "history",
    "team": "team export",
    "exchange": "exchange --idle-limit 0",
    "completion": "completion bash",
}
WITHOUT_JSON = {"exec", "completion"}
SAYS_NO = {
    "whitelist": "whitelist 0.0.0.0/0 --env bench",
    "import": "import other /dev/stdin --dry-run",
    "check": "check other",
    "explain": "explain bench",
    "exec": "exec other -- true",
    "doctor": "doctor --only files",
}
"""What says no by itself: an error in the list, no key, no error in the log, others who can look in."""
FINE = dict.fromkeys(COMMANDS, 0) | {"rotate": 2, "check": 5, "exec": 5, "storage": 5}
"""There is no keyring here, in any condition, and no sub-account."""
EXPECTED = {
    "fine": FINE,
    "storage unusable": FINE,
    "says no": FINE | dict.fromkeys(SAYS_NO, 1) | {"status": 4},
    "usage": dict.fromkeys(COMMANDS, 2),
    "no network": FINE | {"egress": 6, "explain": 6},
    "job open": FINE | {"status": 3},
    "journal damaged": FINE
    | dict.fromkeys(("status", "whitelist", "check", "explain", "exec", "history", "doctor", "team"), 1),
}
PAIRS = [
    pytest.param(name, condition, marks=() if (row + column) % 4 == 0 else pytest.mark.slow)
    for row, name in enumerate(COMMANDS)
    for column, condition in enumerate(CONDITIONS)
]


def make(condition: str, bench: Bench, memory: MemoryStore, dead_url: str) -> None:
    """Bring the condition about."""
    other = '[environments.other]\nsite = "binance.com"\n'
    bench.put_in_use(memory)
    bench.configure(other, dead_url if condition == "no network" else "")
    if condition == "no network":
        bench.paths.services_file.write_text(bench.paths.services_file.read_text().replace(bench.base_url, dead_url))
    elif condition == "says no":
        bench.put_in_use(memory, slot=Slot.LEGACY)
        bench.paths.state.chmod(0o755)
    elif condition == "job open":
        with bench.journal() as journal:
            journal.begin_rotation("bench", Mode.ROTATE)
    elif condition == "journal damaged":
        bench.paths.journal.write_bytes(b"no database" * 1000)


@pytest.mark.parametrize(("name", "condition"), PAIRS)
def test_each_command_ends_as_documented_in_each_condition(
    name: str, condition: str, bench: Bench, memory: MemoryStore, dead_url: str
) -> None:
    make(condition, bench, memory, dead_url)
    words = (SAYS_NO if condition == "says no" else {}).get(name, COMMANDS[name]).split()
    has_json = name not in WITHOUT_JSON
    words[1:1] = [*(["--json"] if has_json else []), *(["--wrong"] if condition == "usage" else [])]
    given = "" if condition == "says no" else {"explain": LOG, "import": ENV}.get(name, "")
    assert SCRIPT, "the script is not installed"
    done = subprocess.run(
        [SCRIPT, *words], env=os.environ, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    told = json.loads(done.stdout) if has_json else None
    said = "error" if told and "error" in told else "result" if told or done.stdout else ""
    print(f"{name:<12} {condition:<18} {done.returncode}  {said}")
    assert done.returncode == EXPECTED[condition][name], done.stderr
    assert "Traceback" not in done.stderr
    assert "Internal error" not in done.stderr
    if told is not None:
        check_schema(name, told)
        assert '"schema"' not in done.stderr
    if said == "error" or (done.returncode and not has_json):
        assert done.stderr.startswith("key-wizard: ")
    if not has_json and done.returncode:
        assert done.stdout == ""
