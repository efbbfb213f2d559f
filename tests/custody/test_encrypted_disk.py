"""The disk below the encrypted file, and what stands in the file's place."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from tests.custody.refusals import refused
from wizard.commands.doctor import try_place
from wizard.core.secret import Secret
from wizard.core.settings import Custody, Place
from wizard.custody import encrypted_file
from wizard.custody.custodian import CREDENTIAL, Custodian
from wizard.custody.encrypted_file import exists, make_file, open_file
from wizard.custody.errors import Remedy
from wizard.custody.store import Store
from wizard.rotation.findings import FindingWriter
from wizard.rotation.model import Outcome

PASSPHRASE = "seven random words of the test"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials.vault"


def custodian(file: Path, deadline: float = 10, environ: dict[str, str] | None = None) -> Custodian:
    custody = Custody(Place.ENCRYPTED_FILE, deadline)
    return Custodian(custody, file, file.with_name("config.toml"), environ or {})


@pytest.mark.parametrize("what", ["pipe", "directory"])
async def test_what_is_no_file_is_refused_at_once_and_not_waited_for(file: Path, what: str) -> None:
    os.mkfifo(file, 0o600) if what == "pipe" else file.mkdir(0o700)
    async with asyncio.timeout(1):
        with refused("file-exposed", match="not a plain file"):
            await custodian(file).open()


@pytest.mark.parametrize("by", ["a person", "systemd"])
async def test_opening_makes_no_file_where_it_vanished(file: Path, by: str) -> None:
    await make_file(file, Secret(PASSPHRASE), 10)
    (file.parent / CREDENTIAL).write_text("mistyped, and good enough for a new file")
    asked = custodian(file, environ={"CREDENTIALS_DIRECTORY": str(file.parent)} if by == "systemd" else None)
    if by == "a person":
        with refused("file-closed"):
            await asked.open()
    file.unlink()
    with refused("file-closed" if by == "systemd" else "file-gone"):
        await (asked.open() if by == "systemd" else asked.help(Remedy.OPEN_FILE, Secret("mistyped, and good enough")))
    assert not file.exists()


async def test_making_leaves_a_file_alone_that_came_in_the_meantime(file: Path) -> None:
    await make_file(file, Secret(PASSPHRASE), 10)
    before = file.read_bytes()
    with refused("file-there"):
        await custodian(file).help(Remedy.MAKE_FILE, Secret("another passphrase altogether"))
    assert file.read_bytes() == before


async def test_what_is_written_and_may_not_survive_a_power_cut_is_called_so(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await make_file(file, Secret(PASSPHRASE), 10)
    assert (store.doubt, store.remark) == ("", "in an encrypted file")
    flush = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "as some network file systems do")
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    await store.write("s", Secret("x"))
    assert await store.read("s") == Secret("x")
    assert store.remark == "in an encrypted file, not known to survive a power cut"

    async def opened() -> Store:
        return await open_file(file, Secret(PASSPHRASE), 10)

    found = await try_place(opened, FindingWriter(lambda: 0.0, ""))
    assert (found.outcome, found.state) == (Outcome.WARNING, "ready")
    assert "survives a power cut" in found.does_not_prove


async def test_a_file_that_cannot_be_flushed_itself_is_not_put_in_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await make_file(file, Secret(PASSPHRASE), 10)
    before = file.read_bytes()

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with refused("file-unusable", match="cannot use"):
        await store.write("s", Secret("x"))
    assert file.read_bytes() == before
    assert not list(file.parent.glob(".*"))


async def test_a_disk_that_hangs_is_given_up_and_the_loop_goes_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_file(file, Secret(PASSPHRASE), 10)
    never = Event()

    def hang(_: Path) -> bytes | None:
        never.wait(30)
        return None

    monkeypatch.setattr(encrypted_file, "read_file", hang)
    turns = 0
    opening = asyncio.create_task(custodian(file, deadline=0.3).open())
    while not opening.done():
        await asyncio.sleep(0.01)
        turns += 1
    with refused("file-unusable", match=r"did not answer within 0\.3 s"):
        await opening
    assert turns > 5
    never.set()


_HUNG = """
import asyncio, sys, time
from pathlib import Path
from wizard.custody import encrypted_file
from wizard.custody.encrypted_file import exists
from wizard.core.errors import WizardError
encrypted_file.read_file = lambda file: time.sleep(60)
try:
    asyncio.run(exists(Path(sys.argv[1]), 0.2))
except WizardError as error:
    print(error.what)
"""


def test_a_disk_that_hangs_does_not_keep_the_program_from_ending(file: Path) -> None:
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", _HUNG, str(file)], cwd=root, capture_output=True, text=True, timeout=20, check=True
    )
    assert "did not answer within 0.2 s" in said.stdout
    assert said.stderr == ""


async def test_nothing_is_there_where_no_file_is(file: Path) -> None:
    assert not await exists(file, 1)
