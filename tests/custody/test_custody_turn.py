"""Two journals on one place: what the one stores, the other never overwrites."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event

import pytest

from tests.custody.keys import hmac
from tests.custody.refusals import refused
from tests.secret_service import secret_service
from wizard.core.secret import Secret
from wizard.custody.encrypted_file import make_file, open_file
from wizard.custody.keyring import KeyringStore, open_keyring
from wizard.custody.keyring_process import KeyringProcess
from wizard.custody.records import decode_item
from wizard.custody.store import Store, acquire, new_lock, try_out, turn
from wizard.custody.vault import item_name

ROOT = Path(__file__).parents[2]
PASSPHRASE = "seven random words of the test"

_JOURNAL = """
import asyncio, os, sys, tempfile, time
from pathlib import Path
from tests.custody.keys import hmac
from wizard.custody.encrypted_file import open_file
from wizard.custody.keyring import open_keyring
from wizard.custody.records import Slot
from wizard.custody.vault import Vault
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal
from wizard.core.secret import Secret

async def main(owner, file):
    store = await open_file(Path(file), Secret("PASSPHRASE"), 10) if file else await open_keyring()
    write = store.write
    async def hesitating(*what):
        await asyncio.sleep(0.3)
        await write(*what)
    store.write = hesitating
    print("ready", flush=True)
    sys.stdin.readline()
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(open_database(Path(directory, "journal")), time.time)
        print((await Vault("test", journal, store).put(hmac(signing=owner * 64), Slot.PENDING)).item)
        journal.close()

asyncio.run(main(*sys.argv[1:]))
""".replace("PASSPHRASE", PASSPHRASE)


def journals(environ: Mapping[str, str], file: str) -> dict[str, subprocess.Popen[str]]:
    return {
        owner: subprocess.Popen(
            [sys.executable, "-c", _JOURNAL, owner, file],
            cwd=ROOT,
            env={**environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for owner in "ab"
    }


async def race(environ: Mapping[str, str], file: str = "") -> dict[str, str]:
    """Let two journals store another secret of the same API key at the same time; return what each was told."""
    both = journals(environ, file)
    for process in both.values():
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    for process in both.values():
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return {owner: (await asyncio.to_thread(process.communicate, None, 60))[0] for owner, process in both.items()}


async def judge(told: dict[str, str], store: Store) -> None:
    """Each stored its own secret, under a name of its own."""
    name = item_name("test", hmac())
    assert sorted(told.values()) == [f"{name}\n", f"{name}.2\n"]
    for owner, said in told.items():
        found = await store.read(said.strip())
        assert found is not None
        assert decode_item(found) == hmac(signing=owner * 64)


async def test_of_two_journals_on_one_file_each_stores_under_a_name_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "credentials.vault"
    await make_file(file, Secret(PASSPHRASE), 10)
    told = await race(os.environ, str(file))
    await judge(told, await open_file(file, Secret(PASSPHRASE), 10))


@pytest.mark.keyring
async def test_of_two_journals_on_one_keyring_each_stores_under_a_name_of_its_own() -> None:
    with secret_service("unlocked") as environ:
        told = await race(environ)
        await judge(told, await open_keyring(environ=environ))


async def test_a_turn_that_another_holds_is_given_up_at_the_deadline_and_can_be_cancelled(tmp_path: Path) -> None:
    lock = tmp_path / "made" / "here" / "place.lock"
    async with turn(lock, 5):
        with refused("busy", match=r"for 0\.1 s"):
            async with turn(lock, 0.1):
                pass
        waiting = asyncio.create_task(_take(lock))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with turn(lock, 0.5):
        assert lock.parent.stat().st_mode & 0o777 == 0o700


def test_a_lock_that_is_free_is_taken_however_late_it_is_looked_at(tmp_path: Path) -> None:
    lock = new_lock(tmp_path / "lock")
    acquire(lock, 0.0, Event())  # as where the disk took longer to make its directory than one waits
    assert lock.is_locked
    lock.release()


async def test_nobody_is_sent_to_another_home_because_the_encrypted_files_lock_cannot_be_made(tmp_path: Path) -> None:
    file = tmp_path / "credentials.vault"
    await make_file(file, Secret(PASSPHRASE), 10)
    file.with_name("credentials.vault.lock").unlink(missing_ok=True)
    file.with_name("credentials.vault.lock").mkdir()
    with refused("busy") as caught:
        await open_file(file, Secret(PASSPHRASE), 10)
    assert "set HOME" not in caught.value.advice


async def test_what_goes_wrong_during_a_turn_stays_what_it_was(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        async with turn(tmp_path / "lock", 1):
            raise TimeoutError
    await _take(tmp_path / "lock")


async def _take(lock: Path) -> None:
    async with turn(lock, 60):
        pass


async def test_where_no_turn_can_be_taken_the_canary_says_so_before_anything_matters(tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("in the way")
    store = KeyringStore("keyring.backends.SecretService.Keyring", "a keyring", KeyringProcess({"HOME": str(tmp_path)}))
    with refused("busy") as caught:
        await try_out(store)
    assert str(tmp_path / ".local/state/key-wizard") in caught.value.what
