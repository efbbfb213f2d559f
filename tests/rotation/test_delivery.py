"""The current key reaches the hosts of bots over a real sshd: written, read back, and never half there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import Canaries
from tests.custody.bao import Bao
from tests.egress.lab import IS_REQUIRED, MISSING
from tests.rotation.bot_hosts import BotHost, start_hosts
from tests.rotation.conftest import World
from tests.tiers import whole
from wizard.core.bot_variables import OWN
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.settings import OpenBao
from wizard.core.targets import Target
from wizard.rotation import delivery
from wizard.rotation.delivery import Deliveries, Delivery, _ask_program, render
from wizard.rotation.model import Outcome

BOTS = ("bot-1", "bot-2", "bot-3")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, BotHost]]:
    if MISSING:
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"not here: {', '.join(MISSING)}")
    made = start_hosts(tmp_path_factory.mktemp("hosts"), *BOTS)
    yield made
    for one in made.values():
        one.stop()


@pytest.fixture
def hosts(started: dict[str, BotHost]) -> dict[str, BotHost]:
    for one in started.values():
        if one.process is None:
            one.start()
        for file in one.files:
            file.unlink()
        one.file.parent.chmod(0o700)
    return started


@pytest.fixture
def delivering(world: World, hosts: dict[str, BotHost]) -> World:
    """A world whose settings name a file on each host, with a restart there."""
    lab = hosts["bot-1"].lab
    world.environ = {"PATH": f"{lab.directory}{os.pathsep}{os.environ['PATH']}"}
    world.targets = tuple(Target(name, name, str(one.file), restart=one.restart) for name, one in hosts.items())
    return world


def held(host: BotHost) -> str:
    """The last four characters of the API key that a host's bot reads."""
    found = json.loads(host.file.read_text())["api_key"] if host.file.exists() else ""
    return str(found)[-4:]


def restarts(host: BotHost) -> int:
    log = host.home / "restarted"
    return len(log.read_text().splitlines()) if log.exists() else 0


def by_name(states: tuple[Delivery, ...]) -> dict[str, Outcome]:
    return {one.target.name: one.finding.outcome for one in states}


async def test_every_host_has_the_key_and_restarted_once(delivering: World, hosts: dict[str, BotHost]) -> None:
    async with delivering.flow() as flow:
        made = await delivering.put_key_in_use(flow)
        assert len(flow.deliveries.due) == 3
        assert set(by_name(await flow.deliveries.run()).values()) == {Outcome.PASSED}
        await flow.deliveries.run()
    for one in hosts.values():
        assert json.loads(one.file.read_text())["secret"] == made.secret.reveal()
        assert stat.S_IMODE(one.file.stat().st_mode) == 0o600
        assert [file.name for file in one.files] == ["binance.json", "restarted"]
        assert restarts(one) == 1


@pytest.mark.slow
async def test_a_host_that_is_down_is_due_until_it_is_back(delivering: World, hosts: dict[str, BotHost]) -> None:
    async with delivering.flow() as flow:
        made = await delivering.put_key_in_use(flow)
        hosts["bot-2"].stop()
        states = await flow.deliveries.run()
        assert by_name(states)["bot-2"] is Outcome.INCONCLUSIVE
        (due,) = flow.deliveries.due
        assert "nothing listens on that port" in due.finding.observed
        assert "key-wizard deliver bench" in due.finding.advice
    hosts["bot-2"].start()
    async with delivering.flow() as flow:
        await flow.deliveries.run()
        assert not flow.deliveries.due
    assert [held(one) for one in hosts.values()] == [made.api_key.last_four()] * 3
    assert [restarts(one) for one in hosts.values()] == [1, 1, 1]


@pytest.mark.slow
async def test_an_undone_switch_brings_the_key_before_back(delivering: World, hosts: dict[str, BotHost]) -> None:
    async with delivering.flow() as flow:
        old = await delivering.to_retire(flow)
        await flow.deliveries.run()
        new = held(hosts["bot-1"])
        await flow.retire.poll()
        flow.revert()
        assert len(flow.deliveries.due) == 3
        await flow.deliveries.run()
        assert [held(one) for one in hosts.values()] == [old.api_key.last_four()] * 3 != [new] * 3


