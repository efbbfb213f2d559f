"""Each secret, pasted and typed on every page into right and wrong fields, is nowhere; neither where the page crashes.

The pages are those of the pictures. `pytest -m whole -s` prints a row for each.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import random
import string
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from textual import events
from textual.app import ScreenStackError
from textual.css.query import NoMatches
from textual.worker import WorkerFailed

from screenshots.shots import SHOTS
from screenshots.stagehand import Shot, Stagehand, on_stage
from tests.canaries import Canaries
from tests.tiers import whole
from wizard.core.secret import Secret
from wizard.exchange.signing import generate_ed25519, read_private_key
from wizard.tui.widgets.form_fields import LineInput
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField

_RANDOM = random.Random(11)
PASSPHRASE = "wq3-orchid-Zk7"
PEM = generate_ed25519().private_pem.reveal()


_SEALED = read_private_key(Secret(PEM)).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode())
)
SECRETS = {
    "API key": "".join(_RANDOM.choices(string.ascii_letters + string.digits, k=64)),
    "secret": "".join(_RANDOM.choices(string.ascii_letters + string.digits, k=64)),
    "hexadecimal": "".join(_RANDOM.choices("0123456789abcdef", k=64)),
    "PEM": PEM,
    "encrypted PEM": _SEALED.decode(),
}
HIDDEN = {**SECRETS, "passphrase": PASSPHRASE}
"""What hidden fields are given. Where all is shown nobody can know that a passphrase is none of the words there."""
CANARIES = Canaries(HIDDEN)


class User:
    """Gives a page all secrets in each way. `looks` finds them in the picture after each of them."""

    def __init__(self, hand: Stagehand, *, looks: bool = True) -> None:
        self.hand, self.app, self.found, self.ways = hand, hand.app, list[str](), Counter[str]()
        self._looks = looks

    @property
    def has_ended(self) -> bool:
        """Whether a letter that was no longer taken by a field has quit, or the app has crashed."""
        return self.app._exit or self.app._exception is not None

    async def look(self, way: str) -> None:
        await self.hand._pilot.pause(0.02)
        self.ways[way] += 1
        looks = self._looks and not self.has_ended
        self.found += [f"{way}: {each}" for each in (CANARIES.found(self.hand.picture()) if looks else ())]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))

    def focus(self, number: int) -> bool:
        """Go to a hidden field; return whether there are so many."""
        fields = [] if self.has_ended else [each for each in self.app.screen.query(SecretField) if each.display]
        if number < len(fields):
            fields[number].focus()
        return number < len(fields)

    async def steps(self) -> AsyncIterator[None]:
        """One act after the other."""
        for text in SECRETS.values():
            self.app.post_message(events.Paste(text))
            yield await self.look("pasted in sight")
        for number in (2, 1, 0):
            for text in HIDDEN.values() if self.focus(number) else ():
                self.focus(number)
                self.press("ctrl+u", *(("enter" if each == "\n" else each) for each in text))
                yield await self.look("typed")
        for number in (0, 1, 2, 0):
            for text in HIDDEN.values():
                if self.focus(number):
                    self.app.post_message(events.Paste(text))
                    yield await self.look("pasted")
                    self.press("enter")
                    yield await self.look("entered")
        for field in self.app.screen.query(LineInput):
            field.focus()
            self.app.post_message(events.Paste(SECRETS["secret"]))
            yield await self.look("pasted in sight")
        for key in ("pagedown", "tab", "down", "f1", "escape", "ctrl+l", "ctrl+q", "escape", "escape"):
            self.press(key)
            yield await self.look("afterwards")
        await self.hand.resize(60, 20)
        yield await self.look("afterwards")
        self.app.go_home()
        yield await self.look("afterwards")


def shots(*short: str) -> list[Any]:
    return [pytest.param(each, id=each.name, marks=[] if each.name in short else pytest.mark.whole) for each in SHOTS]


@pytest.mark.parametrize("shot", shots("private-key", "whitelist-edit"))
async def test_no_secret_is_drawn_or_kept_whichever_page_is_given_it(
    shot: Shot, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with on_stage(shot) as hand:
        user = User(hand)
        # The control, here and below: what is drawn, printed and logged is found.
        for notice in hand.app.screen.query(Notice):
            notice.note(SECRETS["API key"][:8])
            await hand.until(SECRETS["API key"][:8])
            assert CANARIES.found(hand.picture())
            notice.clear()
        async for _ in user.steps():
            if user.has_ended:
                break
        kept = CANARIES.in_files(hand.world.paths.state.parent)
    said = CANARIES.found("".join(capfd.readouterr()) + caplog.text)
    os.write(2, SECRETS["API key"][:8].encode())
    logging.getLogger("wizard").debug(SECRETS["secret"][:8])
    assert {each[:6] for each in CANARIES.found("".join(capfd.readouterr()) + caplog.text)} == {"API ke", "secret"}
    with capfd.disabled():
        print(f"{shot.name:<24} {dict(user.ways)} found {len(user.found + said) + len(kept)}")
    assert (user.found, kept, said) == ([], {}, [])


TOURS = (
    "home",
    "hosts-ready",
    "whitelist-edit",
    "credentials-hmac",
    "private-key",
    "simulated-page",
    "probe",
    "retire",
)


SHARES = 4
"""Of each tour."""


class Fault:
    """Raises in the function of this name, or notes which are called, from the moment at which the page stands."""

    def __init__(self, name: str = "") -> None:
        self.name, self.called, self._user = name, dict[str, None](), asyncio.current_task()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not any(part in code.co_filename for part in ("/wizard/tui/", "/wizard/steps/")):
            return
        name = code.co_qualname
        # In the task of the user it is the test that would end.
        if asyncio.current_task() is self._user or not code.co_flags & inspect.CO_OPTIMIZED or name.endswith("comp>"):
            return
        self.called[name] = None
        if name == self.name:
            plain = {"secret": [SECRETS["secret"]], "PEM": PEM}
            raise RuntimeError(f"{name} has {plain}") from ValueError(PASSPHRASE)


async def crash(tour: str, name: str = "") -> tuple[Fault, bool]:
    """Go on a tour, with a fault in the function of this name; return whether it crashed, and no file has a secret."""
    (shot,) = (each for each in SHOTS if each.name == tour)
    fault, kept, has_crashed = Fault(name), dict[str, list[str]](), False
    # The one of the fault, which a pilot raises again, or what the user's next act meets when the app has quit.
    with suppress(RuntimeError, WorkerFailed, NoMatches, ScreenStackError):
        async with asyncio.timeout(60), on_stage(shot) as hand:
            user = User(hand, looks=False)
            sys.setprofile(fault)
            try:
                async for _ in user.steps():
                    has_crashed = hand.app._exception is not None
                    if user.has_ended:
                        break
            finally:
                sys.setprofile(None)
                kept = CANARIES.in_files(hand.world.paths.state.parent)
    assert kept == {}
    return fault, has_crashed


async def crashes(tour: str, names: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    wrong, ended, missed = [], 0, 0
    for name in names:
        fault, has_crashed = await crash(tour, name)
        out, err = capfd.readouterr()
        ended += has_crashed
        wrong += [f"{name}: {each}" for each in CANARIES.found(out + err)]
        # What the end of the app meets then may be told as well.
        if has_crashed and not ("Internal error" in err and "Caused by: ValueError" in err):
            wrong.append(f"{name}: {err}")
        missed += name not in fault.called
    with capfd.disabled():
        row = f"{len(names):>3} functions fail, {ended:>3} end the app, {missed} not called, found {len(wrong)}"
        print(f"{tour:<24} {row}")
    assert wrong == []
    assert missed <= 1 + len(names) // 10  # what is done once in a process, or depends on how fast it is
    assert ended or not names


HANDLERS = (
    "SecretField.on_paste",
    "FormScreen._try",
    "CredentialsPresenter._import_private_key",
)


async def test_a_handler_or_a_worker_that_fails_with_the_secrets_shows_none(capfd: pytest.CaptureFixture[str]) -> None:
    await crashes("private-key", [*HANDLERS], capfd)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what a crash kept from beginning
@pytest.mark.parametrize("share", whole(*range(len(TOURS) * SHARES)))
async def test_every_function_of_screens_and_pages_fails_with_the_secrets(
    share: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each where the first tour comes to it that does."""
    seen, names = dict[str, None](), list[str]()
    for tour in TOURS[: share // SHARES + 1]:
        fault, _ = await crash(tour)
        names = [name for name in fault.called if name not in seen]
        seen |= fault.called
    await crashes(TOURS[share // SHARES], names[share % SHARES :: SHARES], capfd)
