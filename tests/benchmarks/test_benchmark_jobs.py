"""What a command takes to start when thousands of jobs are finished, beside the same one on a home without any.

KEY_WIZARD_JOBS says how many jobs; the long form is 10000. It has Home, `check` and `history` too, and no bound for the
last one, which prints all jobs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from tests.benchmarks.test_benchmark_first_paint import first_paint
from tests.rotation.many_jobs import write_jobs
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.settings import Paths
from wizard.custody.custodian import CREDENTIAL
from wizard.custody.encrypted_file import make_file
from wizard.custody.records import Slot
from wizard.custody.vault import Vault
from wizard.egress.services import load_services
from wizard.rotation.journal import open_journal

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]
JOBS = int(os.environ.get("KEY_WIZARD_JOBS", "0"))
GOAL = 1.3
PASSPHRASE = "correct horse battery staple"
ROOT = Path(__file__).parents[2]
SETTINGS = """\
[custody]
place = "encrypted-file"
[environments.bench]
site = "custom"
base_url = "http://127.0.0.1:9"
tolerated_ranges = ["documentation"]
"""
COMMANDS = {
    "status": ("status", "--json"),
    "exec": ("exec", "bench", "--", "printenv", "BINANCE_API_KEY"),
    "check": ("check", "bench", "--json"),
    "history": ("history", "bench"),
}


async def make_home(home: Path, jobs: int) -> dict[str, str]:
    """Make a home with a key in use, whose jobs are finished; return the environment of its commands."""
    paths = Paths(home / "config", home / "state")
    paths.create()
    paths.config_file.write_text(SETTINGS)
    disabled = "".join(f"[{service.name}]\nenabled = false\n" for service in load_services(None))
    echo = '[echo]\noperator = "operator"\nurl = "http://127.0.0.1:9/"\nparser = "plain"\n'
    paths.services_file.write_text(disabled + echo)
    (home / CREDENTIAL).write_text(PASSPHRASE)
    write_jobs(paths.journal, jobs, "bench", time.time() - 3600)
    store, journal = await make_file(paths.encrypted_file, Secret(PASSPHRASE), 60), open_journal(paths)
    with Credentials(KeyKind.HMAC, Secret(os.urandom(32).hex()), Secret(os.urandom(32).hex())) as credentials:
        await Vault("bench", journal, store).put(credentials, Slot.CURRENT, whitelist="203.0.113.42")
    journal.close()
    return {
        **{"PATH": os.environ["PATH"], "HOME": str(home), "KEY_WIZARD_HOME": str(home), "PYTHONPATH": str(ROOT)},
        **{"CREDENTIALS_DIRECTORY": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "NO_PROXY": "*"},
    }


def seconds(name: str, environ: dict[str, str]) -> float:
    if name == "Home":
        return first_paint([sys.executable, "-m", "wizard"], b"bench", environ)[0]
    begun = time.perf_counter()
    argv = [sys.executable, "-m", "wizard", *COMMANDS[name]]
    done = subprocess.run(argv, env=environ, capture_output=True, check=False)
    taken = time.perf_counter() - begun
    assert done.returncode == (6 if name == "check" else 0), done
    return taken


async def test_commands_start_as_soon_after_thousands_of_jobs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, many, pairs = (["status", "exec"], 2_000, 5) if not JOBS else ([*COMMANDS, "Home"], JOBS, 9)
    counts = [0, many] if not JOBS else [0, 100, many]
    homes = [await make_home(tmp_path / str(count), count) for count in counts]
    ratios = {}
    for name in names:
        taken = [[seconds(name, environ) for environ in homes] for _ in range(pairs + 1)][1:]
        ratios[name] = median(each[-1] / each[0] for each in taken)
        shown = ", ".join(f"{median(each) * 1000:.0f} ms" for each in zip(*taken, strict=True))
        with capsys.disabled():
            print(f"\n{name} with {', '.join(map(str, counts))} jobs: {shown}; {ratios[name]:.2f} × ({pairs} in turn)")
    assert [name for name, ratio in ratios.items() if ratio > GOAL and name != "history"] == []
