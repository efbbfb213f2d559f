"""One key, proven from other hosts over a real sshd: what is said of each, and that nothing secret reaches them."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from tests.egress.bots import Bot, are_possible, section, start_bots
from tests.egress.lab import IS_REQUIRED, MISSING, Lab, start_lab
from tests.rotation.conftest import HERE, OpenStore, World
from tests.steps.face import FakeFace
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.settings import Paths
from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.rehearsal.session import embedded_site
from wizard.rehearsal.simulated_page import NewKey, SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.findings import OTHER_HOSTS as OTHER_HOSTS_ROW
from wizard.rotation.host_proofs import HostProof, ProofOutcome, hosts_to_prove, prove_from_hosts
from wizard.rotation.journal import OTHER_HOSTS
from wizard.rotation.model import Mode, Step
from wizard.rotation.report import restore_report
from wizard.steps.probe import ProbePresenter
from wizard.steps.view import State
from wizard.whitelist.entries import parse

PATIENT = 60.0
"""Seconds for each host: holds on a busy machine too."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    missing = [*MISSING, *([] if are_possible() else ["the right to make network namespaces"])]
    if missing:
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"not here: {', '.join(missing)}")
    made = start_lab(tmp_path_factory.mktemp("lab"))
    config = (made.directory / "sshd_config").read_text()
    (made.directory / "closed").write_text(config + "AllowTcpForwarding no\n")
    yield made
    made.stop()


