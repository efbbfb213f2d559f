from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.commands.conftest import Bench, Command
from tests.commands.test_command_history import alter
from tests.tiers import slow
from wizard.commands import doctor, prompts
from wizard.commands.doctor import compare_stored_keys
from wizard.core.secret import Secret
from wizard.custody.encrypted_file import make_file
from wizard.custody.store import MemoryStore, Store
from wizard.net.route import ROOT_VARIABLES, UNREAD_ROOT_VARIABLES
from wizard.rotation import exchange_calls
from wizard.rotation.findings import FindingWriter
from wizard.rotation.model import Outcome


def areas(command: Command, *arguments: str) -> dict[str, list[str]]:
    """Return the outcomes by area."""
    found: dict[str, list[str]] = {}
    for check in command("doctor", "--json", *arguments).json["checks"]:
        found.setdefault(check["area"], []).append(check["outcome"])
    return found


@pytest.mark.keyring
def test_a_host_that_has_everything_is_fine(bench: Bench, keyring: Store, command: Command) -> None:
    said = command("doctor")
    assert (said.code, said.err) == (0, "")
    assert "passed         Storage" in said.out
    assert "GNOME Keyring, collection login" in said.out
    found = areas(command)
    assert found.pop("keyring")[0] == "passed"  # beside it, what other tests left in the keyring is told
    assert found == {
        "terminal": ["warning"],  # there is none under a test
        "network": ["passed"],
        "clock": ["passed"],
        "files": ["passed"] * 4,
    }


def test_the_areas_stand_in_the_order_of_the_help_and_one_can_be_asked_alone(bench: Bench, command: Command) -> None:
    assert list(areas(command)) == ["terminal", "keyring", "network", "clock", "files"]
    assert list(areas(command, "--only", "files")) == ["files"]
    assert command("doctor", "--only", "coffee").code == 2


def test_no_terminal_is_a_warning_with_another_way(bench: Bench, command: Command) -> None:
    said = command("doctor", "--only", "terminal", "--json")
    assert said.code == 0
    assert "--plain" in said.check("Terminal")["advice"]


@pytest.mark.keyring
def test_settings_that_cannot_be_read_do_not_let_another_place_pass(
    bench: Bench, keyring: Store, command: Command
) -> None:
    bench.paths.config_file.write_text('[custody]\nplace = "encrypted-file"\n[environments.x]\nhosts = 3\n')
    said = command("doctor", "--only", "keyring", "--json")
    assert said.code == 5
    assert (said.check("Storage")["outcome"], said.check("Storage")["state"]) == ("failed", "settings")
    assert "config.toml, line 4." in said.check("Storage")["observed"]


def test_no_keyring_is_exit_5_with_the_remedy(bench: Bench, command: Command) -> None:
    said = command("doctor", "--json")
    assert said.code == 5
    assert said.check("Storage")["outcome"] == "failed"
    assert "choose the encrypted file" in said.check("Storage")["advice"]
    assert (said.check("Storage")["state"], said.check("Storage")["backend"]) == ("no-bus-address", "")
    commands = [line for each in said.check("Storage")["instructions"] for line in each["commands"]]
    assert any(line.startswith("dbus-run-session -- ") and "key-wizard" in line for line in commands)
    for words in (("doctor",), ("storage",)):
        said = command(*words)
        assert said.code == 5
        assert [line for line in commands if line not in said.out.splitlines()] == [], "each stands alone on its line"


