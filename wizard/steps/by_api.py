"""Pages of a sub-account whose keys the master account's key makes and deletes: each act is confirmed once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from wizard.core.errors import WizardError, sentences
from wizard.custody.errors import CustodyError
from wizard.exchange.diagnosis import REFUSED_KEY
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.rotation.model import Mode
from wizard.steps import deadlines
from wizard.steps.credentials import CredentialsPresenter, ImportPresenter, short_label
from wizard.steps.form import Field
from wizard.steps.presenter import Face, StepPresenter
from wizard.steps.view import PRIMARY, Action, Consent, Row, State, View, lines

if TYPE_CHECKING:
    from wizard.custody.records import KeyRecord
    from wizard.rotation.flow import Flow
    from wizard.rotation.model import Finding
    from wizard.rotation.sub_account_keys import SubAccountKeys
    from wizard.steps.simulated_page import Order

Result = TypeVar("Result")


class ApiPresenter(StepPresenter):
    """A step that the sub-account API can do, where the settings name a sub-account."""

    api_problem: WizardError | None = None
    """Why the last thing that was asked of the API was not done."""

    @property
    def api(self) -> SubAccountKeys | None:
        """The keys of the sub-account; None where a person makes and deletes keys."""
        return self.flow.sub_account

    @property
    def is_api_first(self) -> bool:
        """Whether Enter uses the API: not where Binance just refused that for good."""
        error = self.api_problem
        is_passing = isinstance(error, ExchangeError) and error.kind is not ErrorKind.REFUSED
        return self.api is not None and (error is None or is_passing)

    async def by_api(self, work: Callable[[], Awaitable[Result]], doing: str) -> Result | None:
        """Wait for the API; None where it failed, which the page says then, or was stopped."""

        async def whole() -> Result | None:
            self.api_problem = None
            try:
                return await work()
            except CustodyError:  # the face offers to open the place
                raise
            except WizardError as error:
                self.api_problem = error
                return None

        return await self.face.attempt(whole, doing, deadlines.by_api(self.flow.context.pace))

    def with_problem(self, view: View) -> View:
        """Return a view that says first why the API did not do what was asked of it."""
        if (error := self.api_problem) is None:
            return view
        what, *because = sentences(error.what, error.why)
        fix = sentences(error.advice)
        if isinstance(error, ExchangeError) and error.exchange_code == REFUSED_KEY and self.api:
            fix = (" ".join((*fix, "Or do it by hand.")),)
        return replace(view, state=State.STOP, verdict=what, because=tuple(because), fix=fix)

    async def is_settled(self) -> bool:
        """Settle what an interrupted run left on Binance, and say it; return False where that failed."""
        if self.api is None:
            return False
        settled = await self.by_api(self.api.settle, "Settling what an interrupted run left")
        if settled:
            self.face.note(" ".join(settled), State.LOOK)
        return settled is not None

    async def delete_key(self, consent: Consent, work: Callable[[], Awaitable[Finding]], name: str) -> bool:
        """Delete a key by API, once that is confirmed."""
        if not await self.face.confirm(consent):
            return False
        done = await self.by_api(work, f"Deleting {name} by API")
        if done is not None:
            self.face.note(done.observed)
        return done is not None

    def deleting(self, record: KeyRecord, *further: str, asks_for_key: bool) -> Consent:
        """Ask before a key is deleted by API."""
        email = self.api.settings.email if self.api else ""
        text = " ".join((f"Binance deletes it in the sub-account {email}.", *further, "You cannot undo this."))
        word = record.name.last_four if asks_for_key and record.name.last_four else "delete"
        return Consent(f"Delete {record.name} on Binance?", text, word)


class ApiCredentialsPresenter(ApiPresenter, CredentialsPresenter):
    """Has the master account's key create the key. The page's instructions are the other way."""

    ABOUT: ClassVar[str] = (
        "The wizard has Binance create the key of the sub-account. It signs that with the key of the master account."
        " The private key is made here and stored in {place} first. Nothing is pasted."
        " The list of the new key is read back. Or create the key by hand on Binance's page."
    )

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self._is_by_hand = False
        self._grant: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        """What the new key gets, and what is not known of that."""

    async def begin(self) -> None:
        """Ask what the new key gets; a screen does so while the user reads."""
        if not self.face.is_live:
            await self.by_api(self._ask_grant, "Asking Binance what the new key gets")

    async def watch(self) -> None:
        """Ask what the new key gets."""
        try:
            await self._ask_grant()
        except WizardError as error:
            self.api_problem = error
        self.face.show()

    async def _ask_grant(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        assert self.api is not None  # noqa: S101 - the page is for sub-accounts
        self._grant = await self.api.permissions()
        return self._grant

    async def create(self) -> None:
        """Create the key, once that is confirmed, and go on to the probe; one that this job had made is taken."""
        api, before = self.api, self.flow.credentials.pending
        if api is None or not await self.is_settled():
            return
        if self.flow.credentials.pending == before:
            doing = f"Asking Binance with the key of {api.settings.master.name}"
            if await self.by_api(self._prepare, doing) is None or not await self.face.confirm(self._consent(api)):
                return
        made = await self.by_api(api.create, f"Creating the key in {api.settings.email}")
        if made is not None:
            self.face.note(made.observed)
            await self.advance()

    async def _prepare(self) -> bool:
        assert self.api is not None  # noqa: S101
        await self.api.check_master()
        await self._ask_grant()
        return True

    def _consent(self, api: SubAccountKeys) -> Consent:
        addresses = f"It works from {', '.join(self.whitelist_to_paste.split(','))}."
        if made := api.made:
            return Consent(f"Change the list of {made.name} by API?", addresses, "change")
        text = " ".join(filter(None, (addresses, f"It may do this: {self._may()}.", *self._notes)))
        return Consent(f"Create a key in the sub-account {api.settings.email}?", text, "create")

    async def create_by_hand(self) -> None:
        """Show what to do on Binance's page, and take what is pasted."""
        self._is_by_hand, self.api_problem = True, None
        self.face.show()
        await super().begin()
        if self.face.is_live:
            await super().watch()

    async def back(self) -> None:
        """Go back one step; from the other way, to the API."""
        if not self._is_by_hand:
            await super().back()
            return
        self.forget()
        self._is_by_hand = False
        self.face.show()

    # --- what is shown -------------------------------------------------------------------------

    @property
    def fields(self) -> tuple[Field, ...]:
        """What is pasted: nothing, unless the key is created by hand."""
        return super().fields if self._is_by_hand else ()

    def order(self) -> Order | None:
        """Return the key that is created on the simulated page, by hand."""
        return super().order() if self._is_by_hand else None

    def view(self) -> View:
        """Return what Binance will create, or what to do by hand."""
        if self._is_by_hand or self.api is None:
            return super().view()
        made, pending = self.api.made, self.flow.credentials.pending
        stored = f"{pending.name} is stored already. Another key takes its place." if pending and not made else ""
        is_open = bool(self.api.unsettled) and not made
        lost = "Binance may have created a key already. The wizard looks for it first." if is_open else ""
        by_api = f"Create the key in {self.api.settings.email} by API."
        return self.with_problem(
            View(
                State.LOOK if is_open else State.EMPTY,
                f"Binance has created {made.name}." if made else by_api,
                because=tuple(filter(None, (stored, lost))),
                corner=self.kind.label,
                evidence_title="The new key",
                evidence=(*self._facts(self.api), *lines(*self._notes), *self._changes()),
                actions=tuple(self._api_actions(self.api)),
            )
        )

    def _facts(self, api: SubAccountKeys) -> Iterable[Row]:
        yield Row(("Sub-account", api.settings.email))
        yield Row(("Created with", f"the key of {api.settings.master.name}"))
        yield Row(("Private key", "Ed25519, made here"))
        yield Row(("Whitelist", ", ".join(self.whitelist_to_paste.split(","))))
        yield Row(("Permissions", self._may()))

    def _may(self) -> str:
        if self._grant is None:
            return "not known yet"
        return " · ".join(map(short_label, ("enableReading", *self._grant[0])))

    @property
    def _notes(self) -> tuple[str, ...]:
        by_policy = "The settings of this environment say so: rotation.permissions." * (self.flow.current is None)
        return (by_policy, *(self._grant[1] if self._grant else ()))

    def _api_actions(self, api: SubAccountKeys) -> Iterable[Action]:
        label = f"Keep {api.made.name}" if api.made else "Create the key by API"
        about = "Has Binance create the key, after a question."
        create = Action("create", "a", label, about, self.create)
        about = "Shows what to do on Binance's page, and takes what you paste."
        by_hand = Action("other", "o", "Create it by hand", about, self.create_by_hand)
        first, second = (create, by_hand) if self.is_api_first else (by_hand, create)
        yield replace(first, key=PRIMARY, also=first.key)
        yield second
        if (pending := self.flow.credentials.pending) and not api.made:
            yield Action("keep", "ctrl+k", f"Keep {pending.name}", "Goes on with the stored key.", self.advance)
        yield from self.page_actions("ctrl+o")
        yield self.back_action()


def credentials_presenter(flow: Flow, face: Face) -> CredentialsPresenter:
    """Return the step as the job and the environment need it."""
    if flow.context.rotation.mode is Mode.ADOPT:
        return ImportPresenter(flow, face)
    return (ApiCredentialsPresenter if flow.sub_account else CredentialsPresenter)(flow, face)
