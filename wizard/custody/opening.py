"""Open the operating system's keyring, or say exactly why not.

Invariant: `open_keyring` returns a store only for a backend on the list of secure ones, and for a Secret
Service only while it is ready. There is no other way in and nothing weaker to fall back to.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Final

from wizard.custody.backends import Judgement, Verdict, judge
from wizard.custody.child import DEADLINE, Child
from wizard.custody.errors import CustodyError, Remedy, WrongPassword
from wizard.custody.explain import failure, service
from wizard.custody.passwords import expect_understood, visible
from wizard.custody.remedies import Service, refused_backend, unusable_backend, unusable_service
from wizard.custody.report import Choice, KeyringReport
from wizard.custody.session_bus import unnamed_bus
from wizard.custody.store import KeyringStore
from wizard.custody.worker.protocol import BUS_VARIABLE, SECRET_SERVICE_BACKENDS, Code, Op, Origin, State
from wizard.secret import Secret

OPERATIONS: Final = {Remedy.UNLOCK: Op.UNLOCK, Remedy.CREATE: Op.CREATE}
"""What a typed password can do about GNOME keyring."""


async def open_keyring(*, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ) -> KeyringStore:
    """Return the store that is the operating system's keyring.

    Args:
        deadline: Seconds for each keyring operation, these first ones included.
        environ: The environment that names the session bus and the keyring.

    Raises:
        KeyringUnusable: there is none that secrets may be trusted to, with the remedy.
        CustodyError: the questions were not answered.
    """
    report = await describe_keyring(deadline=deadline, environ=environ)
    if isinstance(report.outcome, CustodyError):
        raise report.outcome
    return KeyringStore(report.outcome.backend, report.label, deadline=deadline, environ=report.environ)


async def describe_keyring(*, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ) -> KeyringReport:
    """Return what is known about the keyring, without writing to it and without a prompt.

    A keyring that cannot be used raises nothing here: it is the report's `problem`.
    """
    found_bus = unnamed_bus(environ)
    used = {**environ, BUS_VARIABLE: found_bus} if found_bus else dict(environ)
    child = Child(used, deadline)
    choice, secret_service = await asyncio.gather(_ask_choice(child), _ask_service(child))
    return KeyringReport(
        outcome=_outcome(choice, secret_service),
        choice=choice if isinstance(choice, Choice) else None,
        service=secret_service if isinstance(secret_service, Service) else None,
        found_bus=found_bus,
        environ=used,
    )


async def unlock_keyring(
    password: Secret, remedy: Remedy, *, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ
) -> None:
    """Unlock GNOME keyring's default collection, or create one.

    Args:
        password: The collection's; the caller wipes it.
        remedy: One that `OPERATIONS` has.
        deadline: Seconds.
        environ: The environment that names the session bus.

    Raises:
        WrongPassword: it is another one; any number of tries lock nothing up. Or it is no password at all.
        NotUnderstood: a part of a new one was lost on the way.
        CustodyError: it failed.
    """
    if not visible(password):
        raise WrongPassword(
            "A keyring is not opened with an empty password",
            why="GNOME keyring takes an empty password to mean that the file is not encrypted at all.",
            advice="Choose a password, and type one that can be seen: blanks alone are none.",
        )
    if remedy is not Remedy.UNLOCK:
        expect_understood(password)
    found_bus = unnamed_bus(environ)
    child = Child({**environ, BUS_VARIABLE: found_bus} if found_bus else environ, deadline)
    operation = OPERATIONS[remedy]
    answer = await child.call(operation, value=password)
    if answer.code != Code.OK:
        raise failure(operation, answer)


async def _ask_choice(child: Child) -> Choice | CustodyError:
    try:
        answer = await child.call(Op.CHOICE)
    except CustodyError as error:
        return error
    if answer.code != Code.OK:
        return failure(Op.CHOICE, answer)
    facts = answer.facts
    return Choice(Origin(facts["origin"]), facts["place"], tuple(map(judge, facts["leaves"])), facts["fault"])


async def _ask_service(child: Child) -> Service | CustodyError | None:
    if sys.platform in {"darwin", "win32"}:
        return None
    try:
        answer = await child.call(Op.STATE)
    except CustodyError as error:
        return error
    if answer.code != Code.OK:
        return failure(Op.STATE, answer)
    return service(answer.facts, child.environ.get(BUS_VARIABLE, ""))


def _outcome(choice: Choice | CustodyError, found: Service | CustodyError | None) -> Judgement | CustodyError:
    """Return the backend to use, or what the user should mend first.

    A backend that somebody named and that is refused comes before the state of the Secret Service; that
    state comes before a backend that the library would fall back to only because of it.
    """
    if isinstance(choice, CustodyError):
        return _service_problem(found) or choice
    pinned = choice.pinned
    if pinned is None:
        is_named = choice.origin is not Origin.PRIORITY and choice.backends
        problem = None if is_named else _service_problem(found)
        return problem or _refusal(choice)
    if pinned.backend in SECRET_SERVICE_BACKENDS and (problem := _service_problem(found)):
        return problem
    return unusable_backend(pinned, choice.origin, choice.place, choice.fault) if choice.fault else pinned


def _service_problem(found: Service | CustodyError | None) -> CustodyError | None:
    if isinstance(found, Service):
        return None if found.state is State.READY else unusable_service(found)
    return found


def _refusal(choice: Choice) -> CustodyError:
    none_at_all = Judgement("", Verdict.FAIL, "there is none")
    return refused_backend(choice.backends[0] if choice.backends else none_at_all, choice.origin, choice.place)