def test_an_encrypted_file_is_closed_until_its_passphrase_comes_as_a_systemd_credential(
    bench: Bench, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "TERMINAL", tmp_path / "no-terminal")
    bench.configure('[custody]\nplace = "encrypted-file"\n')
    said = command("doctor", "--only", "keyring", "--json")
    assert "open it on a terminal" in said.check("Storage")["advice"], "no credential makes a new file"
    asyncio.run(make_file(bench.paths.encrypted_file, Secret("seven random words"), 10))
    said = command("doctor", "--only", "keyring", "--json")
    assert (said.code, said.check("Storage")["state"]) == (5, "file-closed")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "key-wizard-passphrase").write_text("another one altogether\n")
    said = command("doctor", "--only", "keyring", "--json")
    assert said.code == 5
    assert "This passphrase does not open the encrypted file" in said.check("Storage")["observed"]
    (tmp_path / "key-wizard-passphrase").write_text("seven random words\n")
    said = command("doctor", "--only", "keyring", "--json")
    assert (said.code, said.check("Storage")["state"]) == (0, "ready")
    assert said.check("Storage")["backend"] == "encrypted-file"
    assert "the encrypted file" in said.check("Storage")["observed"]
    assert "keyring" not in command("doctor", "--only", "keyring").out.lower()


def test_an_exchange_that_is_not_there_is_exit_6(bench: Bench, command: Command, dead_url: str) -> None:
    bench.configure(base_url=dead_url)
    for area, subject in (("network", "Network bench"), ("clock", "Clock")):
        said = command("doctor", "--only", area, "--json")
        assert said.code == 6
        assert said.check(subject)["outcome"] == "inconclusive"
        assert said.check(subject)["advice"]


def test_every_environment_s_exchange_is_called_over_its_own_route(
    bench: Bench, command: Command, dead_url: str
) -> None:
    bench.configure(
        f'[environments.dead]\nsite = "custom"\nbase_url = "{dead_url}"\n'
        '[environments.astray]\nsite = "demo"\nproxy = "gopher://10.0.0.2:70"\n'
    )
    said = command("doctor", "--only", "network", "--json")
    assert said.code == 6
    assert said.check("Network bench")["outcome"] == "passed"
    assert "direct (127.0.0.1 is this machine)" in said.check("Network bench")["observed"]
    assert said.check("Network dead")["outcome"] == "inconclusive"
    assert "gopher" in said.check("Network astray")["observed"]


