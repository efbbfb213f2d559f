"""Home: what it says of each environment, what it offers, and what becomes of it."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.custody.fakes import PASSWORD, FakeLocked, FakeWithoutBus
from tests.egress_notes import note_egress
from tests.plain.script import PlainWorld
from tests.rotation.conftest import ELSEWHERE, HERE, OpenStore, World
from tests.steps.face import FakeFace
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Environment, Place, load
from wizard.core.unattended import KeyPolicy
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError
from wizard.custody.keyring_errors import BUS_COMMAND
from wizard.custody.records import Slot
from wizard.rehearsal.session import embedded_site
from wizard.rotation.journal import OTHER_HOSTS, Overview, open_journal
from wizard.rotation.model import Mode, Step
from wizard.rotation.opening import sole_writer
from wizard.rotation.state_machine import Move, Transition
from wizard.steps.home import OLD, QUESTION, HomePresenter
from wizard.steps.session import EnvironmentSession
from wizard.steps.view import PRIMARY, State, View


class Home(HomePresenter):
    """The page with its environments in reach."""

    face: FakeFace

    def __init__(
        self,
        environments: PlainWorld,
        *,
        is_live: bool = True,
        named: str | None = None,
        job: Mode | None = None,
        session: EnvironmentSession | None = None,
    ) -> None:
        self.environments = environments
        self.session = session or EnvironmentSession(environments, "key-wizard", named, job)
        super().__init__(self.session, FakeFace(is_live=is_live))

    async def press(self, key: str, *given: str) -> View:
        action = self.view().action(key)
        assert action is not None, f"{key} does nothing: {offered(self.view())}"
        await action.run(*given)
        return self.view()


class LockedWorld(PlainWorld):
    """The bench behind a place that has to be opened first."""

    def flow(self, environment: Environment):  # type: ignore[no-untyped-def]
        opened = super().flow(environment)

        class Locked:
            async def __aenter__(inner):  # type: ignore[no-untyped-def]  # noqa: N805
                assert self.custodian is not None
                await self.custodian.open()
                return await opened.__aenter__()

            async def __aexit__(inner, *raised: object) -> None:  # noqa: N805
                await opened.__aexit__(*raised)  # type: ignore[arg-type]

        return Locked()


class Several(PlainWorld):
    """Three environments."""

    names = ("bench", "second", "third")

    def overviews(self) -> tuple[Overview, ...]:
        journal = open_journal(self.paths)
        try:
            site = embedded_site(self.bench.base_url, "bench site")
            return journal.overview(Environment(name, site) for name in self.names)
        finally:
            journal.close()


def offered(view: View) -> dict[str, str]:
    return {action.key: action.label for action in view.actions}


@pytest.fixture
async def with_key(world: World) -> PlainWorld:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
    return PlainWorld(world)


async def test_a_key_in_use_is_replaced_by_enter(with_key: PlainWorld) -> None:
    home = Home(with_key)
    row = home.view().rows[0]
    assert row.cells[1:4] == ("bench site", row.cells[2], "0 s")
    assert row.cells[2].endswith(" HMAC")
    name = row.cells[2].removesuffix(" HMAC")
    assert row.detail[0] == f"Replace {name} · about 5 minutes · you can quit at any point"
    assert [line[3:14].strip() for line in row.detail[2:]] == [
        *("Egress IP", "Whitelist", "Credentials", "Probe", "Retire")
    ]
    await home.begin()
    assert offered(home.view())[PRIMARY] == "Replace"
    await home.press(PRIMARY)
    assert home.face.left == "leave"
    assert home.session.flow is not None
    assert home.session.flow.step is Step.EGRESS
    await home.session.close()


async def test_the_whitelist_of_the_key_in_use_is_changed_by_one_key(with_key: PlainWorld) -> None:
    home = Home(with_key)
    await home.begin()
    await home.press("w")
    assert home.session.flow is not None
    assert home.session.flow.context.rotation.mode is Mode.WHITELIST
    plan = (await again(home)).view().rows[0].detail
    assert plan[0].startswith("Resume at 1 Egress IP · change the whitelist of …")
    assert [line[3:14].strip() for line in plan[2:]] == ["Egress IP", "Whitelist", "Apply", "Probe"]


async def test_where_the_address_is_not_on_the_list_enter_changes_the_whitelist(with_key: PlainWorld) -> None:
    observe(with_key, ELSEWHERE)
    home = Home(with_key)
    row = home.view().rows[0]
    assert (row.state, row.cells[-1]) == (State.STOP, "address not on the list")
    assert row.detail[0].startswith("Change the whitelist of …")
    assert ELSEWHERE in row.detail[1]
    await home.begin()
    assert (offered(home.view())[PRIMARY], offered(home.view())["a"]) == ("Whitelist", "Replace")
    assert home.view().actions[0].also == "w", "its letter works as everywhere"
    await home.press(PRIMARY)
    assert home.session.flow is not None
    assert home.session.flow.context.rotation.mode is Mode.WHITELIST
    await home.session.close()


async def test_an_address_that_changed_is_said_of_a_key_whose_list_is_not_known(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await flow.context.vault.put(Credentials(KeyKind.HMAC, made.api_key, made.secret), Slot.CURRENT)
        plain = PlainWorld(world)
        observe(plain, ELSEWHERE)
        assert Home(plain).view().rows[0].cells[-1] == "whitelist not known", "nor from where it works"
        assert flow.current is not None
        flow.context.journal.mark_proven(flow.current, HERE)
    assert Home(plain).view().rows[0].cells[-1] == "address changed"
    observe(plain, HERE)
    assert Home(plain).view().rows[0].cells[-1] == "whitelist not known"


async def test_where_services_disagree_nothing_is_said_of_the_list(with_key: PlainWorld) -> None:
    observe(with_key, ELSEWHERE, state="split")
    assert offered(Home(with_key).view())[PRIMARY] == "Replace"
    observe(with_key, ELSEWHERE, asked_by=OTHER_HOSTS)
    assert offered(Home(with_key).view())[PRIMARY] == "Replace", "it is another host's address"


def observe(world: PlainWorld, address: str, state: str = "agreed", asked_by: str = "check") -> None:
    """Have a command see this host at an address."""
    with closing(open_journal(world.paths)) as journal:
        note_egress(journal, "bench", {address: ("Amazon", "Cloudflare")}, state, "direct", asked_by=asked_by)


async def test_a_job_that_the_command_line_names_begins_by_itself_once(with_key: PlainWorld) -> None:
    home = Home(with_key, job=Mode.WHITELIST)
    await home.begin()
    assert home.face.left == "leave"
    assert home.session.flow is not None
    assert home.session.flow.context.rotation.mode is Mode.WHITELIST
    await home.session.flow.abandon()
    await home.session.close_environment()
    await Home(with_key, session=home.session).begin()
    assert home.session.flow is not None
    assert home.session.flow.rotation is None, "given up is given up"
    await home.session.close()


async def test_a_named_job_that_is_open_is_resumed(with_key: PlainWorld) -> None:
    home = Home(with_key, job=Mode.WHITELIST)
    await home.begin()
    assert home.session.flow is not None
    home.session.flow.advance(Step.EGRESS)
    await home.session.close()
    home = Home(with_key, job=Mode.WHITELIST)
    await home.begin()
    assert home.session.flow is not None
    assert (home.face.left, home.session.flow.step) == ("leave", Step.WHITELIST)
    await home.session.close()


async def test_a_named_job_waits_where_there_is_something_to_look_at_first(with_key: PlainWorld) -> None:
    with_key.bench.store = OpenStore()
    home = Home(with_key, job=Mode.WHITELIST)
    await home.begin()
    assert "is missing" in home.view().verdict
    assert home.face.left == ""
    await home.session.close()


@pytest.mark.parametrize(("key", "mode"), [(PRIMARY, Mode.ADOPT), ("a", Mode.SET_UP)])
async def test_without_a_key_it_asks_whether_there_is_one_and_goes_straight_on(
    world: World, key: str, mode: Mode
) -> None:
    home = Home(PlainWorld(world))
    await home.begin()
    view = home.view()
    assert view.verdict == QUESTION
    assert list(offered(view))[:2] == [PRIMARY, "a"]
    await home.press(key)
    assert home.session.flow is not None
    assert home.session.flow.context.rotation.mode is mode
    assert home.face.left == "leave"
    await home.session.close()


async def test_the_storage_was_tried_and_home_says_with_what(with_key: PlainWorld) -> None:
    home = Home(with_key)
    assert home.view().evidence == ()
    await home.begin()
    (row,) = home.view().evidence
    assert "written to" in row.cells[0]
    assert home.view().not_proven.startswith("that anything is kept")
    await home.session.close()


async def test_an_open_job_is_resumed_or_given_up_by_a_typed_word_only(with_key: PlainWorld) -> None:
    home = Home(with_key)
    await home.begin()
    await home.press(PRIMARY)
    home = await again(home)
    view = home.view()
    assert offered(view)[PRIMARY] == "Resume"
    assert (view.rows[0].state, view.rows[0].cells[4]) == (State.WORKING, "paused at 1 Egress IP")
    await home.press("g")
    assert home.session.flow is not None
    assert home.session.flow.rotation is not None, "nothing was typed"
    home.face.answers = {"Give up this job?": "give up"}
    view = await home.press("g")
    assert offered(view)[PRIMARY] == "Replace"
    assert home.face.notes == ["You gave the job up. The current key did not change."]
    await home.session.close()


async def test_a_job_that_was_stopped_behind_its_switch_is_finished_from_home(world: World) -> None:
    home = Home(PlainWorld(world))
    await home.begin()
    await home.press("a")
    flow = home.session.flow
    assert flow is not None
    await flow.abandon()
    await world.to_probe(flow)
    report = await flow.probe.run()
    flow.context.journal.promote(Transition(flow.context.rotation, Move.SWITCH, Step.DONE), report.item)
    home = Home(home.environments, session=home.session)
    view = home.view()
    assert offered(view)[PRIMARY] == "Resume"
    await home.press(PRIMARY)
    assert home.face.left == "finish"
    assert flow.step is None
    await home.session.close()


async def test_lines_choose_another_environment_where_one_does_not_open(world: World) -> None:
    several = Several(world)
    home = Home(several, is_live=False, named="second")
    with sole_writer(several.paths.lock("second"), "second", time.time):
        await home.begin()
    assert isinstance(home.session.problem, WizardError)
    choose = next(action for action in home.view().actions if action.word == "choose")
    await choose.run("bench")
    assert home.session.problem is None
    assert offered(home.view())[PRIMARY] == "Import it"
    await home.session.close()


async def again(home: Home) -> Home:
    await home.session.close()
    home = Home(home.environments)
    await home.begin()
    return home


async def test_with_several_environments_none_is_opened_until_one_is_chosen(world: World) -> None:
    several = Several(world)
    home = Home(several)
    await home.begin()
    assert home.session.flow is None
    assert home.point("second")
    assert not home.point("second")
    await home.press("a")
    assert home.session.flow is not None
    assert home.session.flow.context.environment.name == "second"
    await home.session.close()


async def test_lines_choose_the_environment_first(world: World) -> None:
    home = Home(Several(world), is_live=False)
    await home.begin()
    assert [action.word for action in home.view().actions] == ["choose"]
    choose = home.view().actions[0]
    await choose.run("third")
    assert [action.word for action in home.view().actions][:2] == ["import", "create"]
    assert home.session.flow is None


async def test_an_environment_that_was_named_is_opened(world: World) -> None:
    home = Home(Several(world), named="third")
    await home.begin()
    assert home.session.flow is not None
    assert home.session.flow.context.environment.name == "third"
    await home.session.close()


async def test_what_is_found_on_opening_is_said_before_anything_goes_on(world: World) -> None:
    several = Several(world)
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        assert flow.current is not None
        await world.store.delete(flow.current.item)
    home = Home(several)
    view = await home.press(PRIMARY)
    assert home.face.left == ""
    assert view.state is State.LOOK
    assert "is missing" in view.verdict
    await home.session.close()


async def test_a_missing_key_is_struck_off_by_a_typed_word_only(with_key: PlainWorld) -> None:
    async with with_key.bench.flow() as flow:
        current = flow.current
        assert current is not None
        await with_key.bench.store.delete(current.item)
    home = Home(with_key)
    await home.begin()
    await home.press("d")
    assert home.session.flow is not None
    assert home.session.flow.current is not None
    home.face.answers = {f"Delete the record of {current.name}?": "delete"}
    view = await home.press("d")
    assert view.action("d") is None
    assert view.verdict == QUESTION
    await home.session.close()


async def test_a_record_is_not_offered_to_be_deleted_while_its_key_is_stored(with_key: PlainWorld) -> None:
    home = Home(with_key)
    await home.begin()
    assert home.view().action("d") is None
    await home.session.close()


async def test_unknown_stored_keys_are_counted_with_the_command(with_key: PlainWorld) -> None:
    for number in (1, 2):
        await with_key.bench.store.write(f"key-wizard:bench:00000000000{number}", Secret("another's"))
    home = Home(with_key)
    await home.begin()
    said = " ".join((home.view().verdict, *home.view().because))
    assert "2 stored keys" in said
    assert said.endswith("\nkey-wizard storage bench")
    await home.session.close()


# --- the place of the credentials ---------------------------------------------------------------


def locked(world: World, directory: Path, kind: type[Custodian] = FakeLocked) -> Home:
    return Home(LockedWorld(world, custodian=kind(directory)))  # type: ignore[arg-type]


async def test_a_locked_keyring_is_unlocked_by_enter_and_the_environment_opened(world: World, tmp_path: Path) -> None:
    home = locked(world, tmp_path)
    await home.begin()
    view = home.view()
    assert (view.state, view.verdict) == (State.STOP, "The keyring is locked.")
    assert list(offered(view)) == [PRIMARY, "o", "r", "v", "V"]
    await home.press(PRIMARY)
    (form,) = home.face.filled
    assert [field.name for field in form.fields] == ["password"]
    with pytest.raises(CustodyError):
        await form.act(password=Secret("wrong"))
    await form.act(password=Secret(PASSWORD))
    assert home.session.exit_code == 5
    view = await home.press("r")
    assert view.verdict == QUESTION
    assert home.session.exit_code == 0
    await home.session.close()


async def test_without_a_keyring_enter_leads_straight_to_the_passphrase_of_an_encrypted_file(
    world: World, tmp_path: Path
) -> None:
    home = locked(world, tmp_path, FakeWithoutBus)
    await home.begin()
    view = home.view()
    assert list(offered(view).items())[:2] == [(PRIMARY, "Use an encrypted file"), ("r", "Retry")]
    choices = ["Use an encrypted file", "Show how to get a keyring here", "Show how to use OpenBao"]
    assert [row.cells[0] for row in view.evidence] == choices
    await home.press("V")
    assert 'place = "openbao"' in home.face.said
    await home.press(PRIMARY)
    (form,) = home.face.filled
    assert [field.name for field in form.fields] == ["password", "again"]
    assert not (tmp_path / "config.toml").exists(), "nothing is chosen before a passphrase was taken"
    with pytest.raises(CustodyError):
        await form.act(password=Secret("short"))
    assert not (tmp_path / "config.toml").exists()
    await form.act(password=Secret("seven random words"))
    assert load(tmp_path / "config.toml").custody.place is Place.ENCRYPTED_FILE
    view = await home.press(PRIMARY)
    assert view.verdict == QUESTION
    await home.session.close()


async def test_an_encrypted_file_that_is_there_already_is_opened_with_its_passphrase(
    world: World, tmp_path: Path
) -> None:
    home = locked(world, tmp_path, FakeWithoutBus)
    await home.begin()
    await home.press(PRIMARY)
    await home.face.filled[0].act(password=Secret("seven random words"))
    (tmp_path / "config.toml").unlink()
    home = locked(world, tmp_path, FakeWithoutBus)
    await home.begin()
    await home.press(PRIMARY)
    assert [field.name for field in home.face.filled[0].fields] == ["password"]


async def test_a_chosen_file_asks_for_its_passphrase_at_once(world: World, tmp_path: Path) -> None:
    home = locked(world, tmp_path)
    assert isinstance(home.environments.custodian, FakeLocked)
    home.environments.custodian.choose_encrypted_file()
    await home.begin()
    assert len(home.face.filled) == 1
    view = home.view()
    assert list(offered(view).values()) == ["Make the encrypted file", "Retry"]


async def test_the_place_is_tried_also_where_there_are_several_environments(world: World, tmp_path: Path) -> None:
    home = Home(Several(world, custodian=FakeWithoutBus(tmp_path)))
    await home.begin()
    assert home.view().state is State.STOP
    assert home.view().rows == ()
    assert (world.paths.config_file.parent).is_dir(), "the choice of a place is written there"


@pytest.mark.parametrize("is_live", [True, False])
async def test_without_a_session_bus_the_commands_for_one_stand_alone_on_their_lines(
    world: World, tmp_path: Path, is_live: bool
) -> None:
    home = Home(LockedWorld(world, custodian=FakeWithoutBus(tmp_path)), is_live=is_live)
    await home.begin()
    await home.press("v")
    assert BUS_COMMAND in home.face.said
    assert "dbus-run-session -- key-wizard exec ENV -- BOT" in home.face.said
    assert "sudo apt-get install gnome-keyring dbus" in home.face.said
    assert ("key-wizard storage" in home.face.said) is is_live, "in a frame of the screen long lines are broken"
    assert home.session.exit_code == 5
    await home.session.close()


async def test_the_commands_for_a_keyring_and_for_a_service_stand_alone_on_their_lines(
    world: World, tmp_path: Path
) -> None:
    home = locked(world, tmp_path)
    await home.begin()
    await home.press("v")
    assert home.face.said[-2:] == ["The keyring is locked.", "Unlock it."]
    home.environments.custodian.is_open = True  # type: ignore[union-attr]
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
    await home.press("r")
    await home.press("v")
    lines = [line for line in home.face.said if "systemd-creds encrypt" in line]
    assert len(lines) == 3
    assert all(line.startswith(("key-wizard exec bench", "systemd-ask-password")) for line in lines)
    await home.session.close()


# --- what stands in the way ---------------------------------------------------------------------


async def test_an_environment_that_another_wizard_has_is_said_and_can_be_tried_again(with_key: PlainWorld) -> None:
    home = Home(with_key)
    with sole_writer(with_key.paths.lock("bench"), "bench", time.time):
        await home.begin()
    view = home.view()
    assert view.state is State.STOP
    assert view.verdict.startswith("Another wizard")
    assert list(offered(view)) == [PRIMARY]
    view = await home.press(PRIMARY)
    assert offered(view)[PRIMARY] == "Replace"
    await home.session.close()


async def test_records_that_cannot_be_read_are_said_and_read_again(
    with_key: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    overviews = with_key.overviews
    monkeypatch.setattr(with_key, "overviews", Mock(side_effect=WizardError("It is damaged", advice="Move it.")))
    home = Home(with_key)
    await home.begin()
    view = home.view()
    assert (view.verdict, view.fix) == ("It is damaged.", ("Move it.",))
    assert home.session.flow is None
    monkeypatch.setattr(with_key, "overviews", overviews)
    assert offered(await home.press(PRIMARY))[PRIMARY] == "Replace"
    await home.session.close()


# --- what is said of keys -----------------------------------------------------------------------


async def test_an_old_key_and_a_legacy_key_need_a_look(with_key: PlainWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(with_key)
    assert home.view().rows[0].state is not State.LOOK
    monkeypatch.setattr(PlainWorld, "clock", lambda _: time.time() + OLD + 60)
    row = home.view().rows[0]
    assert (row.state, row.cells[3], row.cells[4]) == (State.LOOK, "90 d", "older than 90 days")
    (seen,) = with_key.overviews()
    monthly = replace(seen, environment=replace(seen.environment, policy=KeyPolicy(max_age=30 * 86400.0)))
    monkeypatch.setattr(with_key, "overviews", lambda: (monthly,))
    monkeypatch.setattr(PlainWorld, "clock", lambda _: time.time() + 31 * 86400)
    assert Home(with_key).view().rows[0].cells[4] == "older than 30 days"


async def test_history_shows_finished_jobs_and_nothing_else(with_key: PlainWorld) -> None:
    home = Home(with_key)
    await home.begin()
    await home.press("h")
    assert home.face.said[-1] == "No job has finished yet."
    await home.press(PRIMARY)
    await home.press("h")
    assert home.face.said[-1] == "No job has finished yet."
    home.face.answers = {"Give up this job?": "give up"}
    await home.press("g")
    await home.press("h")
    assert "  Replace: abandoned" in home.face.said[-2]
    await home.session.close()


async def test_a_rehearsal_says_so_in_the_title_and_first(with_key: PlainWorld) -> None:
    with_key.about = ("This is a rehearsal. It touches nobody's money.", "It goes wrong.")
    home = Home(with_key)
    view = home.view()
    assert home.location[0] == "Key Wizard · rehearsal"
    assert (view.verdict, *view.because) == with_key.about


# --- closing ------------------------------------------------------------------------------------


async def test_closing_says_what_stays_open_and_the_command_that_leads_back(
    with_key: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(with_key)
    assert home.session.closing() == ("No job is open.",)
    await home.begin()
    await home.press(PRIMARY)
    flow = home.session.flow
    assert flow is not None
    assert flow.current is not None
    name = flow.current.name
    assert home.session.closing()[-1] == "This rehearsal ends now, because its keys are in memory only."
    monkeypatch.setattr(with_key.bench.store, "durable", True, raising=False)
    assert home.session.closing() == (
        f"The job “replace {name}” stays open at Egress IP.",
        f"No new key is stored yet. {name} stays in use.",
        "Come back with",
        "  key-wizard",
    )
    await home.session.close()
    assert home.session.farewell[-1] == "  key-wizard"
    assert home.session.exit_code == 3


async def test_a_key_that_was_never_used_is_named_and_its_retirement_offered(with_key: PlainWorld) -> None:
    home = Home(with_key)
    await home.begin()
    await home.press(PRIMARY)
    assert home.session.flow is not None
    made = await with_key.bench.make_key()
    await home.session.flow.credentials.store_hmac(made.api_key, made.secret)
    home = await again(home)
    home.face.answers = {"Give up this job?": "give up"}
    await home.press("g")
    name = f"…{made.api_key.last_four()}"
    assert f"keeps {name} to ask, and names it until it is dead" in home.face.confirmed[-1].text
    view = home.view()
    assert (view.rows[0].state, view.rows[0].cells[4]) == (State.LOOK, f"{name} not dead yet")
    assert view.action(PRIMARY) is view.action("t"), "status names the same job as the next one"
    await home.press(PRIMARY)
    home = await again(home)
    assert home.session.flow is not None
    assert home.session.flow.context.rotation.mode is Mode.RETIRE
    home.face.answers = {"Give up this job?": "give up"}
    assert (await home.press("g")).action("t"), "it is still named"
    await home.session.close()