class Killed(BaseException):
    """The program ends here."""


SLOW = pytest.mark.slow


@pytest.mark.parametrize("after", [pytest.param(0, marks=SLOW), 1, pytest.param(2, marks=SLOW)])
@pytest.mark.parametrize("is_noted", [False, True])
async def test_a_program_that_ends_at_any_note_leaves_nothing_undone(
    delivering: World, hosts: dict[str, BotHost], monkeypatch: pytest.MonkeyPatch, after: int, is_noted: bool
) -> None:
    delivering.targets = delivering.targets[:1]
    async with delivering.flow() as flow:
        made = await delivering.put_key_in_use(flow)
    notes, note = [0], Deliveries._note

    def die(*given: Any, **more: Any) -> None:
        if is_noted:
            note(*given, **more)
        notes[0] += 1
        if notes[0] > after:
            raise Killed
        if not is_noted:
            note(*given, **more)

    monkeypatch.setattr(Deliveries, "_note", die)
    with suppress(Killed):
        async with delivering.flow() as flow:
            await flow.deliveries.run()
    monkeypatch.undo()
    async with delivering.flow() as flow:
        await flow.deliveries.run()
        assert not flow.deliveries.due
    assert held(hosts["bot-1"]) == made.api_key.last_four()
    assert {file.name for file in hosts["bot-1"].files} == {"binance.json", "restarted"}


async def cut_at_moments(world: World, host: BotHost, moments: int) -> int:
    """Kill all that runs on the host at so many moments of a delivery; return how often that met something."""
    met, begun = 0, time.monotonic()
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await flow.deliveries.run()
        whole = time.monotonic() - begun
        for number in range(moments):
            if number % 2:  # as on the day before the first switch
                host.file.unlink(missing_ok=True)
            before = host.file.exists()
            serving = asyncio.create_task(flow.deliveries.run("bot-1"))
            await asyncio.sleep(whole * (number + 0.5) / moments)
            met += bool(host.kill())
            await serving
            assert host.file.exists() or not before
            if host.file.exists():
                assert json.loads(host.file.read_bytes())
        await flow.deliveries.run("bot-1")
        assert not flow.deliveries.due
    assert {file.name for file in host.files} == {"binance.json", "restarted"}
    return met


@pytest.mark.slow
@pytest.mark.parametrize("moments", [4, *whole(40)])
async def test_a_host_that_dies_in_between_has_a_whole_file_or_none(
    delivering: World, hosts: dict[str, BotHost], moments: int
) -> None:
    delivering.targets = delivering.targets[:1]
    met = await cut_at_moments(delivering, hosts["bot-1"], moments)
    print(f"{met} of {moments} kills met something")
    assert met


# --- this machine, which needs no ssh ---


@pytest.fixture
def here(world: World, tmp_path: Path) -> Path:
    """The file of a target on this machine."""
    (tmp_path / "bot").mkdir(mode=0o700)
    world.environ = {"PATH": os.environ["PATH"]}
    world.targets = (Target("local", file=str(tmp_path / "bot" / "binance.json")),)
    return tmp_path / "bot" / "binance.json"


