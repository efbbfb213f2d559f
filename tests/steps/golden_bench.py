"""An exchange, a clock and keys that are the same in every run, and what happens there, as the golden files name it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from screenshots.scene import FOREVER, Line, PictureKeyring, StillStopwatch
from screenshots.stagehand import KEY_PAGE
from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.rotation.sub_account_lab import DAY, SimulatedClock
from tests.rotation.test_sub_account_keys import EMAIL, Account
from tests.steps.face import FakeFace
from wizard.commands.rotate import _lines
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Bot, Paths
from wizard.core.targets import Target
from wizard.core.unattended import RotationPolicy
from wizard.rehearsal.simulated_page import NewKey, SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation import opening
from wizard.rotation.context import Pace
from wizard.rotation.delivery import DELIVERY
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step
from wizard.rotation.report import Report
from wizard.rotation.unattended import RunStep, UnattendedRun
from wizard.steps.probe import ProbePresenter
from wizard.steps.retire import RetirePresenter
from wizard.steps.summary import SummaryPresenter
from wizard.whitelist.entries import parse

POLICY = RotationPolicy(every=30 * DAY, allowed=(IPv4Network("203.0.113.0/24"),), grace=0.0)
PACE = Pace(call=20.0, egress=20.0, between_passes=0.0, listing=0.2, patience=20.0)
BOTS = (Bot("a", ("/bin/true",)), Bot("b", ("/bin/sh", "-c", "echo Unit b.service not found.; exit 5")))
TARGETS = tuple(Target(f"bot-{number}", f"bot-{number}", "/run/bot/binance.json") for number in range(4))
NO_SSH = {"PATH": "/nonexistent"}


@dataclass
class Bench(World):
    """One state in the making."""

    extra: dict[str, Any] = field(default_factory=dict)
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(1_791_823_101.0))
    """41 d before 2026-11-22 16:38:21 UTC."""
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)
    answers: dict[tuple[str, str], Response] = field(default_factory=dict)
    keys: dict[str, NewKey] = field(default_factory=dict)
    """By what the files call them: `old`, `new` and `unused`."""
    exchange: EmbeddedExchange = field(init=False)
    line: Line = field(init=False)
    open: Flow = field(init=False)
    page: Any = None
    said: list[str] = field(default_factory=list)
    """What a run without a person said."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as was recorded, else as the exchange does."""
        key, path = dict(scope.get("headers", ())).get(b"x-mbx-apikey", b"").decode(), scope.get("path", "")
        found = (one for (whose, begin), one in self.answers.items() if path.startswith(begin) and whose in ("", key))
        await (next(found, self.line) if scope["type"] == "http" else self.line)(scope, receive, send)

    def answer(self, whose: str, body: Any, status: int = 200, path: str = "/sapi/v1/account/", **headers: str) -> None:
        """Record an answer to a key or, where `whose` is empty, to any: a text as HTML, all else as JSON."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        made = Response(body, status, named) if isinstance(body, str) else JSONResponse(body, status, named)
        self.answers[self.keys[whose].api_key.reveal() if whose else "", path] = made

    def refuse(self, whose: str, code: int, status: int = 400, text: str = "", **more: str) -> None:
        said = text or "Invalid API-key, IP, or permissions for action."
        self.answer(whose, {"code": code, "msg": said}, status, **more)

    def shows(self, where: str, *recorded: Any) -> None:
        """Have a function of the program come to what was recorded, one observation or several."""

        async def look(*_: object, on_result: Callable[[Any], object] | None = None, **__: object) -> Any:
            return [on_result(one) or one for one in recorded] if on_result else recorded[0]

        self.patch.setattr(f"wizard.rotation.{where}", look)

    def moved(self) -> None:
        """Have another public address, which the list of a master account's key has."""
        self.clock.now += 300
        self.exchange.state.nat = {"127.0.0.1": ELSEWHERE}
        for value, key in self.exchange.state.keys.items():
            if key.label == "master":
                self.exchange.state.keys[value] = replace(key, whitelist=tuple(map(IPv4Network, (HERE, ELSEWHERE))))

    def saves(self, whose: str, **changes: Any) -> None:
        """Have a key be another one on the exchange's page."""
        value, keys = self.keys[whose].api_key.reveal(), self.exchange.state.keys
        if whitelist := changes.get("whitelist"):
            changes["whitelist"] = tuple(map(IPv4Network, whitelist.split(",")))
        keys[value] = replace(keys[value], **changes)

    async def delete(self, *whose: str) -> None:
        for one in whose:
            await self.simulated_page.delete(self.keys[one].api_key)

    async def in_use(self, **permissions: bool) -> None:
        """Have a key in use that is 41 d old, of a sub-account where the settings say so."""
        if self.extra.get("email"):
            self.simulated_page = SimulatedPage(self.simulated_page._url, EMAIL)
            await Account(self).open(self.open, "")
        self.keys["old"] = await self.put_key_in_use(self.open, HERE, **permissions)
        self.clock.now += 41 * DAY

    async def walk(self, mode: Mode = Mode.ROTATE, keeps: bool = False, composed: str = "", **new: Any) -> None:
        """Walk a job as far as its Probe. `keeps` says that a leaked key is not deleted; see `enter` for `new`."""
        await self.open.begin(mode)
        while (step := self.open.step) is not Step.PROBE:
            if step is Step.DELETE:
                await self.open.delete.ask()
                await self.delete(*[] if keeps else ["old"])
                await self.open.delete.ask()
            elif step is Step.EGRESS:
                await self.open.egress.detect()
            elif step is Step.WHITELIST:
                self.open.whitelist.settle(parse(composed) if composed else self.open.whitelist.proposal())
            elif step is Step.CREDENTIALS:
                await self.enter(**new)
                break
            self.open.advance(step)

    async def enter(self, whitelist: str = HERE, is_swapped: bool = False, **other: Any) -> None:
        """Enter a new key with this list and these permissions; `api_key` and `secret` are what is pasted for it."""
        typed = {name: Secret(other.pop(name)) for name in ("api_key", "secret") if name in other}
        made = self.keys["new"] = await self.make_key(whitelist, **other)
        new = NewKey(made.secret, made.api_key) if is_swapped else replace(made, **typed)
        await self.open.credentials.store(Credentials(KeyKind.HMAC, new.api_key, new.secret))
        self.open.advance(Step.CREDENTIALS)

    async def probe(self, begins: bool = True) -> None:
        self.page = ProbePresenter(self.open, FakeFace())
        await (self.page.begin() if begins else self.clock.pause(0))

    async def switch(self) -> None:
        report = await self.open.complete(await self.open.probe.run())
        self.page = self._summary(report) if report else RetirePresenter(self.open, FakeFace())

    def retires(self) -> None:
        self.page = RetirePresenter(self.open, FakeFace())

    def _summary(self, report: Report) -> SummaryPresenter:
        return SummaryPresenter(report, FakeFace(), begin=self.open.begin)

    async def press(self, action: str, *item: str) -> None:
        """Run an action of the page; every question is answered with its word."""

        async def confirm(consent: Any) -> str:
            return str(consent.word)

        self.page.face.confirm = confirm
        with suppress(WizardError):
            await getattr(self.page, action)(*item)
        self.page = self._summary(report) if (report := self.page.face.report) else self.page

    def delivered(self, number: int, stage: str, trouble: str = "") -> None:
        """Have a delivery have come so far."""
        target, key = self.targets[number], self.open.current
        assert key
        said = {"target": [target.name, target.place, ""], "fingerprint": key.name.fingerprint, "stage": stage}
        about = {"environment": "production", **said, "trouble": trouble}
        self.open.context.journal.record(None, DELIVERY, about)

    async def unattended(self) -> None:
        """Let a run without a person do what is due."""
        steps: list[RunStep] = []
        result = await UnattendedRun(self.open, False, False, True, steps.append).run()
        self.said = [f"production: {step.name}, {step.outcome}. {step.observed}" for step in steps]
        self.said += [*_lines(result), f"exit {result.exit.value}"]


