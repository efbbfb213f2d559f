from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from tests.custody.configuration import install_plugin
from tests.custody.hung_bus import HungBus, children
from tests.custody.refusals import refused
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.custody.keyring_process import KeyringProcess
from wizard.custody.keyring_worker.protocol import Op

ROOT = Path(__file__).parents[2]
BACKEND = "keyring.backends.SecretService.Keyring"
SECRET = "a-secret-that-nobody-may-see"
NAMES = {"backend": BACKEND, "name": "key-wizard:test:0", "user": "credentials"}


async def test_a_call_past_its_deadline_is_killed_and_reaped(hung_bus: HungBus) -> None:
    before, worker = children(), KeyringProcess(hung_bus.environ, deadline=0.3)
    with refused("timeout", match=r"could not read from the keyring within 0.3 s"):
        await worker.call(Op.READ, **NAMES)
    assert not children() - before
    with refused("timeout"):  # of a new one
        await worker.call(Op.READ, **NAMES)
    assert not children() - before


async def test_a_cancelled_call_leaves_no_child_behind(hung_bus: HungBus) -> None:
    before = children()
    call = asyncio.create_task(KeyringProcess(hung_bus.environ, deadline=600).call(Op.READ, **NAMES))
    child = await hung_bus.caller()
    assert child in children()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not children() - before


async def test_a_call_cancelled_at_once_leaves_no_child_behind(hung_bus: HungBus) -> None:
    before = children()
    call = asyncio.create_task(KeyringProcess(hung_bus.environ, deadline=600).call(Op.READ, **NAMES))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not children() - before


async def test_a_blocking_call_past_its_deadline_is_killed_and_reaped_too(hung_bus: HungBus) -> None:
    before, worker = children(), KeyringProcess(hung_bus.environ, deadline=0.3)
    with refused("timeout", match=r"could not read from the keyring within 0.3 s"):
        await asyncio.to_thread(worker.call_blocking, Op.READ, **NAMES)
    assert not children() - before


async def test_a_signal_that_ends_a_blocking_call_leaves_no_child_behind(hung_bus: HungBus) -> None:
    program = f"""
import os, signal, sys
from wizard.custody.keyring_process import KeyringProcess, Op
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
worker = KeyringProcess(os.environ, deadline=600)
try:
    worker.call_blocking(Op.READ, **{NAMES})
finally:
    print(worker._process.returncode, flush=True)
"""
    wizard = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), cwd=ROOT, env=hung_bus.environ, stdout=asyncio.subprocess.PIPE
    )
    await hung_bus.caller()
    wizard.terminate()
    said, _ = await wizard.communicate()
    assert (said, wizard.returncode) == (b"-9\n", 7)


async def test_a_secret_is_neither_in_the_childs_arguments_nor_in_its_environment(hung_bus: HungBus) -> None:
    call = asyncio.create_task(
        KeyringProcess(hung_bus.environ, deadline=600).call(Op.WRITE, value=Secret(SECRET), **NAMES)
    )
    child = Path("/proc", str(await hung_bus.caller()))
    arguments, environment = (child / "cmdline").read_bytes(), (child / "environ").read_bytes()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert b"wizard.custody.keyring_worker" in arguments
    assert hung_bus.environ["HOME"].encode() in environment
    assert SECRET.encode() not in arguments + environment


async def test_a_timeout_shows_no_secret_even_with_all_its_locals(hung_bus: HungBus) -> None:
    with refused("timeout") as caught:
        await KeyringProcess(hung_bus.environ, deadline=0.3).call(Op.WRITE, value=Secret(SECRET), **NAMES)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(shown.format())
    assert "deadline" in text
    assert SECRET not in text


async def test_a_child_whose_wizard_was_killed_ends_by_itself(hung_bus: HungBus) -> None:
    program = (
        "import asyncio, os; from wizard.custody.keyring_process import KeyringProcess, Op;"
        f"asyncio.run(KeyringProcess(os.environ, deadline=1.5).call(Op.READ, **{NAMES}))"
    )
    wizard = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT, env=hung_bus.environ)
    orphan = os.pidfd_open(await hung_bus.caller())
    wizard.kill()
    await wizard.wait()
    ended, _, _ = await asyncio.to_thread(select.select, [orphan], [], [], 30)
    os.close(orphan)
    assert ended


async def test_a_child_that_dies_is_an_error_with_its_exit_status(hung_bus: HungBus) -> None:
    call = asyncio.create_task(KeyringProcess(hung_bus.environ, deadline=600).call(Op.READ, **NAMES))
    os.kill(await hung_bus.caller(), signal.SIGKILL)
    with pytest.raises(CustodyError, match="could not read") as caught:
        await call
    assert caught.value.code == "died"
    assert "exit status -9" in caught.value.why


async def test_calls_share_one_process_that_ends_with_its_object(login: dict[str, str]) -> None:
    before, worker = children(), KeyringProcess(login)
    await worker.call(Op.CHOICE)
    (first,) = children() - before
    await asyncio.gather(worker.call(Op.STATE), worker.call(Op.CHOICE))
    assert children() - before == {first}
    del worker
    assert not children() - before


async def test_a_worker_that_was_ended_is_replaced_at_the_next_call(login: dict[str, str]) -> None:
    before, worker = children(), KeyringProcess(login)
    await worker.call(Op.STATE)
    (first,) = children() - before
    os.kill(first, signal.SIGKILL)
    wait_for_the_end_of(first)
    assert (await worker.call(Op.STATE))["state"] == "no-bus-address"
    assert first not in children()
    del worker
    assert not children() - before


def wait_for_the_end_of(process: int) -> None:
    while ") Z " not in Path(f"/proc/{process}/stat").read_text():
        time.sleep(0.01)


async def test_files_in_the_current_directory_or_on_pythonpath_are_not_run(
    login: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "keyring", "jeepney", "faulthandler", "sitecustomize", "wizard"):
        (tmp_path / f"{name}.py").write_text("import os; os._exit(66)")
    monkeypatch.chdir(tmp_path)
    answer = await KeyringProcess({**login, "PYTHONPATH": str(tmp_path)}).call(Op.STATE)
    assert (answer["code"], answer["state"]) == ("ok", "no-bus-address")


@pytest.mark.parametrize(("module", "is_library"), [("main", False), ("secret_service", False), ("library", True)])
def test_the_worker_loads_nothing_that_it_does_not_need(module: str, is_library: bool) -> None:
    program = (
        f"import sys; sys.path.append({str(ROOT)!r});"
        "import wizard.custody.keyring_worker.main;"
        f"import wizard.custody.keyring_worker.{module}; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert ("keyring" in loaded) == is_library
    heavy = {"textual", "rich", "httpx", "asyncio", "platformdirs", "wizard.core.settings", "wizard.core.secret"}
    assert not loaded & heavy
    outside = {name for name in loaded if name.startswith("wizard.") and not name.startswith("wizard.custody")}
    assert outside == set()


async def test_whatever_a_plugin_prints_or_asks_does_not_reach_the_answer(login: dict[str, str]) -> None:
    traces = install_plugin(login, priority=20)
    answer = await KeyringProcess(login).call(Op.CHOICE)
    assert (answer["origin"], answer["leaves"]) == ("priority", ["stranger.Keyring"])
    assert [file.name for file in traces.glob("asked")] == ["asked"]
