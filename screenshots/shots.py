"""Which pictures there are: a page in a state, and how the world comes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from screenshots.scene import FOREVER, START, PictureCustodian
from screenshots.stagehand import Prepare, Shot, Stagehand
from wizard.core.credentials import Credentials, KeyKind, KeyName
from wizard.core.secret import Secret
from wizard.core.settings import Bot, Place, SubAccountSettings
from wizard.core.targets import Target
from wizard.core.text import ASCII
from wizard.custody.keyring_worker.protocol import ServiceState
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.custody.store import PHRASES
from wizard.egress.services import EchoService, Parser, Sample
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer
from wizard.egress.ssh_hosts.remote_detection import explain_ssh
from wizard.intake.copies import Copies
from wizard.intake.sources import ENVIRONMENT, read_source
from wizard.rehearsal.session import EMAIL
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.delivery import CONFIRMED, DELIVERY
from wizard.rotation.journal import Overview
from wizard.rotation.model import Mode, RotationRecord, Step
from wizard.steps.retire import BOTS, DELETED
from wizard.tui.theme import THEME_16
from wizard.whitelist.entries import parse

DAY = 86400.0
LISTED = "203.0.113.42"
RESTRICTIONS = "/sapi/v1/account/apiRestrictions"
ENV_FILE = "~/bot/.env, lines 3 and 4"
PASSPHRASE = (*"seven", "space", *"words")


def in_turn(*prepares: Prepare) -> Prepare:
    """Prepare one thing after the other."""

    async def prepare(hand: Stagehand) -> None:
        for each in prepares:
            await each(hand)

    return prepare


def held(*paths: str) -> Prepare:
    """Let calls to these paths wait for ever."""

    async def prepare(hand: Stagehand) -> None:
        hand.world.line.held = paths

    return prepare


def answers(**bodies: object) -> Prepare:
    """Let echo services answer so; a number is a status."""

    async def prepare(hand: Stagehand) -> None:
        hand.world.line.delays["/echo/json"] = 0.3
        canned = [
            {"path": f"/echo/{shape}", "times": 9, "status": body if isinstance(body, int) else 200, "body": body}
            for shape, body in bodies.items()
        ]
        await hand.put("faults", {"answers": canned})

    return prepare


def busy(path: str, status: int = 503) -> Prepare:
    """Let the exchange answer so on a path."""
    return lambda hand: hand.put("faults", {"answers": [{"path": path, "times": 99, "status": status, "body": "busy"}]})


async def move_host(hand: Stagehand) -> None:
    """Give this host another public address, as a line that is renewed does."""
    hand.world.clock.now += 300
    await hand.put("nat", {"127.0.0.1": "203.0.113.92"})


def listed(text: str) -> Prepare:
    """Put this list onto the Whitelist page."""

    async def prepare(hand: Stagehand) -> None:
        hand.flow.whitelist.proposal()
        hand.flow.whitelist.draft = parse(text)

    return prepare


# --- home ---------------------------------------------------------------------------------------


def at(state: ServiceState, place: Place = Place.KEYRING) -> Prepare:
    """Have credentials kept at a place that is in some state."""

    async def prepare(hand: Stagehand) -> None:
        paths, world = hand.world.paths, hand.world
        world.custodian = PictureCustodian(paths.state, state, place)
        world.place = PHRASES[place]

    return prepare


async def several(hand: Stagehand) -> None:
    """Have three environments: an old key, none, and a job that is paused."""
    await at(ServiceState.READY)(hand)
    world: Any = hand.world
    production, now = world.environment, START
    world.clock.now = now

    def stored(environment: str, last_four: str, kind: KeyKind, days: float, proven: float | None = None) -> KeyRecord:
        name = KeyName("0" * 12, last_four)
        return KeyRecord(
            environment, name, kind, Slot.CURRENT, Holding.STORED, "", "", "", now - days * DAY, 1, proven, LISTED
        )

    def named(name: str, site: str) -> Any:
        return replace(production, name=name, site=replace(production.site, name=site))

    job = RotationRecord(1, "development", Mode.ROTATE, Step.CREDENTIALS, now - DAY)
    overviews = (
        Overview(production, stored("production", "0L94", KeyKind.HMAC, 94), None, (), None),
        Overview(named("staging", "demo"), None, None, (), None),
        Overview(named("development", "testnet"), stored("development", "C7zq", KeyKind.ED25519, 2), None, (), job),
        Overview(named("eu-spot", "binance.com"), stored("eu", "Ab12", KeyKind.ED25519, 12, now - DAY), None, (), None),
    )
    world.overviews = lambda: overviews


async def address_changed(hand: Stagehand) -> None:
    """Have a key whose list lacks the address of this host."""
    await several(hand)
    world: Any = hand.world
    first, *others = world.overviews()
    key = replace(first.current, stored_at=START - 41 * DAY)
    world.overviews = lambda: (replace(first, current=key, unlisted="203.0.113.92"), *others)


async def without_key(hand: Stagehand) -> None:
    """Have no key yet."""
    await at(ServiceState.READY)(hand)
    hand.world.has_key_in_use = False


async def never_opens(hand: Stagehand) -> None:
    """Let the place of the credentials give no answer."""
    await at(ServiceState.READY)(hand)
    hand.world._open_store = lambda: hand.world.gate(FOREVER)  # type: ignore[method-assign]


async def managed(hand: Stagehand) -> None:
    """Have a sub-account whose keys its master account manages."""
    world = hand.world
    hand.page = world.page = SimulatedPage(world.page._url, EMAIL)
    master = replace(world.environment, name="master")
    world.environment = replace(world.environment, sub_account=SubAccountSettings(EMAIL, master))
    if world.simulated_page:
        world.simulated_page = world.page


async def several_managed(hand: Stagehand) -> None:
    """Have a master account and its sub-accounts."""
    await several(hand)
    world: Any = hand.world
    first, *others = world.overviews()
    master = replace(first.environment, name="master")
    bot = replace(first.environment, name="bot-1", sub_account=SubAccountSettings(EMAIL, master))
    overviews = (replace(others[2], environment=bot), replace(first, environment=master), *others[:1])
    world.overviews = lambda: overviews


# --- hosts --------------------------------------------------------------------------------------


def asked(**answered: str) -> Prepare:
    """Let hosts answer with an address, or with what ssh says; one that is not named never answers."""

    async def prepare(hand: Stagehand) -> None:
        step: Any = hand.flow.hosts
        by_host = {name.replace("_", "-"): text for name, text in answered.items()}

        async def ask(hosts: tuple[Host, ...], on_answer: Callable[[HostAnswer], object]) -> None:
            for host in hosts:
                if (text := by_host.get(host.name.split("@")[-1])) is None:
                    await hand.world.gate(FOREVER)
                answer = _answer(host, text or "")
                step._keep(answer)
                on_answer(answer)

        step.ask = ask

    return prepare


def _answer(host: Host, text: str) -> HostAnswer:
    if not text[:1].isdigit():
        return HostAnswer(host, 412.0, trouble=explain_ssh(text.encode()))
    services = (EchoService(name, name, "", Parser.PLAIN) for name in ("Cloudflare", "Amazon"))
    return HostAnswer(host, 380.0, tuple(Sample(each, IPv4Address(text), "", 30.0) for each in services), client="curl")


async def no_hosts(hand: Stagehand) -> None:
    """Know of no other host."""
    hand.world.environment = replace(hand.world.environment, hosts=())


# --- credentials and probe ----------------------------------------------------------------------


async def in_variables(hand: Stagehand) -> None:
    """Put a key in use into the environment's variables."""
    await without_key(hand)
    made = await hand.page.create("in use", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True)
    hand.world.environ |= {"BINANCE_API_KEY": made.api_key.reveal(), "BINANCE_API_SECRET": made.secret.reveal()}


