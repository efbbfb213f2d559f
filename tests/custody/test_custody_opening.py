from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.custody.configuration import configure, install_plugin
from tests.custody.hung_bus import HungBus
from tests.custody.refusals import refused
from wizard.core.secret import Secret
from wizard.custody import keyring
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.keyring import open_keyring, unlock_keyring, unnamed_bus
from wizard.custody.keyring_errors import BUS_COMMAND, UNLOCK_COMMAND, Service, unusable_service
from wizard.custody.keyring_worker.protocol import ServiceState
from wizard.custody.questions import CHOICES, Choice

VARIABLE = "PYTHON_KEYRING_BACKEND"
BUS = "DBUS_SESSION_BUS_ADDRESS"


async def refusal(environ: dict[str, str]) -> CustodyError:
    with pytest.raises(CustodyError) as caught:
        await open_keyring(environ=environ)
    assert caught.value.why
    assert caught.value.advice
    return caught.value


def commands(error: CustodyError) -> tuple[str, ...]:
    return tuple(command for instruction in error.instructions for command in instruction.commands)


async def test_without_a_bus_there_is_no_keyring(login: dict[str, str]) -> None:
    error = await refusal(login)
    assert error.code == "no-bus-address"
    assert BUS_COMMAND in commands(error)


@pytest.mark.parametrize("address", ["autolaunch:", "tcp:host=localhost,port=1", "nonsense"])
async def test_a_bus_address_that_cannot_be_used_is_shown(login: dict[str, str], address: str) -> None:
    error = await refusal({**login, BUS: address})
    assert error.code == "no-bus-address"
    assert address in error.why


async def test_a_bus_that_is_gone_is_unreachable(login: dict[str, str]) -> None:
    error = await refusal({**login, BUS: f"unix:path={login['HOME']}/no-such-bus"})
    assert error.code == "bus-unreachable"
    assert "FileNotFoundError" in error.why


async def test_a_bus_that_belongs_to_nobody_is_unreachable(login: dict[str, str]) -> None:
    path = f"{login['HOME']}/dead"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
    error = await refusal({**login, BUS: f"unix:path={path}"})
    assert error.code == "bus-unreachable"


async def test_a_bus_that_hangs_ends_at_the_deadline(hung_bus: HungBus) -> None:
    with refused("timeout", match=r"0\.5 s"):
        await open_keyring(deadline=0.5, environ=hung_bus.environ)


@pytest.mark.parametrize(
    ("backend", "state"),
    [
        ("keyring.backends.null.Keyring", "backend-null"),
        ("keyring.backends.fail.Keyring", "backend-fail"),
        ("keyrings.alt.file.PlaintextKeyring", "backend-plaintext"),
        ("keyrings.alt.file.EncryptedKeyring", "backend-unknown"),
        ("no.such.Keyring", "backend-unknown"),
        ("nodots", "backend-unknown"),
        ("", "backend-unknown"),
    ],
)
async def test_a_backend_named_in_the_environment_is_refused_by_name(
    login: dict[str, str], backend: str, state: str
) -> None:
    error = await refusal({**login, VARIABLE: backend})
    assert error.code == state
    assert backend in error.what
    assert VARIABLE in error.why
    assert f"{VARIABLE}=keyring.backends.SecretService.Keyring" in error.advice


async def test_a_keyring_that_was_disabled_for_good_is_found_out(login: dict[str, str]) -> None:
    file = configure(login, "[backend]\ndefault-keyring=keyring.backends.null.Keyring")  # as `keyring --disable` does
    error = await refusal(login)
    assert error.code == "backend-null"
    assert "reports success" in error.why
    assert str(file) in error.why
    assert str(file) in error.advice
    assert "default-keyring=keyring.backends.SecretService.Keyring" in error.advice


async def test_a_backend_that_is_refused_is_not_even_loaded(login: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')")
    configure(login, f"[backend]\ndefault-keyring=evil.Keyring\nkeyring-path={tmp_path}\n")
    assert (await refusal(login)).code == "backend-unknown"
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    "backend", ["keyring.backends.SecretService.Keyring", "keyring.backends.chainer.ChainerBackend"]
)
async def test_a_sound_choice_without_a_bus_is_told_about_the_bus(login: dict[str, str], backend: str) -> None:
    assert (await refusal({**login, VARIABLE: backend})).code == "no-bus-address"


async def test_a_sound_choice_of_another_system_does_not_work_here(login: dict[str, str]) -> None:
    error = await refusal({**login, VARIABLE: "keyring.backends.macOS.Keyring"})
    assert error.code == "backend-unusable"
    assert "RuntimeError" in error.why


async def test_a_strangers_backend_that_is_left_over_without_a_bus_is_told_about_the_bus(login: dict[str, str]) -> None:
    install_plugin(login, priority=20)
    assert (await refusal(login)).code == "no-bus-address"


