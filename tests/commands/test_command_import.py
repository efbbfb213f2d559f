"""`key-wizard import`: one key that is found comes in use without a question; all else is named and left as it is."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.canaries import Canaries, Watch
from tests.commands.conftest import HERE, Bench, Command, Said
from tests.tiers import slow
from wizard.commands import import_key
from wizard.core.credentials import KeyKind
from wizard.core.errors import Exit
from wizard.core.secret import Secret
from wizard.custody.records import Slot
from wizard.custody.store import Store
from wizard.exchange.signing import generate_ed25519, read_private_key
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.model import Step


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    return tmp_path


@pytest.fixture
def made(bench: Bench) -> NewKey:
    """A key that a bot uses."""
    page = bench.simulated_page
    return asyncio.run(page.create("in use", KeyKind.HMAC, HERE, enableSpotAndMarginTrading=True))


def write(file: Path, key: str, secret: str, name: str = "BINANCE") -> Path:
    file.write_text(f"# my bot\n{name}_API_KEY={key}\n{name}_API_SECRET={secret}\n")
    file.chmod(0o600)
    return file


def in_use(bench: Bench) -> str:
    with bench.journal() as journal:
        key = journal.key_in("bench", Slot.CURRENT)
    return key.name.fingerprint if key else ""


def expect_no_leak(bench: Bench, said: Said, *values: str) -> None:
    canaries = Canaries(dict(zip(values, values, strict=True)))
    assert (canaries.found(said.out + said.err), canaries.in_files(bench.paths.state)) == ([], {})


@pytest.mark.keyring
def test_the_one_key_that_is_found_is_in_use_afterwards_without_a_question(
    bench: Bench, keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    file = write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    before = file.read_bytes()
    said = command("import", "bench")
    assert said.code == 0, said.err
    name = f"…{made.api_key.last_four()}"
    assert f"{name} is stored and works from here." in said.out
    assert f"Proven from        {HERE}" in said.out
    assert f"{name} is still in {file}, lines 2, 3. Remove it there when your bot runs under exec." in said.out
    assert "not known yet, as Binance never shows it" in said.out
    assert "key-wizard --env bench --job whitelist" in said.out
    assert in_use(bench) == made.api_key.fingerprint()
    assert file.read_bytes() == before
    expect_no_leak(bench, said, made.api_key.reveal(), made.secret.reveal())
    assert command("check", "bench").code == 0
    again = command("import", "bench")
    assert (again.code, again.out) == (1, "")
    assert f"{name} is in use already" in again.err
    assert "key-wizard --env bench" in again.err


def test_json_has_each_check_and_the_next_job(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    file = write(directory / "bot.env", made.api_key.reveal(), made.secret.reveal())
    said = command("import", "bench", str(file), "--json")
    assert (said.code, said.json["imported"], said.json["source"]) == (0, True, str(file))
    assert said.json["key"]["fingerprint"] == made.api_key.fingerprint()
    assert said.check("New key")["outcome"] == "passed"
    assert said.json["next"] == "key-wizard --env bench --job whitelist"
    assert str(file) in said.json["left"][0]
    expect_no_leak(bench, said, made.api_key.reveal(), made.secret.reveal())


def test_a_dry_run_names_what_is_there_masked_and_stores_and_sends_nothing(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    file = write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    said = command("import", "bench", "--dry-run")
    assert said.code == 0
    end = made.api_key.last_four()
    assert f"…{end} in {file}, lines 2, 3, BINANCE_API_KEY and BINANCE_API_SECRET." in said.out
    expect_no_leak(bench, said, made.api_key.reveal(), made.secret.reveal())
    said = command("import", "bench", str(file), "--dry-run", "--json")
    assert (said.code, said.json["candidates"]) == (
        0,
        [
            {
                "where": f"{file}, lines 2, 3",
                "key_name": "BINANCE_API_KEY",
                "secret_name": "BINANCE_API_SECRET",
                "kind": "hmac",
                "last_four": end,
                "fingerprint": made.api_key.fingerprint(),
                "site": None,
                "chosen": True,
                "refused": None,
                "missing": None,
                "public_key": None,
            }
        ],
    )
    assert not bench.paths.journal.exists()
    assert asyncio.run(bench.simulated_page.activity()) == ()
    expect_no_leak(bench, said, made.api_key.reveal(), made.secret.reveal())


def test_several_keys_in_a_file_are_named_and_the_lines_of_one_are_taken_from_standard_input(
    bench: Bench,
    fake_keyring: Store,
    command: Command,
    directory: Path,
    made: NewKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, secret = made.api_key.reveal(), made.secret.reveal()
    file = write(directory / ".env", key, secret, "MAIN")
    other = f"SUB_API_KEY={'s' * 64}\nSUB_API_SECRET={'t' * 64}\n"
    file.write_text(file.read_text() + other)
    for arguments in ((), (str(file),)):
        said = command("import", "bench", *arguments)
        assert (said.code, said.out) == (2, "")
        assert "lines 2, 3, MAIN_API_KEY" in said.err
        assert f"…{key[-4:]}" in said.err
        assert "lines 4, 5, SUB_API_KEY" in said.err
        assert "import bench FILE --candidate NAME" in said.err.splitlines()[-1]
        expect_no_leak(bench, said, key, secret, "s" * 64, "t" * 64)
    listed = command("import", "bench", str(file), "--dry-run", "--json")
    assert (listed.code, [one["chosen"] for one in listed.json["candidates"]]) == (1, [False, False])
    named = command("import", "bench", str(file), "--dry-run", "--json", "--candidate", "main_api_key")
    assert (named.code, [one["chosen"] for one in named.json["candidates"]]) == (0, [True, False])
    assert command("import", "bench", str(file), "--dry-run", "--candidate", "OTHER").code == 1
    lines = "\n".join(file.read_text().splitlines()[1:3])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert command("import", "bench", "-").code == 0
    assert in_use(bench) == made.api_key.fingerprint()


@pytest.mark.parametrize(
    "value", ["MC4CAQAwBQYDK2VwBCIEIFr0Yx9Dm2uV7cQe1LkT8sHbNzG3pXoJ5wAa4iRtUyPq", f"{'a1B2' * 10}+/8="]
)
def test_no_end_of_a_private_key_is_shown_whatever_its_name(
    bench: Bench, command: Command, directory: Path, made: NewKey, value: str
) -> None:
    file = directory / "bot.env"
    file.write_text(f"BINANCE_API_KEY={made.api_key.reveal()}\nED25519_KEY={value}\n")
    file.chmod(0o600)
    for how in (("--dry-run",), ("--dry-run", "--json")):
        said = command("import", "bench", str(file), *how)
        assert value[-4:] not in said.out + said.err


def test_a_dry_run_says_that_others_can_read_the_file(
    bench: Bench, command: Command, directory: Path, made: NewKey
) -> None:
    file = write(directory / "bot.env", made.api_key.reveal(), made.secret.reveal())
    file.chmod(0o644)
    assert "Other users of this machine can read" in command("import", "bench", str(file), "--dry-run").err


@pytest.mark.terminal
def test_nothing_is_read_from_a_terminal_that_shows_what_is_pasted(
    bench: Bench, command: Command, made: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, terminal = os.openpty()
    with os.fdopen(terminal) as source:
        monkeypatch.setattr(sys, "stdin", source)
        os.write(keyboard, f"API_KEY={made.api_key.reveal()}\nSECRET={made.secret.reveal()}\n\x04".encode())
        said = command("import", "bench", "-", "--dry-run")
    os.close(keyboard)
    assert (said.code, said.out) == (2, "")
    assert "It would show the key" in said.err


def test_two_places_with_different_keys_are_both_named_and_two_with_the_same_key_are_one(
    bench: Bench,
    fake_keyring: Store,
    command: Command,
    directory: Path,
    made: NewKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    monkeypatch.setenv("BINANCE_API_KEY", "e" * 64)
    monkeypatch.setenv("BINANCE_API_SECRET", "f" * 64)
    said = command("import", "bench", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "import.several")
    assert f"{file}, lines 2, 3, BINANCE_API_KEY" in said.err
    assert "…eeee in the environment, BINANCE_API_KEY" in said.err
    monkeypatch.setenv("BINANCE_API_KEY", made.api_key.reveal())
    monkeypatch.setenv("BINANCE_API_SECRET", made.secret.reveal())
    assert command("import", "bench").code == 0


def test_no_key_says_where_it_was_looked_for(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path
) -> None:
    said = command("import", "bench")
    assert (said.code, said.out) == (1, "")
    assert f"Looked in {directory}/.env, " in said.err
    assert "conf/connectors/binance.yml" in said.err
    assert said.err.splitlines()[-1] == "  key-wizard import bench FILE"
    assert not bench.paths.journal.exists()


def test_a_key_that_binance_refuses_stays_new_and_the_right_one_is_taken_the_next_time(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    file = write(directory / ".env", made.api_key.reveal(), "w" * 64)
    said = command("import", "bench")
    assert said.code == Exit.ROTATION_OPEN
    assert "is stored and not in use yet" in said.out
    assert said.out.splitlines()[-1] == "key-wizard --env bench"
    assert in_use(bench) == ""
    with bench.journal() as journal:
        open_job = journal.open_rotation("bench")
    assert open_job is not None
    assert open_job.step is Step.PROBE
    write(file, made.api_key.reveal(), made.secret.reveal())
    assert command("import", "bench").code == 0
    assert in_use(bench) == made.api_key.fingerprint()


def test_a_key_of_another_environment_is_refused_and_no_job_is_left_open(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    assert command("import", "bench").code == 0
    bench.configure('[environments.other]\nsite = "testnet"\n')
    said = command("import", "other")
    assert (said.code, "This key belongs to the environment bench" in said.err) == (1, True)
    with bench.journal() as journal:
        assert journal.open_rotation("other") is None


def test_an_exchange_that_gives_no_answer_leaves_the_job_open_with_6(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    bench.fault(answers=[{"path": "/sapi/v1/account/apiRestrictions", "times": 99, "status": 503}])
    said = command("import", "bench", "--json")
    assert (said.code, said.json["imported"], said.json["next"]) == (6, False, "key-wizard --env bench")


def test_another_job_that_is_open_is_left_as_it_is(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, made: NewKey
) -> None:
    from wizard.rotation.model import Mode

    write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    with bench.journal() as journal:
        journal.begin_rotation("bench", Mode.SET_UP)
    said = command("import", "bench")
    assert (said.code, said.out) == (2, "")
    assert "A job is open already" in said.err


def test_a_keyring_that_cannot_be_used_is_5_and_nothing_is_sent(
    bench: Bench, command: Command, directory: Path, made: NewKey
) -> None:
    write(directory / ".env", made.api_key.reveal(), made.secret.reveal())
    assert command("import", "bench").code == 5
    assert asyncio.run(bench.simulated_page.activity()) == ()


def test_a_private_key_comes_with_its_api_key_from_one_file(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path
) -> None:
    pair = generate_ed25519()
    made = asyncio.run(
        bench.simulated_page.create("in use", KeyKind.ED25519, HERE, public_key=pair.public_pem, enableReading=True)
    )
    pem = pair.private_pem.reveal()
    escaped = pem.strip().replace("\n", "\\n")
    file = directory / ".env"
    file.write_text(f'BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_PRIVATE_KEY="{escaped}"\n')
    said = command("import", "bench")
    assert said.code == 0, said.err
    assert f"{file}, lines 1, 2" in said.out
    expect_no_leak(bench, said, made.api_key.reveal(), pem.splitlines()[1])


def test_an_encrypted_private_key_asks_on_the_terminal_alone(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = generate_ed25519()
    made = asyncio.run(bench.simulated_page.create("in use", KeyKind.ED25519, HERE, public_key=pair.public_pem))
    locked = BestAvailableEncryption(b"open sesame")
    file = directory / "key.pem"
    key = read_private_key(pair.private_pem)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    monkeypatch.setattr("wizard.commands.prompts.TERMINAL", directory / "none")
    said = command("import", "bench", str(file), "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "terminal.missing")
    typed = [Secret("open sesame"), Secret(made.api_key.reveal())]
    monkeypatch.setattr(import_key, "ask", lambda *_: typed.pop(0))
    said = command("import", "bench", str(file))
    assert said.code == 0, said.err
    assert in_use(bench) == made.api_key.fingerprint()


@pytest.mark.parametrize(
    ("passphrase", "code"), [(b"open sesame\n", 0), (b"open sesame", 0), (b"other\n", 1), (b"", 2)]
)
def test_the_passphrase_of_a_private_key_comes_by_a_descriptor(
    bench: Bench, fake_keyring: Store, command: Command, directory: Path, passphrase: bytes, code: int
) -> None:
    pair = generate_ed25519()
    page = bench.simulated_page
    made = asyncio.run(page.create("in use", KeyKind.ED25519, HERE, public_key=pair.public_pem, enableReading=True))
    key, locked = read_private_key(pair.private_pem), BestAvailableEncryption(b"open sesame")
    escaped = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode().strip().replace("\n", "\\n")
    (directory / ".env").write_text(f'BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_PRIVATE_KEY="{escaped}"\n')
    reader, writer = os.pipe()
    os.write(writer, passphrase)
    os.close(writer)
    try:
        said = command("import", "bench", "--passphrase-fd", str(reader))
    finally:
        os.close(reader)
    assert said.code == code, said.err
    assert (in_use(bench) == made.api_key.fingerprint()) is (code == 0)
    expect_no_leak(bench, said, "open sesame", made.api_key.reveal())


def test_a_key_as_an_argument_is_refused_unseen(bench: Bench, command: Command) -> None:
    said = command("import", "bench", "aB3" * 20)
    assert (said.code, said.out) == (2, "")
    assert "aB3aB3" not in said.err


# --- no value of any candidate, anywhere ---------------------------------------------------------

DECOYS = [
    digest * 2
    for digest in (
        "Qm4Zt8Wc1Xs7Lp3Vn6Ky9Rb2Hd5Gf0Ju",
        "Ew5Ta1Sd9Kz3Mx7Bv2Nq6Pc8Lr4Yh0Fi",
        "Uo3Ib7Gj1Dk5Ch9Va2Ze6Xt4Ws8Rq0Ny",
    )
]


def in_files(key: str, secret: str) -> dict[str, str]:
    """Return the same key in a file of each kind, most of them with other keys beside it."""
    one, two, three = DECOYS
    encoded = [base64.b64encode(value.encode()).decode() for value in (key, secret)]
    return {
        "env": f"BINANCE_API_KEY={one}\nBINANCE_API_KEY={key}\nBINANCE_API_SECRET={secret}\n# {two}\n"
        f"BINANCE_TESTNET_API_KEY={two}\nBINANCE_TESTNET_API_SECRET={three}\n",
        "json": json.dumps(
            {"binance": {"key": key, "secret": secret}, "kraken": {"key": one, "secret": two}, three: 1}
        ),
        "yaml": f"live:\n  api_key: {key}\n  api_secret: {secret}\nold:\n  api_key: {one}\n  api_secret: {two}\n",
        "secret.yaml": f"kind: Secret\ndata:\n  api-key: {encoded[0]}\n  api-secret: {encoded[1]}\n",
        "csv": f"name,url,username,password\nbinance,https://www.binance.com,{key},{secret}\nx,https://x.io,{one},{two}\n",
        "py": f"OLD = ('{one}', '{two}')\nclient = Client(api_key='{key}', api_secret='{secret}')\n",
        "service": f'[Service]\nEnvironment="BINANCE_API_KEY={key}" "BINANCE_API_SECRET={secret}" "X_API_KEY={one}"\n',
        "utf-16": f"\ufeffBINANCE_API_KEY={key}\nBINANCE_API_SECRET={secret}\n",
        "several": f"A_API_KEY={key}\nA_API_SECRET={secret}\nB_API_KEY={one}\nB_API_SECRET={two}\n",
        "refused": f"BINANCE_API_KEY={secret}\nBINANCE_API_SECRET={key}\n",
        "ppk": f"API_KEY={key}\nPuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{one}\n"
        f"Private-MAC: {'0a' * 32}\n",
    }


@pytest.mark.keyring
@pytest.mark.parametrize("kind", ["ppk", *slow(*(kind for kind in in_files("", "") if kind != "ppk"))])
def test_no_value_of_a_file_is_anywhere_else(
    kind: str, bench: Bench, keyring: Store, directory: Path, made: NewKey
) -> None:
    text = in_files(made.api_key.reveal(), made.secret.reveal())[kind]
    file = directory / f"bot.{kind}"
    file.write_bytes(text.encode("utf-16" if kind == "utf-16" else "utf-8"))
    file.chmod(0o600)
    program = [sys.executable, "-m", "wizard", "import", "bench", str(file)]
    with Watch() as watch:
        done = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    expected = {"several": Exit.USAGE, "refused": Exit.ROTATION_OPEN, "ppk": Exit.SAYS_NO}.get(kind, Exit.FINE)
    assert done.returncode == expected, done.stdout[-2000:]
    values = (made.api_key.reveal(), made.secret.reveal(), *DECOYS)
    canaries = Canaries(dict(zip(values, values, strict=True)))
    assert (canaries.found(watch.seen + done.stdout), canaries.in_files(bench.paths.state)) == ([], {})