async def delivered(world: World) -> Delivery:
    """Deliver a key, and return what is known of the one target."""
    async with world.flow() as flow:
        if flow.current is None:
            await world.put_key_in_use(flow)
        (state,) = await flow.deliveries.run()
        return state


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.parent.chmod(0o770), "Other users can write into a directory"),
        (lambda file: file.parent.chmod(0o707), "Other users can write into a directory"),
        (lambda file: file.parent.chmod(0o1777), "Other users can write into a directory"),
        (lambda file: file.parent.parent.chmod(0o777), "Other users can write into a directory"),
        (lambda file: file.parent.parent.chmod(0o770), "Other users can write into a directory"),
        (lambda file: file.parent.rmdir(), "directory does not exist"),
        (lambda file: os.chown(file.parent, 12345, -1), "belongs to another user"),
        (lambda file: os.chown(file.parent.parent, 12345, -1), "belongs to another user"),
        (lambda file: link(file, 12345), "belongs to another user"),
        (lambda file: file.write_text("[trading]\n"), "Key Wizard did not write"),
        (lambda file: file.symlink_to("/etc/passwd"), "not an ordinary file"),
        (lambda file: file.mkdir(), "not an ordinary file"),
    ],
)
async def test_a_file_that_is_not_safe_is_refused_and_left_as_it_is(
    world: World, here: Path, spoil: Callable[[Path], object], said: str
) -> None:
    if said == "belongs to another user" and os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    spoil(here)
    top = here.parent.parent
    before = sorted((file, file.lstat().st_mtime_ns) for file in top.rglob("bot*"))
    state = await delivered(world)
    top.chmod(0o700)
    os.chown(top, os.geteuid(), -1)
    assert (state.stage, state.finding.outcome) == ("refused", Outcome.FAILED)
    assert said in state.trouble
    assert before == sorted((file, file.lstat().st_mtime_ns) for file in here.parent.parent.rglob("bot*"))


def link(file: Path, owner: int) -> None:
    """Put a link of another user in the place of the file's directory, to one that is safe."""
    file.parent.rename(file.parent.with_name("real"))
    file.parent.symlink_to("real")
    os.chown(file.parent, owner, -1, follow_symlinks=False)


async def test_a_link_of_ours_is_followed_and_what_it_leads_to_is_looked_at(world: World, here: Path) -> None:
    link(here, os.geteuid())
    assert not (await delivered(world)).is_due
    (above := here.parent.with_name("open")).mkdir()
    here.parent.resolve().rename(above / "real")
    above.chmod(0o777)
    here.parent.unlink()
    here.parent.symlink_to("open/real")
    async with world.flow() as flow:
        (state,) = await flow.deliveries.run("local")
    assert "Other users can write into a directory" in state.trouble


FINGERPRINT, DIGEST = "0123456789ab", hashlib.sha256(b"# key-wizard 2").hexdigest()[:32]


@pytest.mark.parametrize("held", ["", '{"written_by": "key-wizard", "fingerprint": "0123456789ab"}'])
@pytest.mark.parametrize(
    ("action", "given", "leaves"),
    [
        ("read", "", "same"),
        *(("withdraw", given, "same") for given in ("", "\n", "0", FINGERPRINT[:-1], f"{FINGERPRINT}0", "." * 12)),
        ("withdraw", "f" * 12, "same"),
        ("withdraw", FINGERPRINT, "nothing"),
        *(("write", f"{DIGEST}\n# key-wizard 2"[:end], "same") for end in (0, 1, 31, 32, 33, 40, -1)),
        ("write", "\n", "same"),
        ("write", f"\n{DIGEST}\n# key-wizard 2", "same"),
        ("write", f"{DIGEST}\n# key-wizard 2", "new"),
    ],
)
def test_the_script_does_nothing_on_half_an_input(
    tmp_path: Path, action: str, given: str, leaves: str, held: str
) -> None:
    file = tmp_path / "binance.json"
    if held:
        file.write_text(held)
    script = Path(delivery.__file__).with_name("delivery.sh").read_text("utf-8")
    words = ["sh", "-c", script, "sh", action, str(file), ""]
    run = subprocess.run(words, input=given.encode(), capture_output=True, check=False)
    after = {"same": held, "nothing": "", "new": "# key-wizard 2"}[leaves]
    assert (file.read_text() if file.exists() else "") == after, run
    assert [each.name for each in tmp_path.iterdir()] == [file.name] * bool(after)
    is_whole = leaves != "same" or action == "read" or given == "f" * 12
    assert (run.returncode == 0) is is_whole, run


