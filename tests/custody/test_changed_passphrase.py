"""The passphrase of the encrypted file is changed: it opens with the old one or the new one, whatever happens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.custody.refusals import refused
from wizard.core.secret import Secret
from wizard.core.settings import Custody, Place
from wizard.custody.custodian import Custodian
from wizard.custody.encrypted_file import change_passphrase, make_file, open_file
from wizard.custody.errors import CustodyError, Remedy

ROOT = Path(__file__).parents[2]
OLD, NEW = "seven random words of the test", "eight other words that are as random"
KILLS = int(os.environ.get("KEY_WIZARD_KILLED_WRITES", "1"))
"""How many changes are killed at a moment of chance; the long form is 200."""


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    file = tmp_path / "credentials.vault"
    await (await make_file(file, Secret(OLD), 10)).write("s", Secret("kept"))
    return file


async def opens(file: Path, passphrase: str) -> bool:
    """Whether it opens, and holds what it held."""
    try:
        store = await open_file(file, Secret(passphrase), 10)
    except CustodyError:
        return False
    assert await store.read("s") == Secret("kept")
    return True


async def test_the_new_one_opens_it_the_old_one_does_not_and_everything_is_there(file: Path) -> None:
    before = await open_file(file, Secret(OLD), 10)
    store = await change_passphrase(file, Secret(OLD), Secret(NEW), 10)
    assert await store.read("s") == Secret("kept")
    assert [await opens(file, one) for one in (OLD, NEW)] == [False, True]
    with refused("wrong-passphrase", match="passphrase of the encrypted file changed"):
        await before.write("s", Secret("from a run that was open before"))
    assert await opens(file, NEW)


@pytest.mark.parametrize(("old", "new", "error"), [("wrong", NEW, CustodyError), (OLD, "x" * 40, CustodyError)])
async def test_a_wrong_old_or_a_weak_new_one_changes_nothing(
    file: Path, old: str, new: str, error: type[Exception]
) -> None:
    before = file.read_bytes()
    with pytest.raises(error):
        await change_passphrase(file, Secret(old), Secret(new), 10)
    assert file.read_bytes() == before


async def test_nobody_else_can_read_any_part_of_it_at_any_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    flush = os.fsync

    def fsync(handle: int) -> None:
        modes.extend(each.stat().st_mode & 0o077 for each in file.parent.iterdir())
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    before = os.umask(0)
    try:
        await change_passphrase(file, Secret(OLD), Secret(NEW), 10)
    finally:
        os.umask(before)
    assert len(modes) >= 5  # the file, its lock, the new one: before and after the exchange
    assert not any(modes)


_CHANGE = """
import asyncio, os, signal, sys
from pathlib import Path
from wizard.custody.encrypted_file import change_passphrase
from wizard.core.secret import Secret

file, at = Path(sys.argv[1]), int(sys.argv[2])
flush, calls = os.fsync, []
def fsync(handle):
    calls.append(handle)
    if len(calls) == at:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(handle)
os.fsync = fsync
print("begins", flush=True)
asyncio.run(change_passphrase(file, Secret("OLD"), Secret("NEW"), 10))
""".replace("OLD", OLD).replace("NEW", NEW)


def changing(file: Path, killed_at: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _CHANGE, str(file), str(killed_at)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("killed_at", "opening"), [(1, OLD), (2, NEW)], ids=["before", "after the exchange"])
async def test_a_change_that_is_killed_leaves_the_old_one_or_the_new_one(
    file: Path, killed_at: int, opening: str
) -> None:
    process = changing(file, killed_at)
    await asyncio.to_thread(process.communicate, None, 30)
    assert process.returncode == -9
    assert [one for one in (OLD, NEW) if await opens(file, one)] == [opening]
    await change_passphrase(file, Secret(opening), Secret(OLD + NEW), 10)
    assert not list(file.parent.glob(".*"))


async def test_a_change_that_is_killed_at_any_moment_leaves_one_of_them(file: Path) -> None:
    for attempt in range(KILLS):
        process = changing(file)
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        await asyncio.sleep(attempt % 25 * 0.02)
        process.kill()
        await asyncio.to_thread(process.communicate, None, 30)
        working = [one for one in (OLD, NEW) if await opens(file, one)]
        assert len(working) == 1
        await change_passphrase(file, Secret(working[0]), Secret(OLD), 10)


async def test_where_there_is_no_file_there_is_no_passphrase_to_change(tmp_path: Path) -> None:
    file, config = tmp_path / "vault", tmp_path / "config.toml"
    with refused("not-in-file", match="not in the encrypted file"):
        await Custodian(Custody(), file, config, {}).change_passphrase(Secret(OLD), Secret(NEW))
    asked = Custodian(Custody(Place.ENCRYPTED_FILE), file, config, {})
    with refused("file-closed"):
        await asked.change_passphrase(Secret(OLD), Secret(NEW))
    with refused("file-gone"):
        await change_passphrase(file, Secret(OLD), Secret(NEW), 10)
    assert not file.exists()


async def test_the_run_that_changed_it_goes_on_with_it(file: Path) -> None:
    asked = Custodian(Custody(Place.ENCRYPTED_FILE), file, file.with_name("config.toml"), {})
    await asked.help(Remedy.OPEN_FILE, Secret(OLD))
    await asked.change_passphrase(Secret(OLD), Secret(NEW))
    await (await asked.open()).write("again", Secret("by the same run"))
    assert await (await asked.open()).read("again") == Secret("by the same run")
    assert await opens(file, NEW)