@asynccontextmanager
async def bench(path: Path, **extra: Any) -> AsyncIterator[Bench]:
    """Serve an exchange with the keys of every run, and open an environment with these settings on it."""
    paths, store = Paths(path / "c", path / "s"), PictureKeyring()
    made: Any = Bench("", SimulatedPage(""), paths, store, name="binance.com", extra=extra)  # type: ignore[arg-type]
    made.exchange = EmbeddedExchange(clock=made.clock, seed=42, passes_after=0.0)
    made.line = Line(made.exchange)
    made.line.delays = {"/echo/json": FOREVER}  # two operators are enough, always the same ones
    for name in extra.keys() & {"hosts", "bots", "targets", "environ", "has_sapi"}:
        setattr(made, name, extra[name])
    changes = {key: value for key, value in extra.items() if key in {"uses_futures", "policy", "rotation"}}

    def open_flow(environment: Any, *given: Any, **named: Any) -> Any:
        site = replace(environment.site, key_page=KEY_PAGE)
        return opening.open_flow(replace(environment, site=site, **changes), *given, **named)

    times: dict[str, Any] = {"clock": made.clock, "pause": made.clock.pause, "stopwatch": StillStopwatch()}
    with made.patch.context() as made.patch:
        made.patch.setattr("tests.rotation.conftest.open_flow", open_flow)
        async with serve(made) as addresses:
            made.base_url, made.simulated_page = addresses.base_url, SimulatedPage(addresses.desk_url)
            email = extra.get("email", "")
            async with made.flow(name="production", email=email, pace=PACE, policy=POLICY, **times) as made.open:
                yield made
