"""The Delete page of a key that has leaked: what stops, what to delete where, and whether Binance still accepts it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from wizard.core.clock import utc
from wizard.core.errors import WizardError
from wizard.exchange.diagnosis import UNKNOWN_KEY
from wizard.rotation.model import Step
from wizard.steps import deadlines
from wizard.steps.by_api import ApiPresenter
from wizard.steps.presenter import Face
from wizard.steps.view import PRIMARY, Action, Row, State, View, lines

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow

REFUSED = "Binance refuses {}. The proof follows with the new key."


class DeletePresenter(ApiPresenter):
    """Watches the leaked key while the user deletes it on Binance. Only a sub-account's is deleted from here."""

    STEP = Step.DELETE
    TITLE = "Delete the leaked key on Binance"
    ABOUT: ClassVar[str] = (
        "Whoever copied the key can use it until you delete it on Binance. Delete it first, then make a new one."
        " The wizard asks with the key every few seconds whether Binance still accepts it."
        " It is proven dead at the end, when the new key is accepted and this one is not."
        " Its stored secret stays in {place} until then."
    )

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self._problem: WizardError | None = None
        leaked = flow.delete.leaked
        self._name = str(leaked.name) if leaked else "the key"

    async def begin(self) -> None:
        """Ask once, while it still works: its death is proven by that later. A screen does so while the user reads."""
        if not self.face.is_live:
            await self.ask()

    async def watch(self) -> None:
        """Ask until Binance refuses the key."""
        await self._ask()
        while not self._is_refused:
            await self.flow.delete.wait()
            await self._ask()

    async def ask(self) -> None:
        """Ask with the key now."""
        at_most = deadlines.poll(self.flow.context.pace, unused=0)
        await self.face.attempt(self._ask, f"Asking Binance with {self._name}", at_most)

    async def _ask(self) -> None:
        self._problem = None
        try:
            await self.flow.delete.ask()
        except WizardError as error:
            self._problem = error
            raise
        finally:
            self.face.show()

    async def delete_by_api(self) -> None:
        """Delete the leaked key by API, once its last four are typed."""
        leaked = self.flow.delete.leaked
        if self.api and leaked:
            consent = self.deleting(leaked, f"{self._stops}.", asks_for_key=True)
            if await self.delete_key(consent, self.api.delete_leaked, self._name):
                await self.ask()

    @property
    def _stops(self) -> str:
        bots = " and ".join(bot.name for bot in self.flow.context.environment.bots)
        return f"{bots or 'Your bots'} cannot work without it until the new key is there"

    @property
    def _is_refused(self) -> bool:
        answers = self.flow.delete.answers()
        return bool(answers) and answers[-1].detail["code"] is not None

    def view(self) -> View:
        """Return what Binance said last, what stops, and what to delete where."""
        state, verdict, because = self._judged()
        environment, name = self.flow.context.environment, self._name
        where = self.where("Open API Management on Binance.").removeprefix("https://www.")  # whole in 60 columns
        to_do = lines(f"1  {where}", f"2  Delete {name}, and no other key.", "3  Confirm with 2FA.")
        watching = "Watching" if self._is_refused else "Or by hand" if self.api else "What to do"
        view = View(
            state,
            verdict,
            because=(*because, f"{self._stops}, nor can commands under key-wizard exec {environment.name}."),
            evidence_title=watching,
            evidence=(*(() if self._is_refused else to_do), *self._answered()),
            not_proven=f"that {name} is dead, as there is no other key to compare with" * self._is_refused,
            actions=self._actions(),
        )
        return view if self._is_refused else self.with_problem(view)

    def _judged(self) -> tuple[State, str, tuple[str, ...]]:
        answers, name = self.flow.delete.answers(), self._name
        if self._problem:
            return State.UNSURE, f"Delete {name} on Binance now.", self._problem.sentences()
        if not answers:
            return State.EMPTY, f"Delete {name} on Binance now.", ()
        newest = answers[-1].detail
        said = (f"{str(newest['said']).rstrip('.')}.",)
        if newest["accepted"]:
            return State.STOP, f"{name} still works. Delete it on Binance now.", ("Whoever copied it can use it.",)
        if not self._is_refused:
            return State.UNSURE, f"Delete {name} on Binance now. Binance gave no clear answer.", said
        if newest["code"] != UNKNOWN_KEY and not self.flow.delete.was_accepted:
            doubt = "It did not work from here before either. Check that Binance's page does not list it."
            return State.LOOK, f"Binance refuses {name}.", (doubt,)
        return State.GOOD, REFUSED.format(name), ()

    def _answered(self) -> tuple[Row, ...]:
        answers = self.flow.delete.answers()
        if not answers:
            return ()
        newest = answers[-1].detail
        if newest["accepted"]:
            state, said = State.LOOK, "still accepts {}"
        elif newest["code"] is None:
            state, said = State.UNSURE, "gave no clear answer to {}"
        else:
            state, said = State.GOOD, f"refuses {{}} ({newest['code']})"
        return (Row((f"Binance {said.format(self._name)}, asked at {utc(answers[-1].at)[11:]}.",), state),)

    def _actions(self) -> tuple[Action, ...]:
        ask = Action("ask", "r", "Ask now", f"Asks Binance with {self._name}.", self.ask)
        go_on = Action("continue", PRIMARY, "Continue", "Goes on to the new key.", self.advance)
        about = f"Goes on to the new key, while {self._name} may still work."
        skip = Action("skip", "e", "Go on anyway", about, self.advance)
        about = f"Deletes {self._name} on Binance, after a question."
        delete = Action("delete-key", "d", f"Delete {self._name} by API", about, self.delete_by_api)
        first = [go_on, ask] if self._is_refused else [replace(ask, key=PRIMARY, also="r"), skip]
        if self.api and not self._is_refused:
            first = [replace(delete, key=PRIMARY, also="d"), ask, skip] if self.is_api_first else [*first, delete]
        return (*first, *self.page_actions(), self.back_action())