@contextmanager
def served(tls: ssl.SSLContext) -> Iterator[int]:
    """A TLS server that only shakes hands; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                with suppress(OSError), listening.accept()[0] as raw, tls.wrap_socket(raw, server_side=True) as ended:
                    ended.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        is_over.set()
        thread.join()


@pytest.fixture
def inspector(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of a server with a company's certificate for a name of the exchange, and that company's authority."""
    authority, tls = trustme.CA(organization_name="Inspector Ltd"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.exchange.test").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "company.pem")
    with served(tls) as port:
        yield port, tmp_path / "company.pem"


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Stands in for this host's name service."""
    real = socket.getaddrinfo

    def look_up(host: str | bytes | None, *rest: Any, **named: Any) -> Any:
        if host not in ("api.exchange.test", b"api.exchange.test"):
            return real(host, *rest, **named)
        family = named.get("family") or (rest[1] if len(rest) > 1 else 0)
        version = {socket.AF_INET: 4, socket.AF_INET6: 6}.get(family, 0)
        found = [each for each in addresses if version in (0, ip_address(each).version)]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [entry for each in found for entry in real(each, *rest, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.field(52, "surroundings", "https://github.com/adshao/go-binance/issues/239")
@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::"])
def test_a_blocklist_that_answers_for_the_exchange_is_named(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch, dead_url: str, address: str
) -> None:
    """openwrt-in-docker#2, adshao/go-binance#239."""
    resolving(monkeypatch, address)
    bench.configure(base_url=f"https://api.exchange.test:{dead_url.rpartition(':')[2]}")
    said = command("doctor", "--only", "network", "--json")
    assert said.code == 6
    assert f"api.exchange.test resolves to {address} here. A blocklist" in said.check("Network bench")["observed"]
    assert "Remove the name from the blocklist" in said.check("Network bench")["advice"]


def test_a_name_that_nobody_knows_is_named(bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch)
    bench.configure(base_url="https://api.exchange.test")
    check = command("doctor", "--only", "network", "--json").check("Network bench")
    assert "The name api.exchange.test could not be looked up" in check["observed"]


@pytest.mark.field(53, "surroundings", "https://github.com/britive/python-cli/issues/213")
@pytest.mark.parametrize("variable", ["", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_inspecting_proxy_is_named_with_the_variable_that_would_trust_it(
    bench: Bench,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    inspector: tuple[int, Path],
    variable: str,
) -> None:
    """britive/python-cli#213, astral-sh/uv#10724."""
    port, file = inspector
    resolving(monkeypatch, "127.0.0.1")
    bench.configure(base_url=f"https://api.exchange.test:{port}")
    for each in (*ROOT_VARIABLES, *UNREAD_ROOT_VARIABLES):
        monkeypatch.delenv(each, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(file))
    check = command("doctor", "--only", "network", "--json").check("Network bench")
    assert "signed by “Inspector Ltd" in check["observed"]
    assert "SSL_CERT_FILE" in check["advice"]
    assert (f"{variable}={file} is set, but the wizard does not read" in check["advice"]) is bool(variable)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
def test_the_variable_that_chose_a_dead_proxy_is_named_without_its_password(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch, dead_url: str, variable: str
) -> None:
    monkeypatch.setenv(variable, dead_url.replace("://", "://trader:hunter2@"))
    bench.configure(base_url="https://api.exchange.test")
    check = command("doctor", "--only", "network", "--json").check("Network bench")
    assert f"chosen by {variable}" in check["observed"]
    assert dead_url.rpartition("/")[2] in check["observed"]
    assert "hunter2" not in str(check)
    assert "trader" not in str(check)


@pytest.mark.slow
def test_an_exchange_that_hangs_is_given_up(bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CALL_DEADLINE", 0.2)
    bench.fault(latency_ms=20_000)
    assert areas(command, "--only", "network") == {"network": ["inconclusive"]}
    assert areas(command, "--only", "clock") == {"clock": ["inconclusive"]}


@pytest.mark.parametrize("area", ["network", *slow("clock")])
def test_a_name_server_that_never_answers_is_not_waited_for(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch, area: str
) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(20))
    monkeypatch.setattr(doctor, "CALL_DEADLINE", 0.2)
    bench.paths.config_file.write_text('[environments.lost]\nsite = "custom"\nbase_url = "https://nowhere.invalid"\n')
    begun = time.monotonic()
    assert areas(command, "--only", area) == {area: ["inconclusive"]}
    assert time.monotonic() - begun < 10
    is_over.set()


def test_an_exchange_too_slow_to_measure_the_clock_is_given_up(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (doctor, exchange_calls):
        monkeypatch.setattr(place, "CLOCK_DEADLINE", 0.3)
    bench.fault(latency_ms=200)
    said = command("doctor", "--only", "clock", "--json")
    assert said.code == 6
    assert "within 0.3 s" in said.check("Clock")["observed"]


@pytest.mark.parametrize(("seconds", "outcome", "code"), [(0.0, "passed", 0), (0.5, "warning", 0), (5.0, "failed", 1)])
def test_the_clock_is_judged_by_what_the_exchange_would_refuse(
    bench: Bench, command: Command, seconds: float, outcome: str, code: int
) -> None:
    bench.fault(clock_offset_ms=seconds * 1000)
    said = command("doctor", "--only", "clock", "--json")
    assert (said.code, said.check("Clock")["outcome"]) == (code, outcome)
    assert bool(said.check("Clock")["advice"]) == (outcome != "passed")


def test_settings_that_cannot_be_read_are_exit_1_and_leave_the_network_open(bench: Bench, command: Command) -> None:
    bench.paths.config_file.write_text("environments = [")
    said = command("doctor", "--only", "files", "--json")
    assert (said.code, said.check("Settings")["outcome"]) == (1, "failed")
    assert areas(command, "--only", "network") == {"network": ["not run"]}
    assert command("doctor", "--only", "network").code == 6


def test_echo_services_that_cannot_agree_are_exit_1(bench: Bench, command: Command) -> None:
    bench.use("plain")
    said = command("doctor", "--only", "files", "--json")
    assert (said.code, said.check("Echo services")["outcome"]) == (1, "failed")
    bench.paths.services_file.write_text("[broken]\nurl = 1\n")
    assert command("doctor", "--only", "files", "--json").check("Echo services")["outcome"] == "failed"


def test_a_directory_that_others_can_look_into_is_named_and_left_as_it_is(
    bench: Bench, memory: MemoryStore, command: Command
) -> None:
    bench.put_in_use(memory)
    bench.paths.state.chmod(0o755)
    said = command("doctor", "--only", "files", "--json")
    assert (said.code, said.check("Privacy")["outcome"]) == (1, "failed")
    assert said.check("Privacy")["advice"] == f"Run: chmod go= {bench.paths.state}"
    assert bench.paths.state.stat().st_mode & 0o777 == 0o755


def test_a_damaged_event_is_exit_1(bench: Bench, memory: MemoryStore, command: Command) -> None:
    bench.put_in_use(memory)
    assert command("doctor", "--only", "files").code == 0
    alter(bench, "key.stored", "[]")
    said = command("doctor", "--only", "files", "--json")
    assert said.code == 1
    assert "are damaged" in said.check("Records")["observed"]


def test_a_damaged_journal_is_exit_1(bench: Bench, memory: MemoryStore, command: Command) -> None:
    bench.put_in_use(memory)
    bench.paths.journal.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    said = command("doctor", "--only", "files", "--json")
    assert (said.code, said.check("Records")["outcome"]) == (1, "failed")


def test_looking_at_the_files_makes_none(bench: Bench, command: Command) -> None:
    assert command("doctor", "--only", "files").code == 0
    assert not bench.paths.journal.exists()


def test_a_key_in_a_place_that_was_not_looked_at_is_not_said_to_be_there(bench: Bench) -> None:
    class OtherPlace(MemoryStore):
        backend = "another place"

    bench.put_in_use(OtherPlace())
    found = asyncio.run(compare_stored_keys(MemoryStore(), bench.paths, ["bench"], FindingWriter(lambda: 1.0, "")))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "was not looked at" in found.observed


def test_a_key_that_is_where_the_journal_says_agrees(bench: Bench) -> None:
    store = MemoryStore()
    bench.put_in_use(store)
    assert (
        asyncio.run(compare_stored_keys(store, bench.paths, ["bench"], FindingWriter(lambda: 1.0, ""))).outcome
        is Outcome.PASSED
    )


def test_a_report_for_a_ticket_has_no_key_address_email_or_name_of_this_host(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    key, addresses = "Ab3" * 20, "2001:db8::1, 10.0.0.7/24"
    places = f"{clean_environment}/ca.pem of alice at bench-host, alice@example.com, {key}, …0L94, {addresses}"
    monkeypatch.setattr("getpass.getuser", lambda: "alice")
    monkeypatch.setattr("platform.node", lambda: "bench-host")

    async def look(self: doctor.Doctor, areas: object) -> dict[doctor.Area, object]:
        place = doctor.PlaceFinding("Storage", Outcome.WARNING, places, 1.0, instructions=(places,))  # type: ignore[arg-type]
        network = self.writer.note("Network", Outcome.PASSED, "proxy http://***@proxy.corp:3128 (HTTPS_PROXY).")
        settings = self.writer.note("Settings", Outcome.PASSED, str(bench.paths.config_file), advice=places)
        return {doctor.Area.KEYRING: (place,), doctor.Area.NETWORK: (network,), doctor.Area.FILES: (settings,)}

    monkeypatch.setattr(doctor.Doctor, "look", look)
    for arguments in ((), ("--json",)):
        said = command("doctor", "--report", *arguments)
        names = ("alice", "example.com", "bench-host", "proxy.corp", str(clean_environment))
        for private in (key, "0L94", "2001:db8", "10.0.0.7", *names):
            assert private not in said.out, private
        assert "Python 3" in said.out
        assert "Look through it before you paste it" in said.err
    kept = command("doctor", "--report", "--addresses").out
    assert addresses in kept
    assert "alice" not in kept
    assert "<config>" in kept