async def same_pair(hand: Stagehand) -> None:
    """Have the key pair of every run."""
    await hand.world.put_pair(hand.flow)


async def never_made(hand: Stagehand) -> None:
    """Let the key pair take for ever."""
    hand.flow.credentials.public_key = lambda _: hand.world.gate(FOREVER)  # type: ignore[method-assign, assignment]


async def list_not_saved(hand: Stagehand) -> None:
    """Have another list at the new key."""
    await hand.page.set_whitelist((await hand.keys())[-1].api_key, "198.51.100.7")


async def wrong_secret(hand: Stagehand) -> None:
    """Store the new key with a secret that is not its own."""
    made = await hand.page.create("new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True)
    await hand.flow.credentials.store(Credentials(KeyKind.HMAC, made.api_key, Secret("x" * 64)))


async def fewer_permissions(hand: Stagehand) -> None:
    """Take a permission from the new key."""
    await hand.page.set_permissions((await hand.keys())[-1].api_key, enableSpotAndMarginTrading=False)


async def list_not_known(hand: Stagehand) -> None:
    """Have a key in use that was imported."""
    if key := hand.flow.current:
        hand.flow.context.journal._change_key(key, "key.stored", {}, whitelist="")


async def old_list(hand: Stagehand) -> None:
    """Have the list of the key in use as it was."""
    await hand.page.set_whitelist((await hand.keys())[0].api_key, "203.0.113.42")


async def unrestricted(hand: Stagehand) -> None:
    """Have a key in use that works from any address."""
    await hand.put(f"keys/{(await hand.keys())[0].api_key.reveal()}/whitelist", {"text": None})


async def master_moved(hand: Stagehand) -> None:
    """Have another public address, which the list of the master account's key has."""
    await move_host(hand)
    page = hand.page.of_master()
    await page.set_whitelist((await page.keys())[0].api_key, "203.0.113.42,203.0.113.92")


async def master_refused(hand: Stagehand) -> None:
    """Have the exchange refuse the master account's key."""
    body = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    answer = {"path": "/sapi/v1/sub-account/list", "times": 99, "status": 400, "body": body}
    await hand.put("faults", {"answers": [answer]})


# --- retire and summary -------------------------------------------------------------------------


async def legacy_deleted(hand: Stagehand) -> None:
    """Delete the legacy key."""
    await hand.page.delete((await hand.keys())[0].api_key)


async def new_deleted(hand: Stagehand) -> None:
    """Delete the wrong one."""
    await hand.page.delete((await hand.keys())[-1].api_key)


def ask(count: int = 1) -> Prepare:
    """Ask with both keys, so many times."""
    return lambda hand: hand.ask(count)


def done(*what: str) -> Prepare:
    """Note what the user has done."""

    async def prepare(hand: Stagehand) -> None:
        hand.flow.retire.note_done(frozenset(what))

    return prepare


async def still_in_file(hand: Stagehand) -> None:
    """Find the legacy key in a file."""

    async def look() -> Copies:
        return Copies((ENV_FILE,))

    hand.flow.still_held = look  # type: ignore[method-assign]


async def finish(hand: Stagehand) -> None:
    """Delete the secret of the legacy key."""
    legacy = hand.flow.retire.legacy
    report = await hand.flow.purge(legacy.name.last_four if legacy else None)
    hand.app.show_step = lambda: hand.app.show_summary(report)  # type: ignore[method-assign]


async def leaked_deleted(hand: Stagehand) -> None:
    """See that the leaked key works, delete it, and see that it is refused."""
    await hand.flow.delete.ask()
    await legacy_deleted(hand)
    await hand.flow.delete.ask()


async def imported(hand: Stagehand) -> None:
    """Import the key in the environment's variables."""
    (found,) = read_source(ENVIRONMENT, hand.world.environ).found
    assert found.api_key
    assert found.secret
    await hand.flow.credentials.store_hmac(found.api_key, found.secret)
    hand.flow.advance(Step.CREDENTIALS)
    report = await hand.flow.complete(await hand.flow.probe.run())
    assert report
    hand.app.show_step = lambda: hand.app.show_summary(report)  # type: ignore[method-assign]


async def with_bots(hand: Stagehand) -> None:
    """Have two bots in the settings."""
    bots = (
        Bot("freqtrade", ("/bin/true",), ("/bin/true",)),
        Bot("grid-eth", ("/bin/sh", "-c", "echo Unit grid-eth.service not found.; exit 5")),
    )
    hand.world.environment = replace(hand.world.environment, bots=bots)


async def with_targets(hand: Stagehand) -> None:
    """Have two delivery targets in the settings."""
    targets = tuple(Target(name, f"trader@{name}", "/run/bot/binance.json") for name in ("bot-1", "bot-2"))
    hand.world.environment = replace(hand.world.environment, targets=targets)


async def one_delivered(hand: Stagehand) -> None:
    """Have the first target the new key."""
    one, journal = hand.flow.deliveries.states[0], hand.flow.context.journal
    said = {"target": [one.target.name, one.target.place, ""], "fingerprint": one.key.name.fingerprint}
    journal.record(hand.job, DELIVERY, {"environment": "production", **said, "stage": CONFIRMED, "trouble": ""})


def restart(*names: str) -> Prepare:
    """Restart these bots."""

    async def prepare(hand: Stagehand) -> None:
        for bot in hand.flow.context.environment.bots:
            if bot.name in names:
                await hand.flow.retire.restart(bot)

    return prepare


async def one_unused(hand: Stagehand) -> None:
    """Enter a key, probe it, and give the job up."""
    flow = hand.flow
    await flow.begin(Mode.ROTATE)
    await flow.egress.detect()
    flow.advance(E)
    flow.whitelist.settle(flow.whitelist.proposal())
    flow.advance(W)
    made = await hand.page.create("first try", KeyKind.HMAC, "203.0.113.42", enableReading=True)
    await flow.credentials.store(Credentials(KeyKind.HMAC, made.api_key, made.secret))
    flow.advance(C)
    await flow.probe.run()
    await flow.abandon()


async def an_hour_and_more(hand: Stagehand) -> None:
    """Let both keys work for too long."""
    hand.world.clock.now += 4000


BOTS_LEFT = in_turn(ask(), restart("freqtrade"))
DEAD = in_turn(ask(), legacy_deleted, ask(3))
WRONG = "203.0.113.42 # this host\n198.51.100.007 # office\n1.2.3.4/24 # bot-2\n192.0.2.9"
TWO = "203.0.113.42 # this host\n198.51.100.7 # bot-1"

A, C, D, E = Step.APPLY, Step.CREDENTIALS, Step.DELETE, Step.EGRESS
P, R, W = Step.PROBE, Step.RETIRE, Step.WHITELIST
SHOTS = (
    Shot("home", "older than 90 days", before=several),
    Shot("home-one", "enter Replace", before=at(ServiceState.READY)),
    Shot("home-empty", "Do you already have a key", before=without_key),
    Shot("home-paused", "paused at", before=several, keys=("down", "down"), then="enter Resume"),
    Shot("home-working", "Opening", before=never_opens),
    Shot("home-stop-locked", "locked", before=at(ServiceState.LOCKED)),
    Shot("home-stop-bus", "session bus", before=at(ServiceState.NO_BUS_ADDRESS)),
    Shot("home-file", "enter Replace", before=at(ServiceState.READY, Place.ENCRYPTED_FILE)),
    Shot("home-changed", "not on the list", before=address_changed),
    Shot("home-rehearsal", "enter Replace", is_rehearsal=True),
    Shot("home-sub-account", "enter Replace", before=several_managed),
    Shot("egress", "agree", E),
    Shot("egress-working", "Asking 3", E, held("/echo/plain", "/echo/json")),
    Shot("egress-look", "Not proven", E, answers(plain="198.51.100.7\n", json=503)),
    Shot("egress-stop", "ipify", E, answers(plain=503, json=503, trace=503)),
    Shot("egress-unsure", "Not proven", E, answers(plain=429, json=503)),
    Shot("hosts", "agree", E, asked(bot_1="198.51.100.7", bot_2="192.0.2.9"), keys=("o", "enter"), then="found"),
    Shot("hosts-ready", "agree", E, keys=("o",), then="to ask"),
    Shot("hosts-empty", "agree", E, before=no_hosts, keys=("o",), then="No other host"),
    Shot("hosts-working", "agree", E, asked(bot_1="198.51.100.7"), keys=("o", "enter"), then="1 of 2"),
    Shot(
        "hosts-look",
        "agree",
        E,
        asked(bot_1="198.51.100.7", bot_2="Permission denied (publickey)."),
        keys=("o", "enter", "down"),
        then="gave none",
    ),
    Shot("whitelist", "ready to paste", W, listed(TWO)),
    Shot("whitelist-empty", "enter", W, listed("")),
    Shot("whitelist-look", "look", W, listed("203.0.113.42 # this host\n198.51.100.0/28\n192.0.2.9")),
    Shot("whitelist-stop", "to fix", W, listed(WRONG)),
    Shot("whitelist-edit", "to fix", W, listed(WRONG), keys=("e",), then="enter Keep"),
    Shot("whitelist-unknown", "ready to paste", W, first=list_not_known, mode=Mode.WHITELIST),
    Shot("apply", "Paste the list", A, first=move_host, mode=Mode.WHITELIST),
    Shot("apply-rehearsal", "Paste the list", A, first=move_host, mode=Mode.WHITELIST, is_rehearsal=True),
    Shot("apply-api", "by API", A, before=managed, first=master_moved, mode=Mode.WHITELIST),
    Shot("credentials", "END PUBLIC KEY", C, same_pair),
    Shot("credentials-hmac", "END PUBLIC", C, same_pair, keys=("ctrl+t", "down", "enter"), then="the secret"),
    Shot("credentials-working", "Making the key pair", C, never_made),
    Shot("credentials-stop", "END PUBLIC", C, same_pair, keys=(*"too-short", "enter"), then="API key"),
    Shot("credentials-unsure", "did not say", C, in_turn(same_pair, busy(RESTRICTIONS))),
    Shot("credentials-import", "is in the environment", C, before=in_variables, mode=Mode.ADOPT),
    Shot("credentials-import-empty", "freqtrade", C, before=without_key, mode=Mode.ADOPT),
    Shot("credentials-leaked", "Binance said that", C, same_pair, mode=Mode.LEAKED),
    Shot("credentials-api", "Spot", C, before=managed),
    Shot("credentials-api-stop", "Spot", C, master_refused, managed, keys=("enter",), then="refuses the key"),
    Shot("delete-api", "still works", D, before=managed, mode=Mode.LEAKED),
    Shot("delete", "still works", D, before=with_bots, mode=Mode.LEAKED),
    Shot("delete-refused", "The proof follows", D, leaked_deleted, mode=Mode.LEAKED),
    Shot("delete-unsure", "no clear answer", D, busy(RESTRICTIONS), mode=Mode.LEAKED),
    Shot("key-type", "END PUBLIC", C, same_pair, keys=("ctrl+t",), then="Use it"),
    Shot("private-key", "END PUBLIC", C, same_pair, keys=("ctrl+t", "end", "enter"), then="Or the key itself"),
    Shot("simulated-page", "END PUBLIC", C, same_pair, keys=("ctrl+o",), then="1 key", is_rehearsal=True),
    Shot(
        "credentials-filled",
        "END PUBLIC",
        C,
        same_pair,
        keys=("ctrl+o", "enter"),
        then="filled in",
        is_rehearsal=True,
    ),
    Shot("probe", "works from here", P),
    Shot("probe-working", "waiting", P, held("/sapi")),
    Shot("probe-list", "works from here", P, first=move_host, mode=Mode.WHITELIST),
    Shot("probe-list-waiting", "The next question", P, old_list, first=move_host, mode=Mode.WHITELIST),
    Shot("probe-list-open", "any address", P, unrestricted, mode=Mode.WHITELIST),
    Shot("probe-changed", "address changed", P, move_host),
    Shot("probe-lists", "address changed", P, move_host, keys=("enter",), then="Paste"),
    Shot("probe-not-saved", "keep trying", P, list_not_saved),
    Shot("probe-waiting", "keep trying", P, list_not_saved, keys=("enter",), then="The next question"),
    Shot("probe-wrong-secret", "signature", P, wrong_secret),
    Shot("probe-permission", "Trading", P, fewer_permissions),
    Shot("probe-unsure", "inconclusive", P, busy("/api/v3/ping")),
    Shot("probe-leaked", "works from here", P, mode=Mode.LEAKED),
    Shot("probe-ascii", "address changed", P, move_host, glyphs=ASCII),
    Shot("probe-16-colours", "address changed", P, move_host, theme=THEME_16.name),
    Shot("probe-no-colour", "address changed", P, move_host, environ={"NO_COLOR": "1"}),
    Shot("retire", "Two things", R, in_turn(still_in_file, done(BOTS), ask())),
    Shot("retire-api", "Two things", R, in_turn(done(BOTS), ask()), managed),
    Shot("retire-alive", "Deleted it", R, in_turn(done(BOTS, DELETED), ask())),
    Shot("retire-stop", "Stop.", R, in_turn(done(BOTS, DELETED), ask(), new_deleted, ask())),
    Shot("retire-dead", "is dead", R, in_turn(done(BOTS, DELETED), DEAD)),
    Shot("retire-weak", "not proven that", R, ask(3), first=legacy_deleted),
    Shot("retire-unsure", "Do not delete", R, in_turn(ask(), busy(RESTRICTIONS), ask())),
    Shot(
        "retire-bots",
        "Two things",
        R,
        in_turn(ask(), restart("freqtrade")),
        with_bots,
        keys=("x",),
        then="exit 5",
    ),
    Shot("retire-targets", "unreached", R, in_turn(one_delivered, ask()), with_targets),
    Shot("retire-unused", "Two things", R, in_turn(done(BOTS), ask()), first=one_unused, keys=("down",)),
    Shot("retire-late", "too long", R, in_turn(done(BOTS), an_hour_and_more, ask())),
    Shot("retire-dead-bots", "did not tick", R, in_turn(restart("freqtrade"), DEAD), with_bots),
    Shot("summary", "replaced", R, in_turn(DEAD, finish)),
    Shot(
        "summary-list",
        "works from here",
        P,
        first=move_host,
        mode=Mode.WHITELIST,
        keys=("enter",),
        then="new whitelist",
    ),
    Shot("summary-look", "replaced", R, in_turn(ask(3), still_in_file, finish), first=legacy_deleted),
    Shot("summary-import", "is stored and works", C, imported, before=in_variables, mode=Mode.ADOPT),
    Shot("summary-leaked", "which had leaked", R, in_turn(ask(3), finish), mode=Mode.LEAKED),
    Shot("dialog-consent", "is dead", R, DEAD, keys=("enter",), then="cannot undo"),
    Shot("dialog-create", "Spot", C, before=managed, keys=("enter",), then="Type create"),
    Shot(
        "dialog-change",
        "by API",
        A,
        before=managed,
        first=master_moved,
        mode=Mode.WHITELIST,
        keys=("enter",),
        then="Type",
    ),
    Shot("dialog-delete-api", "Two things", R, ask(), managed, keys=("d",), then="Type"),
    Shot("dialog-leave", "Two things", R, ask(), keys=("q",), then="Quit Key Wizard"),
    Shot("dialog-help", "agree", E, keys=("question_mark",), then="Scrolls"),
    Shot("dialog-details", "agree", E, keys=("v",), then="Who saw"),
    Shot("dialog-ask", "replaced", R, in_turn(DEAD, finish), keys=("s",), then="File"),
    Shot("dialog-unlock", "locked", before=at(ServiceState.LOCKED), keys=("enter",), then="Password"),
    Shot("dialog-passphrase", "session bus", before=at(ServiceState.NO_BUS_ADDRESS), keys=("enter", *PASSPHRASE)),
)