@pytest.mark.parametrize("place", ["command", "restart"])
async def test_the_journal_keeps_nothing_of_what_a_program_writes(
    world: World, here: Path, tmp_path: Path, place: str
) -> None:
    words = ("sh", "-c", "echo canary-a7f3; exit 3")
    target = Target("local", command=words) if place == "command" else replace(world.targets[0], restart=words)
    world.targets = (target,)
    state = await delivered(world)
    assert state.is_due
    assert "exit 3" in state.trouble
    assert Canaries({"output": "canary-a7f3"}).in_files(tmp_path) == {}


async def test_a_file_that_was_changed_is_written_again_when_asked_for(world: World, here: Path) -> None:
    await delivered(world)
    whole = here.read_text()
    here.write_text(whole[:-1])
    here.with_name(f".{here.name}.new-abc").write_text("left by a host that lost its power")
    async with world.flow() as flow:
        await flow.deliveries.run("local")
    assert here.read_text() == whole
    assert [file.name for file in here.parent.iterdir()] == [here.name]


@pytest.mark.parametrize("signing", ["plain", 'q"$`\\ \n-----END-----\n'])
def test_a_shell_reads_the_variables_as_they_are(tmp_path: Path, signing: str) -> None:
    with Credentials(KeyKind.ED25519, Secret("A" * 64), Secret(signing)) as credentials:
        text = render(credentials, Target("local", file="/x", names=OWN)).reveal()
    file = tmp_path / "env"
    file.write_text(text)
    script = f'. {file}; printf %s "$BINANCE_API_KEY|$BINANCE_PRIVATE_KEY|"'
    read = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True).stdout
    assert read == f"{'A' * 64}|{signing}|"


async def test_a_systemd_credential_can_be_decrypted_by_this_host(world: World, here: Path) -> None:
    secret = Path("/var/lib/systemd/credential.secret")
    if os.geteuid() != 0 or not shutil.which("systemd-creds") or not secret.exists():
        pytest.skip("needs a host key of systemd-creds")
    (target,) = world.targets
    world.targets = (replace(target, credential="binance"),)
    state = await delivered(world)
    assert not state.is_due, state.trouble
    words = ["systemd-creds", "decrypt", "--name=binance", here, "-"]
    run = await asyncio.to_thread(subprocess.run, words, capture_output=True, check=True)
    found = json.loads(run.stdout)
    assert found["fingerprint"] == state.key.name.fingerprint
    assert found["api_key"].encode() not in here.read_bytes()
    assert stat.S_IMODE(here.stat().st_mode) == 0o600


async def test_a_dead_key_that_a_target_still_holds_is_withdrawn(world: World, here: Path) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
    there = here.read_text() if here.exists() else ""
    assert not there  # this job began before the target was in the settings
    await delivered(world)
    async with world.flow() as flow:
        (state,) = flow.deliveries.states
        assert state.key.name.fingerprint in here.read_text()
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        report = await flow.purge()
        assert report.undelivered == ()


# --- OpenBao, and programs of the user ---