async def test_a_system_without_a_secret_service_is_judged_by_its_backend_alone(
    login: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "sys", SimpleNamespace(platform="darwin"))
    error = await refusal(login)
    # What is left for the library to prefer depends on what is installed beside it: nothing of it is used.
    assert error.code in {"backend-fail", "backend-plaintext"}


@pytest.mark.parametrize("state", [state for state in ServiceState if state is not ServiceState.READY])
@pytest.mark.parametrize("provider", ["gnome-keyring-d", "keepassxc", ""])
def test_every_state_has_a_remedy_in_whole_sentences(state: ServiceState, provider: str) -> None:
    error = unusable_service(Service(state, provider, "/org/freedesktop/secrets/collection/login"))
    assert error.code == state
    assert not error.what.endswith(".")
    assert error.why.endswith(".")
    assert error.advice
    assert "{" not in " ".join(error.sentences())


def test_only_gnome_keyring_is_told_of_its_own_command() -> None:
    assert commands(unusable_service(Service(ServiceState.LOCKED, "gnome-keyring-d"))) == (UNLOCK_COMMAND,)
    other = unusable_service(Service(ServiceState.LOCKED, "keepassxc"))
    assert "KeePassXC" in other.advice
    assert other.instructions == ()


@pytest.mark.parametrize("state", [state for state in ServiceState if state is not ServiceState.READY])
@pytest.mark.parametrize("provider", ["gnome-keyring-d", ""])
def test_what_is_to_be_typed_is_one_line_that_a_shell_reads(state: ServiceState, provider: str) -> None:
    error = unusable_service(Service(state, provider))
    assert not any(each.title.endswith(".") or not each.commands for each in error.instructions)
    for command in commands(error):
        assert command.isprintable()
        assert subprocess.run(["bash", "-n", "-c", command], check=False, timeout=10).returncode == 0


def test_where_there_is_no_keyring_each_choice_has_its_words() -> None:
    assert set(CHOICES) == set(Choice)
    assert unusable_service(Service(ServiceState.NO_BUS_ADDRESS)).instructions
    assert unusable_service(Service(ServiceState.NO_SERVICE)).instructions


def test_what_the_bus_says_cannot_write_to_the_terminal() -> None:
    for state in (ServiceState.LOCKED, ServiceState.SERVICE_FAILS, ServiceState.BUS_UNREACHABLE):
        error = unusable_service(Service(state, "a\x1b[2J", "/x/y\x1b[2J", "z\x1b[2J", "b\x1b[2J"))
        assert "\x1b" not in " ".join(error.sentences())


def test_a_bus_socket_of_ones_own_is_found(login: dict[str, str]) -> None:
    path = Path(login["XDG_RUNTIME_DIR"], "bus")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert unnamed_bus(login) == f"unix:path={path}"
        assert unnamed_bus({**login, BUS: "unix:path=/elsewhere"}) == ""


def test_what_is_not_a_socket_is_no_bus(login: dict[str, str]) -> None:
    assert unnamed_bus(login) == ""
    Path(login["XDG_RUNTIME_DIR"], "bus").write_text("")
    assert unnamed_bus(login) == ""


def test_a_bus_socket_of_another_user_is_left_alone(login: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(Path(login["XDG_RUNTIME_DIR"], "bus")))
        monkeypatch.setattr("os.getuid", lambda: 12345)
        assert unnamed_bus(login) == ""


def test_a_command_is_given_only_where_it_helps_and_stands_alone() -> None:
    def error(state: ServiceState, collection: str) -> CustodyError:
        return unusable_service(Service(state, "gnome-keyring-d", f"/org/freedesktop/secrets/collection/{collection}"))

    assert commands(error(ServiceState.LOCKED, "login")) == (UNLOCK_COMMAND,)
    other = error(ServiceState.LOCKED, "work")
    assert (other.instructions, other.remedy) == ((), Remedy.UNLOCK)
    without_bus = unusable_service(Service(ServiceState.NO_BUS_ADDRESS))
    assert BUS_COMMAND in commands(without_bus)
    assert not any(command in sentence for command in commands(without_bus) for sentence in without_bus.sentences())


def test_a_collection_that_the_environment_misnames_is_not_made_under_another_name() -> None:
    error = unusable_service(
        Service(ServiceState.NO_COLLECTION, "gnome-keyring-d", "/org/freedesktop/secrets/collection/x")
    )
    assert "called x" in error.why
    assert error.remedy is Remedy.NONE
    assert "Unset KEYRING_PROPERTY_PREFERRED_COLLECTION" in error.advice
    assert unusable_service(Service(ServiceState.NO_COLLECTION, "gnome-keyring-d")).remedy is Remedy.CREATE


async def test_a_new_password_of_which_a_letter_was_lost_on_the_way_is_given_to_no_keyring(
    login: dict[str, str],
) -> None:
    with refused("not-understood"):
        await unlock_keyring(Secret("caf\ufffd"), Remedy.CREATE, environ=login)
