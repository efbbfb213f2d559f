"""What the Credentials step says, has ready and stores, for both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.rotation.conftest import HERE, World
from tests.rotation.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.steps.face import FakeFace, press
from tests.unwiped import Unwiped
from wizard.core.credentials import KeyKind
from wizard.core.sites import known_sites
from wizard.custody.errors import CustodyError
from wizard.exchange.signing import generate_ed25519, read_private_key
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step
from wizard.steps.by_api import credentials_presenter
from wizard.steps.credentials import CredentialsPresenter, ImportPresenter, KeyTypePresenter
from wizard.steps.presenter import Presenter
from wizard.steps.simulated_page import SimulatedPagePresenter
from wizard.steps.view import PRIMARY, State

ENTER, IMPORT_KEY, READ = CredentialsPresenter.TITLE, "Import a private key", "Read the key from a file"


@asynccontextmanager
async def standing(
    world: World, mode: Mode = Mode.ROTATE, *, whitelist: str = HERE, **permissions: bool
) -> AsyncIterator[Flow]:
    """A flow at its Credentials step."""
    async with world.flow() as flow:
        if mode is Mode.ROTATE:
            await world.put_key_in_use(flow, whitelist, **permissions)
        await flow.begin(mode)
        if mode is not Mode.ADOPT:
            await flow.egress.detect()
            flow.advance(Step.EGRESS)
            flow.whitelist.settle(flow.whitelist.proposal())
            flow.advance(Step.WHITELIST)
        assert flow.step is Step.CREDENTIALS
        yield flow


async def opened(flow: Flow, face: FakeFace) -> CredentialsPresenter:
    presenter = credentials_presenter(flow, face)
    await presenter.begin()
    await presenter.watch()
    return presenter


def on_binance(flow: Flow) -> None:
    """From here on, the page is that of binance.com. Nothing is called."""
    environment = replace(flow.context.environment, site=known_sites()["binance.com"])
    object.__setattr__(flow.context, "environment", environment)


def instructed(presenter: CredentialsPresenter) -> str:
    lines = [line for each in presenter.view().instructions for line in (each.text, *each.details, *each.exact)]
    return "\n".join(lines)


def evidence(presenter: CredentialsPresenter) -> str:
    return "\n".join(row.cells[0] for row in presenter.view().evidence)


def words(presenter: Presenter) -> set[str]:
    return {action.word for action in presenter.view().actions}


def values(made: NewKey) -> dict[str, str]:
    return {"api_key": made.api_key.reveal(), "secret": made.secret.reveal()}


def choosing(kind: str) -> object:
    async def choose(page: Presenter) -> None:
        assert isinstance(page, KeyTypePresenter)
        await page.choose(kind)

    return choose


async def to_type(presenter: CredentialsPresenter, face: FakeFace, kind: str) -> None:
    face.on_visit = choosing(kind)  # type: ignore[assignment]
    await presenter.change_type()
    face.on_visit = None


# --- what is said --------------------------------------------------------------------------------


async def test_it_opens_with_ed25519_and_the_pair_is_stored_before_it_is_shown(world: World) -> None:
    async with standing(world) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        assert presenter.view().corner == "Ed25519"
        assert "-----BEGIN PUBLIC KEY-----" in instructed(presenter)
        stored = [each.kind for each in await world.store.credentials()]
        assert stored == [KeyKind.HMAC, KeyKind.ED25519]
        assert face.visited == [], "nothing was asked first"


async def test_the_steps_stand_in_the_order_of_binance_s_page(world: World) -> None:
    async with standing(world) as flow:
        on_binance(flow)
        presenter = CredentialsPresenter(flow, FakeFace())
        presenter._public_pem = "PUBLIC"
        first, paste, tick, restrict, last = presenter.view().instructions
        assert first.text == "binance.com/en/my/settings/api-management → Create API → Self-generated"
        assert paste.exact == ("PUBLIC",)
        assert tick.text.startswith("Tick what")
        assert (restrict.text, restrict.exact) == ("Restrict access to trusted IPs only", (HERE,))
        assert last.text == "Confirm with 2FA, then paste the API key here"


async def test_the_permissions_are_those_that_binance_says_the_current_key_has(world: World) -> None:
    async with standing(world, enableSpotAndMarginTrading=True, enableFutures=True) as flow:
        presenter = await opened(flow, FakeFace())
        current = flow.current
        assert current is not None
        assert f"Tick what {current.name} has: Reading · Spot & Margin Trading · Futures" in instructed(presenter)
        assert "Leave off: Withdrawals, and all others" in instructed(presenter)
        assert f"what {current.name} has" in evidence(presenter)


async def test_withdrawals_are_left_off_also_where_the_current_key_has_them(world: World) -> None:
    async with standing(world, enableWithdrawals=True) as flow:
        presenter = await opened(flow, FakeFace())
        tick = next(each.text for each in presenter.view().instructions if each.text.startswith("Tick"))
        assert "Withdrawals" not in tick
        assert "may withdraw. Tick that only if your bot withdraws." in evidence(presenter)


@pytest.mark.parametrize("has_sapi", [True, False])
async def test_permissions_that_are_not_known_are_not_guessed(world: World, has_sapi: bool) -> None:
    world.has_sapi = has_sapi
    async with standing(world) as flow:
        if has_sapi:
            await world.simulated_page.delete((await world.simulated_page.keys())[0].api_key)
        presenter = await opened(flow, FakeFace())
        assert "Binance did not say what that is" in instructed(presenter)
        assert "Spot" not in instructed(presenter)
        (unsure,) = [row for row in presenter.view().evidence if row.state is State.UNSURE]
        assert ("does not say what it may do" in unsure.cells[0]) is not has_sapi


async def test_a_current_key_whose_list_lacks_this_address_is_refused_for_that(world: World) -> None:
    async with standing(world, whitelist="198.51.100.7") as flow:
        presenter = await opened(flow, FakeFace())
        (unsure,) = [row for row in presenter.view().evidence if row.state is State.UNSURE]
        assert "most likely because of your address" in unsure.cells[0]


async def test_what_changes_for_the_bot_is_said_where_the_current_key_is_hmac(world: World) -> None:
    async with standing(world) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        assert "A bot that needs BINANCE_API_SECRET cannot use the new key" in evidence(presenter)
        await to_type(presenter, face, "hmac")
        assert "BINANCE_PRIVATE_KEY" not in evidence(presenter)
        on_binance(flow)
        assert "Self-generated" not in presenter.view().instructions[0].text
        (page,) = face.visited
        assert "gives it to your bot as BINANCE_API_SECRET" in page.view().because[0]
        assert [row.item for row in page.view().rows] == ["ed25519", "hmac", "rsa", "import"]


async def test_public_key_and_whitelist_are_copied_as_they_are(world: World) -> None:
    async with standing(world) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        await press(presenter, "ctrl+p")
        await press(presenter, "ctrl+y")
        assert face.copied[0].startswith("-----BEGIN PUBLIC KEY-----\n")
        assert face.copied[1] == HERE


# --- storing -------------------------------------------------------------------------------------


async def test_a_typed_key_is_stored_and_leads_to_the_probe(world: World, unwiped: Unwiped) -> None:
    async with standing(world) as flow:
        made = await world.make_key()
        key, secret = made.api_key.reveal(), made.secret.reveal()
        face = FakeFace(typed={ENTER: [values(made)]})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "hmac")
        await presenter.save()
        assert face.left == "leave"
        assert flow.step is Step.PROBE
        assert f"…{key[-4:]}" in face.notes[-1]
        made.wipe()
        assert unwiped.of(key, secret) == 0


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "hmac"])
async def test_a_key_made_on_the_simulated_page_is_taken_over_and_works(
    world: World, kind: str, unwiped: Unwiped
) -> None:
    async with standing(world) as flow:
        face = FakeFace(page=world.simulated_page)
        presenter = await opened(flow, face)
        if kind != "ed25519":
            await to_type(presenter, face, kind)
            assert presenter.kind == kind

        async def create(page: Presenter) -> None:
            assert isinstance(page, SimulatedPagePresenter)
            await page.begin()
            await page.create()

        face.on_visit = create
        await presenter.visit_page()
        secret = presenter.entered["secret"].reveal() if kind == "hmac" else presenter.entered["api_key"].reveal()
        await presenter.save()
        assert flow.step is Step.PROBE
        assert unwiped.of(secret) == 0
        assert await world.accepts((await world.store.credentials())[-1])


async def test_what_was_taken_over_is_overwritten_when_the_page_is_left(world: World, unwiped: Unwiped) -> None:
    async with standing(world) as flow:
        presenter = await opened(flow, FakeFace())
        made = await world.make_key()
        secret = made.secret.reveal()
        presenter._change_kind(KeyKind.HMAC, "")
        presenter._take_made(made)
        presenter.forget()
        assert unwiped.of(secret) == 0


async def test_a_store_that_refuses_keeps_the_user_here_and_a_second_try_stores(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(world) as flow:
        made = await world.make_key()
        face = FakeFace(typed={ENTER: [values(made), values(made)]})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "hmac")
        write, refusals = world.store.write, [CustodyError("The keyring broke")]

        async def refuse_once(name: str, value: object) -> None:
            if refusals:
                raise refusals.pop()
            await write(name, value)  # type: ignore[arg-type]

        monkeypatch.setattr(world.store, "write", refuse_once)
        await presenter.save()
        assert [error.what for error in face.errors] == ["The keyring broke"]
        assert flow.step is Step.PROBE


async def test_values_of_an_unusual_shape_are_stored_only_after_that_was_said(world: World) -> None:
    async with standing(world) as flow:
        odd = {"api_key": "a" * 63, "secret": "b" * 64}
        face = FakeFace(typed={ENTER: [odd]})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "hmac")
        await presenter.save()
        assert "This API key has 63 characters" in face.errors[0].what
        assert flow.credentials.pending is None
        await presenter.save()
        assert flow.credentials.pending is not None


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({}, "This holds no API key"),
        ({"api_key": "a" * 64, "secret": "a" * 64}, "are the same text"),
        ({"api_key": "MCowBQYDK2VwAyEA11qYAYKxCrfVS", "secret": "b" * 64}, "This is a public key"),
        ({"api_key": "two words", "secret": "b" * 64}, "spaces or signs that no key has"),
    ],
)
async def test_what_cannot_be_a_key_is_named_and_nothing_is_written(
    world: World, typed: dict[str, str], problem: str
) -> None:
    async with standing(world) as flow:
        face = FakeFace(typed={ENTER: [typed]})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "hmac")
        await presenter.save()
        assert problem in face.errors[0].what
        assert flow.credentials.pending is None
        assert flow.step is Step.CREDENTIALS


async def test_the_key_that_is_to_be_replaced_is_not_taken_for_the_new_one(world: World) -> None:
    async with standing(world) as flow:
        (in_use,) = await world.simulated_page.keys()
        face = FakeFace(typed={ENTER: [{"api_key": in_use.api_key.reveal(), "secret": "b" * 64}]})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "hmac")
        await presenter.save()
        assert face.errors
        assert flow.credentials.pending is None


async def test_a_stored_key_is_named_with_its_type_and_kept_on_demand(world: World) -> None:
    async with standing(world) as flow:
        made = await world.make_key()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        face = FakeFace()
        presenter = await opened(flow, face)
        assert presenter.kind is KeyKind.HMAC
        assert f"…{made.api_key.last_four()} is stored already" in presenter.view().because[0]
        await press(presenter, "ctrl+k")
        assert flow.step is Step.PROBE


# --- private keys and keys in use ----------------------------------------------------------------


async def test_a_private_key_is_imported_from_a_file_that_is_named_when_others_may_read_it(
    world: World, tmp_path: Path
) -> None:
    pair = generate_ed25519()
    file = tmp_path / "key.pem"
    file.write_text(pair.private_pem.reveal())
    file.chmod(0o644)
    async with standing(world) as flow:
        face = FakeFace(typed={IMPORT_KEY: [{"path": str(tmp_path / "missing")}, {"path": str(file)}]})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "import")
        assert "cannot read this path" in face.errors[0].what
        assert "Other users of this machine can read" in face.notes[-1]
        assert pair.public_pem.splitlines()[1] in instructed(presenter)
        made = await world.simulated_page.create("new", KeyKind.ED25519, HERE, public_key=pair.public_pem)
        face.typed = {ENTER: [{"api_key": made.api_key.reveal()}]}
        await presenter.save()
        assert flow.step is Step.PROBE
        assert f"{file}, line 1" in face.notes[-1]
        assert file.exists(), "it is left as it is"


async def test_an_encrypted_private_key_asks_for_its_passphrase_and_keeps_nothing(
    world: World, unwiped: Unwiped
) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")).decode()
    async with standing(world) as flow:
        tries = [{"pem": pem}, {"pem": pem, "passphrase": "wrong"}, {"pem": pem, "passphrase": "open sesame"}]
        face = FakeFace(typed={IMPORT_KEY: tries})
        presenter = await opened(flow, face)
        await to_type(presenter, face, "import")
        assert [error.code for error in face.errors] == ["private_key.passphrase"] * 2
        (form,) = face.filled
        assert [field.name for field in form.fields if field.after] == ["passphrase"]
        assert "-----BEGIN PUBLIC KEY-----" in instructed(presenter)
        assert unwiped.of("open sesame", "wrong", pem) == 0


async def test_an_import_opens_at_hmac_and_speaks_of_no_new_key(world: World) -> None:
    async with standing(world, Mode.ADOPT) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        assert isinstance(presenter, ImportPresenter)
        view = presenter.view()
        assert view.corner == "HMAC"
        said = " ".join([view.verdict, presenter.ABOUT, instructed(presenter), evidence(presenter)])
        said += " ".join(action.about for action in view.actions)
        assert "new key" not in said.lower()
        assert "Create" not in said
        assert "Nothing changes on Binance" in said
        await to_type(presenter, face, "hmac")
        assert [row.item for row in face.visited[-1].view().rows] == ["hmac", "import"]


async def test_a_key_pair_in_use_is_entered_again_without_an_order_to_delete_it(world: World) -> None:
    async with world.flow() as flow:
        pair = generate_ed25519()
        made = await world.simulated_page.create(
            "in use", KeyKind.ED25519, "203.0.113.42", public_key=pair.public_pem, enableSpotAndMarginTrading=True
        )
        await flow.begin(Mode.ADOPT)
        await flow.credentials.import_pair(pair)
        await flow.credentials.store_pair(made.api_key, pair.public_pem)
        flow.advance(Step.CREDENTIALS)
        flow.back()
        face = FakeFace(typed={ImportPresenter.TITLE: [{"api_key": made.api_key.reveal()}]})
        page = ImportPresenter(flow, face)
        await page.begin()
        await page.save()
        assert face.errors == []
        assert flow.step is Step.PROBE
        assert (await flow.probe.run()).is_proven


async def test_a_key_in_use_is_read_from_a_file_and_shown_masked(world: World, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    world.environ = {"PWD": str(tmp_path)}
    made = await world.make_key()
    key, secret = made.api_key.reveal(), made.secret.reveal()
    file.write_text(f"BINANCE_API_KEY={key}\nBINANCE_API_SECRET={secret}\n")
    file.chmod(0o600)
    async with standing(world, Mode.ADOPT) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        assert isinstance(presenter, ImportPresenter)
        await presenter.read()
        (form,) = face.filled
        assert form.fields[0].text == str(file), "the usual place is offered"
        face.typed = {READ: [{"place": str(tmp_path / "missing")}, {"place": str(file)}]}
        await presenter.read()
        assert "cannot read this path" in face.errors[0].what
        assert f"Read from {file}" in face.notes[-1]
        assert f"an API key of 64 characters, …{key[-4:]}" in face.notes[-1]
        assert key[:8] not in face.notes[-1]
        assert secret[-4:] not in face.notes[-1]
        await presenter.save()
        assert flow.step is Step.PROBE
        assert f"{file}, lines 1, 2" in face.notes[-1]
        assert secret in file.read_text(), "the file is left as it is"


@pytest.mark.field(27, "answers", "found while running")
async def test_a_file_that_is_read_again_is_named_with_who_else_can_read_it(world: World, tmp_path: Path) -> None:
    world.environ = {"PWD": str(tmp_path)}
    made = await world.make_key()
    file = tmp_path / "bot.env"
    file.write_text(f"BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_API_SECRET={made.secret.reveal()}\n")
    file.chmod(0o644)
    async with standing(world, Mode.ADOPT) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        assert isinstance(presenter, ImportPresenter)
        for _ in range(2):
            face.typed = {READ: [{"place": str(file)}]}
            await presenter.read()
            assert f"Read from {file}" in face.notes[-1]
            assert f"Other users of this machine can read {file}" in face.notes[-1]
            assert "paste" not in face.notes[-1]


async def test_the_one_key_in_the_usual_places_is_imported_by_enter_alone(
    world: World, tmp_path: Path, unwiped: Unwiped
) -> None:
    world.environ = {"PWD": str(tmp_path)}
    made = await world.make_key()
    key, secret = made.api_key.reveal(), made.secret.reveal()
    file = tmp_path / ".env"
    file.write_text(f"BINANCE_API_KEY={key}\nBINANCE_API_SECRET={secret}\n")
    made.wipe()
    async with standing(world, Mode.ADOPT) as flow:
        face = FakeFace()
        presenter = await opened(flow, face)
        assert presenter.view().verdict == f"…{key[-4:]} is in {file}."
        assert presenter.view().actions[0].key == PRIMARY
        assert flow.credentials.pending is None, "nothing is stored before Enter"
        await press(presenter, PRIMARY)
        assert (flow.step, face.errors) == (Step.PROBE, [])
        report = await flow.complete(await flow.probe.run())
        assert report is not None
        assert report.still_held == (f"{file}, lines 1, 2",)
        assert report.left == (
            f"…{key[-4:]} is still in {file}, lines 1, 2. Remove it there when your bot runs under exec.",
        )
    assert unwiped.of(key, secret) == 0


async def test_of_several_keys_in_the_usual_places_none_is_taken_and_each_is_named(
    world: World, tmp_path: Path
) -> None:
    world.environ = {"PWD": str(tmp_path)}
    for name, letter in ((".env", "a"), ("config.json", "b")):
        (tmp_path / name).write_text(f"KEY={letter * 64}\nSECRET={letter.upper() * 64}\n")
    async with standing(world, Mode.ADOPT) as flow:
        presenter = await opened(flow, face := FakeFace())
        assert presenter.view().verdict == ImportPresenter.TITLE
        assert presenter.entered == {}
        assert f"…aaaa in {tmp_path}/.env, lines 1, 2, KEY and SECRET." in evidence(presenter)
        assert f"…bbbb in {tmp_path}/config.json, lines 1, 2, KEY and SECRET." in evidence(presenter)

        async def choose_the_second(page: Presenter) -> None:
            shown = str(page.view())
            assert "…bbbb" in shown
            assert "bbbbb" not in shown
            await page.view().actions[0].run(page.view().rows[1].item)

        face.on_visit = choose_the_second
        await press(presenter, "ctrl+g")
        assert {name: value.reveal() for name, value in presenter.entered.items()} == {
            "api_key": "b" * 64,
            "secret": "B" * 64,
        }
        assert flow.credentials.pending is None, "it is stored by Enter alone"
        presenter.forget()


async def test_an_encrypted_private_key_that_was_found_asks_for_its_passphrase(world: World, tmp_path: Path) -> None:
    pair = generate_ed25519()
    locked = read_private_key(pair.private_pem).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
    )
    file = tmp_path / "bot.env"
    file.write_text(f'BINANCE_API_KEY={"k" * 64}\nBINANCE_PRIVATE_KEY="{locked.decode()}"\n')
    async with standing(world, Mode.ADOPT) as flow:
        tries = [{"place": str(file)}, {"place": str(file), "passphrase": "open sesame"}]
        face = FakeFace(typed={READ: tries})
        presenter = await opened(flow, face)
        assert isinstance(presenter, ImportPresenter)
        await presenter.read()
        assert [error.code for error in face.errors] == ["private_key.passphrase"]
        assert (presenter.kind, [*presenter.entered]) == (KeyKind.ED25519, ["api_key"])
        await presenter.save()
        assert flow.credentials.pending is not None
        assert flow.credentials.pending.kind is KeyKind.ED25519


async def test_a_file_that_only_hummingbot_can_read_is_named_and_remembered(world: World, tmp_path: Path) -> None:
    file = tmp_path / "binance.yml"
    file.write_text(f"connector: binance\nbinance_api_key: {'7b22' + 'ab' * 100}\n")
    async with standing(world, Mode.ADOPT) as flow:
        made = await world.make_key()
        face = FakeFace(typed={READ: [{"place": str(file)}], ImportPresenter.TITLE: [values(made)]})
        presenter = await opened(flow, face)
        assert isinstance(presenter, ImportPresenter)
        await presenter.read()
        assert "Run `export keys` in Hummingbot" in face.errors[0].advice
        await presenter.save()
        assert flow.step is Step.PROBE
        assert f"{file} holds a key that only the bot's password opens" in face.notes[-1]


# --- what both faces offer -----------------------------------------------------------------------


@pytest.mark.field(26, "answers", "https://github.com/binance-exchange/node-binance-api/issues/98")
async def test_swapping_is_never_what_enter_does_and_only_the_probe_offers_it(world: World) -> None:
    async with standing(world) as flow:
        for is_live in (True, False):
            face = FakeFace(is_live=is_live)
            presenter = await opened(flow, face)
            await to_type(presenter, face, "hmac")
            assert "swap" not in words(presenter)
            primary = presenter.view().action(PRIMARY)
            assert primary is not None
            assert primary.word == "save"


async def test_the_simulated_page_is_offered_in_rehearsals_only(world: World) -> None:
    async with standing(world) as flow:
        assert "page" not in words(await opened(flow, FakeFace()))
        assert "page" in words(await opened(flow, FakeFace(page=world.simulated_page)))
