"""The encrypted file: nothing is lost, nothing is believed that was altered, nobody else can look in."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.custody.contract import StoreContract
from tests.custody.refusals import refused
from wizard.core.secret import Secret
from wizard.custody import encryption
from wizard.custody.encrypted_file import EncryptedFileStore, exists, make_file, open_file
from wizard.custody.encryption import FileKey, derive, seal, take_apart, unseal
from wizard.custody.errors import CustodyError

ROOT = Path(__file__).parents[2]
PASSPHRASE = "seven random words of the test"
SECRET = "a-secret-that-nobody-may-see"
KILLS = int(os.environ.get("KEY_WIZARD_KILLED_WRITES", "4"))
"""How many writers are killed in the middle of a write; the long form is 200."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials.vault"


async def opened(file: Path, passphrase: str = PASSPHRASE, deadline: float = 10) -> EncryptedFileStore:
    open_or_make = open_file if file.exists() else make_file
    return await open_or_make(file, Secret(passphrase), deadline)


@functools.cache
def one_key() -> FileKey:
    """Derived once: it is made to take long."""
    return derive(Secret(PASSPHRASE), b"s" * 16)


class TestEncryptedFile(StoreContract):
    @pytest.fixture
    async def store(self, file: Path) -> EncryptedFileStore:
        return await opened(file)


async def test_nothing_of_an_item_stands_in_the_file_and_nobody_else_can_read_it(file: Path) -> None:
    store = await opened(file)
    await store.write("key-wizard:production:0123", Secret(SECRET))
    data = file.read_bytes()
    assert SECRET.encode() not in data
    assert b"production" not in data
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in file.parent.iterdir()) == ["credentials.vault", "credentials.vault.lock"]


async def test_another_run_reads_it_with_the_same_passphrase_however_its_accents_were_typed(file: Path) -> None:
    await (await opened(file, "caf\u00e9 caf\u00e9 tea room")).write("s", Secret("kept"))
    again = await opened(file, "cafe\u0301 cafe\u0301 tea room")
    assert await again.read("s") == Secret("kept")


async def test_several_files_are_opened_at_once_in_one_process(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(4)]
    for _ in range(2):  # made, then opened
        stores = await asyncio.gather(*(opened(file, deadline=30) for file in files))
    assert [await store.read("s") for store in stores] == [None] * 4


async def test_who_gives_up_while_the_file_is_made_leaves_none_that_an_empty_passphrase_opens(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Secret(PASSPHRASE)

    def given_up(passphrase: Secret, salt: bytes) -> FileKey:
        given.wipe()
        return derive(passphrase, salt)

    with monkeypatch.context() as patched:
        patched.setattr(encryption, "derive", given_up)
        await make_file(file, given, 10)
    with refused("wrong-passphrase"):
        await open_file(file, Secret(), 10)
    await open_file(file, Secret(PASSPHRASE), 10)


async def test_a_wrong_passphrase_is_told_in_one_sentence_and_changes_nothing(file: Path) -> None:
    await opened(file)
    before = file.read_bytes()
    for _ in range(3):
        with refused("wrong-passphrase", match=r"^This passphrase does not open the encrypted file$"):
            await opened(file, "another passphrase altogether")
    assert file.read_bytes() == before
    await opened(file)


@pytest.mark.parametrize("text", ["short", " " * 12, "\u200b" * 12, "a" * 30, "one two  six", "abababababababab"])
async def test_a_new_passphrase_with_nothing_to_it_makes_no_file(file: Path, text: str) -> None:
    with refused("weak-passphrase"):
        await opened(file, text)
    assert not file.exists()


def test_every_flipped_byte_is_detected_without_a_passphrase() -> None:
    whole = seal(b'{"items":{}}', one_key())
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1
        with refused("file-damaged"):
            take_apart(bytes(altered))
    for length in (0, 1, 31, 32, 33, len(whole) - 1):
        with refused("file-damaged"):
            take_apart(whole[:length])


@pytest.mark.parametrize("part", ["header", "content"])
def test_an_alteration_with_a_checksum_made_to_fit_is_detected_by_the_key(part: str) -> None:
    body = bytearray(seal(b'{"items":{}}', one_key())[:-32])
    if part == "content":
        body[-1] ^= 1
    else:
        assert b'"salt":"73' in body
        body = bytearray(bytes(body).replace(b'"salt":"73', b'"salt":"74'))
    altered = bytes(body) + hashlib.sha256(body).digest()
    with refused("wrong-passphrase"):
        unseal(take_apart(altered), one_key())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"memory_kib":65536', b'"memory_kib":99999999'),
        (b'"memory_kib":65536', b'"memory_kib":64'),
        (b'"passes":3', b'"passes":true'),
        (b'"passes":3', b'"passes":4'),
        (b'"kdf":"argon2id"', b'"kdf":"none"'),
        (b'"version":1', b'"version":0'),
        (b'"version":1', b'"version":"2"'),
        (b'"version":1', b'"version":true'),
        (b'"version":1', b'"version":null'),
        (b'"format":"key-wizard credentials"', b'"format":"x"'),
        (b'"salt":"', b'"salt":"zz'),
    ],
)
def test_a_header_that_this_program_does_not_write_is_refused_before_any_work(old: bytes, new: bytes) -> None:
    with refused("file-damaged", match="is damaged"):
        take_apart(with_header(old, new))