def address_of(number: int) -> str:
    return f"198.51.100.{number}"


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where sockets are made; at the end it must be empty. Its path is short, as those of sockets have to be."""
    with TemporaryDirectory(dir="/tmp") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)
        assert list(Path(directory).iterdir()) == []


def environ(lab: Lab) -> dict[str, str]:
    return {"PATH": f"{lab.directory}:{os.environ['PATH']}"}


class ExchangeWorld(World):
    """A world whose exchange a test may change."""

    exchange: EmbeddedExchange


@asynccontextmanager
async def town_of(lab: Lab, tmp_path: Path, names: list[str]) -> AsyncIterator[tuple[ExchangeWorld, dict[str, Bot]]]:
    """An exchange that sees bot N as 198.51.100.N, and the bots."""
    exchange = EmbeddedExchange()
    exchange.state.nat = {"127.0.0.1": HERE, **{f"127.0.1.{n}": address_of(n) for n in range(1, len(names) + 1)}}
    async with serve(exchange) as addresses:
        port = int(addresses.base_url.rpartition(":")[2])
        world = ExchangeWorld(
            addresses.base_url,
            SimulatedPage(addresses.desk_url),
            Paths(tmp_path / "config", tmp_path / "state"),
            OpenStore(),
        )
        world.exchange = exchange
        async with start_bots(names, port) as bots:
            lab.configure(*(section(lab, bot) for bot in bots.values()))
            yield world, bots


def credentials_of(key: NewKey) -> Credentials:
    return Credentials(KeyKind.HMAC, key.api_key, key.secret)


def told(proofs: tuple[HostProof, ...]) -> dict[str, str]:
    return {proof.host: proof.sentence() for proof in proofs}


def processes_with(*secrets: str) -> list[str]:
    """What every process but this one shows of the secrets in its arguments and its environment."""
    found = []
    others = [each for each in Path("/proc").iterdir() if each.name.isdigit() and each.name != str(os.getpid())]
    for process in others:
        for file in (process / "cmdline", process / "environ"):
            with suppress(OSError):  # it has ended
                text = file.read_bytes()
                found += [str(file) for secret in secrets if secret.encode() in text]
    return found


def ssh_processes(lab: Lab) -> list[str]:
    return processes_with(str(lab.directory / "client"))


@pytest.mark.slow
@pytest.mark.sshd
async def test_twenty_hosts_at_once_are_proven_or_their_trouble_is_named(lab: Lab, tmp_path: Path) -> None:
    good = [f"bot-{number}" for number in range(1, 14)]
    names = [*good, "unlisted", "moved", "closed", "stranger", "unknown", "hung", "busy"]
    async with town_of(lab, tmp_path, names) as (world, bots):
        special = {
            "closed": section(lab, bots["closed"], sshd="closed"),
            "stranger": section(lab, bots["stranger"], key="stranger"),
            "unknown": section(lab, bots["unknown"], known="empty"),
            "hung": section(lab, bots["hung"], first="sleep 12; "),
            "busy": section(lab, bots["busy"], first=f"mkdir {tmp_path}/once 2>/dev/null && exit; "),
        }
        lab.configure(*(special.get(name) or section(lab, bot) for name, bot in bots.items()))
        listed = [HERE, *(address_of(number) for number in range(1, 14)), address_of(20)]
        key = await world.make_key(",".join(listed))
        hosts = {name: address_of(number) for number, name in enumerate(names, 1)}
        hosts |= {"moved": address_of(1), "bot-3": ""}
        shown: list[str] = []
        looks = 0

        async def look() -> None:
            nonlocal looks
            while True:
                shown.extend(await asyncio.to_thread(processes_with, key.secret.reveal(), key.api_key.reveal()))
                looks += bool(await asyncio.to_thread(ssh_processes, lab))
                await asyncio.sleep(0.1)

        looking = asyncio.create_task(look())
        arrived: list[HostProof] = []
        proofs = await prove_from_hosts(
            world.site,
            credentials_of(key),
            hosts,
            environ(lab),
            whitelist=[*map(IPv4Network, listed)],
            on_result=arrived.append,
            deadline=PATIENT,
        )
        looking.cancel()
    assert told(proofs) == {
        **{name: f"Proven from {name} ({hosts[name]})" for name in [*good, "busy"]},
        "bot-3": "Proven from bot-3",
        "unlisted": "unlisted refused, not on the list",
        "moved": "moved refused, code -2015",
        "closed": "closed not tried, its ssh server does not let connections through",
        "stranger": "stranger not tried, the login was refused",
        "unknown": "unknown not tried, its host key is not known here",
        "hung": "hung not tried, its ssh server did not answer in time",
    }
    assert [proof.host for proof in proofs] == names
    assert sorted(proof.host for proof in arrived) == sorted(names)
    advice = {proof.host: proof.advice for proof in proofs}
    assert advice["unlisted"] == f"Add {address_of(14)} to the key's list on Binance's page."
    assert "ssh-add" in advice["stranger"]
    assert all(proof.advice and "{" not in proof.advice for proof in proofs if proof.outcome != ProofOutcome.PROVEN)
    # The simulated exchange is plain HTTP, so a host reads the whole call. The secret is not in it.
    passed = {name: bytes(bot.passed) for name, bot in bots.items()}
    assert all(key.api_key.reveal().encode() in passed[name] for name in good)
    assert [name for name, read in passed.items() if key.secret.reveal().encode() in read] == []
    assert looks
    assert shown == []
    assert ssh_processes(lab) == []


@asynccontextmanager
async def tls_before(port: int, authority: trustme.CA) -> AsyncIterator[int]:
    """The exchange behind TLS, as localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        await asyncio.gather(pump(reader, onward), pump(onward_reader, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.sshd
async def test_a_host_passes_on_ciphertext_and_sees_the_name_alone(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "roots.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    async with town_of(lab, tmp_path, []) as (world, _):
        key = await world.make_key(f"{HERE},{address_of(1)}")
        port = int(world.base_url.rpartition(":")[2])
        for signer, said in ((authority, "Proven from bot-1"), (stranger, "no trustworthy TLS connection")):
            async with tls_before(port, signer) as secure, start_bots(["bot-1"], secure) as bots:
                lab.configure(section(lab, bots["bot-1"]))
                site = replace(embedded_site(world.base_url), rest_url=f"https://localhost:{secure}")
                world.exchange.state.nat = {"127.0.1.1": address_of(1)}
                (proof,) = await prove_from_hosts(
                    site, credentials_of(key), {"bot-1": ""}, environ(lab), deadline=PATIENT
                )
            assert said in proof.sentence()
            passed = bytes(bots["bot-1"].passed)
            assert b"localhost" in passed
            assert [each for each in (b"signature", key.api_key.reveal().encode(), b"apiRestr") if each in passed] == []


@pytest.mark.sshd
async def test_a_host_that_cannot_reach_the_exchange_or_gets_no_answer_was_not_tried(lab: Lab, tmp_path: Path) -> None:
    async with town_of(lab, tmp_path, ["bot-1"]) as (world, bots):
        key = await world.make_key(HERE)
        nowhere = replace(world.site, rest_url="http://127.0.0.1:9")
        (proof,) = await prove_from_hosts(nowhere, credentials_of(key), {"bot-1": ""}, environ(lab), deadline=PATIENT)
        assert told((proof,)) == {"bot-1": "bot-1 not tried, it cannot connect to Binance"}
        lab.configure(section(lab, bots["bot-1"], first="exec sleep 600; "))
        (proof,) = await prove_from_hosts(world.site, credentials_of(key), {"bot-1": ""}, environ(lab), deadline=0.5)
        assert told((proof,)) == {"bot-1": "bot-1 not tried, no answer within 0.5 s"}
        await world.plant("/sapi/v1/account/apiRestrictions", {"msg": "restricted location"}, status=451)
        lab.configure(section(lab, bots["bot-1"]))
        (proof,) = await prove_from_hosts(
            world.site, credentials_of(key), {"bot-1": ""}, environ(lab), deadline=PATIENT
        )
        assert told((proof,)) == {"bot-1": "bot-1 not tried, Binance does not serve its location"}
    assert ssh_processes(lab) == []


@pytest.mark.sshd
async def test_what_is_stopped_leaves_no_process_and_no_socket(lab: Lab, tmp_path: Path, sockets: Path) -> None:
    async with town_of(lab, tmp_path, ["bot-1"]) as (world, bots):
        key = await world.make_key(HERE)
        lab.configure(section(lab, bots["bot-1"], first="exec sleep 600; "))
        proving = asyncio.create_task(
            prove_from_hosts(world.site, credentials_of(key), {"bot-1": ""}, environ(lab), deadline=PATIENT)
        )
        while not ssh_processes(lab):  # noqa: ASYNC110 - /proc announces nothing
            await asyncio.sleep(0.01)
        (directory,) = sockets.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        proving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await proving
    assert ssh_processes(lab) == []


@pytest.mark.sshd
async def test_forwardings_of_the_users_configuration_are_not_opened(lab: Lab, tmp_path: Path) -> None:
    async with town_of(lab, tmp_path, ["bot-1"]) as (world, bots):
        key = await world.make_key(f"{HERE},{address_of(1)}")
        forward = f"  LocalForward {tmp_path}/opened 127.0.0.1:1\n  ExitOnForwardFailure yes\n  RemoteCommand date\n"
        lab.configure(section(lab, bots["bot-1"]) + forward)
        (proof,) = await prove_from_hosts(
            world.site, credentials_of(key), {"bot-1": ""}, environ(lab), deadline=PATIENT
        )
        assert told((proof,)) == {"bot-1": "Proven from bot-1"}
        assert not (tmp_path / "opened").exists()


async def test_without_ssh_or_a_place_for_a_socket_every_host_is_named_as_not_tried(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = credentials_of(await world.make_key(HERE))
    proofs = await prove_from_hosts(world.site, key, {"bot-1": "", "bot-2": ""}, {"PATH": str(tmp_path)})
    assert [proof.outcome for proof in proofs] == [ProofOutcome.NOT_TRIED] * 2
    assert "openssh-client" in proofs[0].advice
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    (tmp_path / "ssh").write_text("#!/bin/sh\n")
    (tmp_path / "ssh").chmod(0o755)
    (proof,) = await prove_from_hosts(world.site, key, {"bot-1": ""}, {"PATH": str(tmp_path)})
    assert proof.sentence() == "bot-1 not tried, no socket for other hosts can be made"
    (proof,) = await prove_from_hosts(world.site, key, {"-oProxyCommand=x": ""}, {"PATH": str(tmp_path)})
    assert "is not a host for ssh" in proof.sentence()


@pytest.mark.sshd
async def test_a_job_proves_the_key_from_the_hosts_of_its_list_and_its_report_names_them(
    lab: Lab, tmp_path: Path
) -> None:
    async with town_of(lab, tmp_path, ["bot-1", "bot-2", "bot-3"]) as (world, bots):
        lab.configure(
            section(lab, bots["bot-1"]), section(lab, bots["bot-2"]), section(lab, bots["bot-3"], key="stranger")
        )
        world.environ, world.hosts = environ(lab), ("bot-2",)
        async with world.flow() as flow:
            seen = EgressVerdict(EgressState.AGREED, {IPv4Address(address_of(1)): ("One", "Two")})
            flow.context.journal.note_egress("bench", seen, "ssh bot-1", asked_by=OTHER_HOSTS)
            await flow.begin(Mode.SET_UP)
            await flow.egress.detect()
            flow.hosts.add("bot-3")
            flow.advance(Step.EGRESS)
            flow.whitelist.settle(parse(f"{HERE},{address_of(1)},{address_of(9)}"))
            flow.advance(Step.WHITELIST)
            made = await world.make_key(f"{HERE},{address_of(1)},{address_of(9)}")
            await flow.credentials.store_hmac(made.api_key, made.secret)
            flow.advance(Step.CREDENTIALS)
            page = ProbePresenter(flow, face := FakeFace())
            await page.begin()
            view = page.view()
            (row,) = [row for row in view.rows if row.cells[0] == OTHER_HOSTS_ROW]
            assert row.state is State.UNSURE
            assert row.cells[1] == "bot-2 refused, code -2015. bot-3 not tried, the login was refused"
            detail = "\n".join(row.detail)
            assert f"Proven from bot-1 ({address_of(1)})" in detail
            assert "bot-2 refused, code -2015" in detail
            assert "ssh-add" in detail
            assert "that it works from the other addresses" in view.not_proven
            assert view.state is State.LOOK
            await page.switch()
        assert face.report
        rows = face.report.rows()
    assert ("Proven from", f"{HERE}, {address_of(1)} (bot-1)") in rows
    assert ("Not proven", f"that the key works from {address_of(9)}") in rows
    assert restore_report(json.loads(json.dumps(asdict(face.report)))) == face.report


@pytest.mark.sshd
async def test_a_list_that_is_proven_from_all_its_addresses_leaves_none_open(lab: Lab, tmp_path: Path) -> None:
    async with town_of(lab, tmp_path, ["bot-1"]) as (world, _):
        world.environ = environ(lab)
        async with world.flow() as flow:
            seen = EgressVerdict(EgressState.AGREED, {IPv4Address(address_of(1)): ("One", "Two")})
            flow.context.journal.note_egress("bench", seen, "ssh bot-1", asked_by=OTHER_HOSTS)
            await flow.begin(Mode.SET_UP)
            flow.advance(Step.EGRESS)
            flow.whitelist.settle(parse(f"{HERE},{address_of(1)}"))
            flow.advance(Step.WHITELIST)
            made = await world.make_key(f"{HERE},{address_of(1)}")
            await flow.credentials.store_hmac(made.api_key, made.secret)
            flow.advance(Step.CREDENTIALS)
            page = ProbePresenter(flow, FakeFace())
            await page.begin()
            view = page.view()
            (row,) = [row for row in view.rows if row.cells[0] == OTHER_HOSTS_ROW]
            assert (row.state, row.cells[1]) == (State.GOOD, "proven from bot-1")
            assert "other addresses" not in view.not_proven
            rehearsed = replace(flow.context.environment, is_rehearsal=True, hosts=("bot-1",))
            assert hosts_to_prove(rehearsed, flow.context.journal, flow.context.whitelist) == {}