def policy() -> str:
    """The policy that the page for users shows."""
    page = Path(__file__).parents[2] / "docs" / "delivery.md"
    (found,) = re.findall(r"```hcl\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    server = Bao(tmp_path_factory.mktemp("bao"))
    yield server
    server.kill()


@pytest.fixture
def in_bao(world: World, bao: Bao) -> World:
    world.environ = {"PATH": os.environ["PATH"], "BAO_TOKEN": bao.token(policy())}
    world.openbao = OpenBao(bao.url, ca_file=str(bao.ca_file))
    world.targets = (Target("vault", openbao="secret/bots/binance"),)
    bao.root.secrets.kv.v2.delete_metadata_and_all_versions("bots/binance", mount_point="secret")
    return world


def versions(bao: Bao) -> dict[str, bool]:
    found = bao.root.secrets.kv.v2.read_secret_metadata("bots/binance", mount_point="secret")["data"]["versions"]
    return {name: one["destroyed"] for name, one in found.items()}


def newest(bao: Bao) -> dict[str, Any]:
    found = bao.root.secrets.kv.v2.read_secret_version(
        "bots/binance", mount_point="secret", raise_on_deleted_version=True
    )
    return dict(found["data"]["data"])


async def test_bots_read_one_path_and_versions_of_dead_keys_are_destroyed(in_bao: World, bao: Bao) -> None:
    async with in_bao.flow() as flow:
        old = await in_bao.to_retire(flow)
        await flow.retire.poll()
        flow.revert()
        await flow.deliveries.run()
        assert newest(bao)["api_key"] == old.api_key.reveal()
        await flow.complete(await flow.probe.run())
        await flow.deliveries.run()
        new = newest(bao)["api_key"]
        assert new != old.api_key.reveal()
        assert versions(bao) == {"1": False, "2": False}
        await in_bao.simulated_page.delete(old.api_key)
        await in_bao.kill(flow)
        assert (await flow.purge()).undelivered == ()
    assert versions(bao) == {"1": True, "2": False}
    assert newest(bao)["api_key"] == new
    text = (bao.directory / "audit.log").read_text()
    assert "bots/binance" in text
    assert not [each for each in (new, old.api_key.reveal(), old.secret.reveal()) if each in text]


async def test_a_server_that_cannot_be_reached_or_says_no_is_named(in_bao: World, bao: Bao) -> None:
    in_bao.environ = {**in_bao.environ, "BAO_TOKEN": bao.token('path "secret/data/bots/*" { capabilities = ["read"] }')}
    state = await delivered(in_bao)
    assert (state.stage, "does not let you update secret/data/bots/binance" in state.trouble) == ("refused", True), (
        state
    )
    in_bao.openbao = replace(in_bao.openbao, url="https://127.0.0.1:1") if in_bao.openbao else None
    assert (state := await delivered(in_bao)).stage == "unreached", state
    in_bao.openbao = None
    assert "[custody.openbao]" in (await delivered(in_bao)).trouble


@pytest.mark.parametrize("name", ["aws", "kubectl"])
async def test_the_examples_of_the_page_keep_their_side(world: World, here: Path, name: str) -> None:
    if not shutil.which("jq"):
        pytest.skip("not here: jq")
    page = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text("utf-8")
    (script,) = [each for each in re.findall(r"```sh\n(#!/bin/sh.*?)```", page, re.DOTALL) if f"{name} " in each]
    place, program = here.parent, here.parent / "to-cloud"
    stand_ins = {"aws": AWS, "kubectl": KUBECTL}
    for file, text in ((program, script), (place / name, f"#!/bin/sh\nheld={place}/held\n{stand_ins[name]}")):
        file.write_text(text)
        file.chmod(0o755)
    world.environ = {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}
    world.targets = (Target("cloud", command=(str(program),)),)
    state = await delivered(world)
    assert not state.is_due, state.trouble
    assert state.key.name.fingerprint in (place / "held").read_text()
    ask = partial(_ask_program, world.targets[0], world.environ)
    assert await ask("withdraw", fingerprint="0" * 12) != ""
    assert await ask("withdraw", fingerprint=state.key.name.fingerprint) == ""
    assert not (place / "held").exists()


AWS = """
case $2 in
get-secret-value) [ -e "$held" ] && jq -Rs . < "$held" ;;
put-secret-value) cat > "$held" ;;
delete-secret) rm "$held" ;;
esac
"""
KUBECTL = """
case $1 in
get) [ ! -e "$held" ] || base64 < "$held" ;;
create) cat ;;
apply) cat > "$held" ;;
delete) rm "$held" ;;
esac
"""


@pytest.mark.parametrize(
    ("script", "stage"),
    [("echo holds nothing", "refused"), ("exit 3", "refused"), ("echo", "refused"), ("echo holds $(cat)", "refused")],
)
async def test_a_program_that_does_not_keep_its_side_is_never_believed(
    world: World, here: Path, script: str, stage: str
) -> None:
    world.targets = (Target("cloud", command=("sh", "-c", script)),)
    state = await delivered(world)
    assert state.stage == stage, state
    async with world.flow() as flow, flow.context.credentials(flow.current) as credentials:
        assert credentials
        assert credentials.api_key.reveal() not in state.trouble