def test_a_file_of_a_newer_version_is_called_so() -> None:
    with refused("file-newer", match="a newer Key Wizard"):
        take_apart(with_header(b'"version":1', b'"version":2'))


def with_header(old: bytes, new: bytes) -> bytes:
    """A file whose checksum is right and whose header is another one."""
    body = seal(b"{}", one_key())[:-32]
    assert old in body
    body = body.replace(old, new)
    return body + hashlib.sha256(body).digest()


async def test_a_file_that_others_can_reach_is_refused_with_the_command(file: Path) -> None:
    store = await opened(file)
    file.chmod(0o644)
    with refused("file-exposed") as caught:
        await store.read("s")
    assert f"chmod 600 {file}" in caught.value.advice
    file.chmod(0o600)
    moved = file.rename(file.with_name("elsewhere"))
    file.symlink_to(moved)
    with refused("file-exposed", match="symbolic link"):
        await store.write("s", Secret("x"))
    assert file.is_symlink()


async def test_a_file_that_vanished_is_told_and_not_made_anew(file: Path) -> None:
    store = await opened(file)
    file.unlink()
    with pytest.raises(CustodyError, match="is missing"):
        await store.write("s", Secret("x"))
    assert not await exists(file, 1)


async def test_a_lock_that_another_holds_is_given_up_at_the_deadline_and_can_be_cancelled(file: Path) -> None:
    from filelock import FileLock

    store = await opened(file)
    hasty = EncryptedFileStore(file, store._key, 0.3)
    with FileLock(f"{file}.lock"):
        with refused("busy", match=r"0\.3 s"):
            await hasty.write("s", Secret("x"))
        assert await store.read("s") is None
        patient = EncryptedFileStore(file, store._key, 600)
        waiting = asyncio.create_task(patient.write("s", Secret("x")))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await store.write("s", Secret("x"))


_WRITER = """
import asyncio, sys
from pathlib import Path
from wizard.custody.encrypted_file import open_file
from wizard.core.secret import Secret

async def main(file, name, count):
    store = await open_file(Path(file), Secret("PASSPHRASE"), 60)
    for number in range(int(count)):
        print(number, flush=True)
        await store.write(f"{name}:{number}", Secret(f"value {number}" * 50))
    print("done", flush=True)

asyncio.run(main(*sys.argv[1:]))
""".replace("PASSPHRASE", PASSPHRASE)


def writer(file: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(file), name, str(count)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


async def test_two_writers_lose_nothing(file: Path) -> None:
    store = await opened(file)
    writers = [writer(file, name, 25) for name in ("a", "b")]
    for process in writers:
        output, _ = await asyncio.to_thread(process.communicate, None, 60)
        assert output.endswith("done\n")
    for name in ("a", "b"):
        for number in range(25):
            assert await store.read(f"{name}:{number}") == Secret(f"value {number}" * 50)


@pytest.mark.slow
async def test_a_writer_that_is_killed_in_the_middle_loses_nothing_that_it_had_written(file: Path) -> None:
    store = await opened(file)
    await store.write("current", Secret("the key in use"))
    for attempt in range(KILLS):
        process = writer(file, f"run{attempt}", 1000)
        assert process.stdout is not None
        begun = await asyncio.to_thread(_let_run_and_kill, process, attempt)
        for number in range(begun - 1):
            assert await store.read(f"run{attempt}:{number}") == Secret(f"value {number}" * 50)
        assert await store.read("current") == Secret("the key in use")
        await store.write("after", Secret(f"{attempt}"))
    assert not list(file.parent.glob(".*"))


def _let_run_and_kill(process: subprocess.Popen[str], attempt: int) -> int:
    """Kill a writer somewhere within its eighth write; return how many it had begun."""
    assert process.stdout is not None
    for _ in range(8):
        process.stdout.readline()
    time.sleep(attempt % 5 * 0.001)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    return 8 + len(rest.split())


def test_the_key_shows_nothing_of_itself() -> None:
    key = derive(Secret(PASSPHRASE), b"s" * 16)
    assert PASSPHRASE not in repr(key)
    assert "cipher" not in repr(key)


async def test_a_passphrase_of_which_a_letter_was_lost_on_the_way_makes_no_file(file: Path) -> None:
    with refused("not-understood"):
        await make_file(file, Secret("caf\ufffd with some more words"), 10)
    assert not file.exists()


@pytest.mark.parametrize("passphrase", ["ключ от склада", "🔑🔒🗝🧿🪬🦄🐉🦖🐙🦑🐳🦚", "ten thousand " * 770])
async def test_any_other_passphrase_makes_a_file_that_it_opens(file: Path, passphrase: str) -> None:
    await (await make_file(file, Secret(passphrase), 10)).write("s", Secret("kept"))
    assert await (await open_file(file, Secret(passphrase), 10)).read("s") == Secret("kept")
