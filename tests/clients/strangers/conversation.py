"""What the programs in this folder have in common: one question a line on standard input, one answer a line.

Each of them runs in a process of its own and knows nothing but one package from the index, so what is
judged is that package, with its own warnings and its own versions. No secret stands in its arguments.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter


@dataclass(frozen=True)
class Login:
    """Where a client calls, and as whom."""

    base_url: str
    ws_url: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    """The HMAC secret, or the private key as PEM."""
    kind: str
    source: str | None
    """The local address to call from."""
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The arguments of the call."""

    @property
    def hmac_secret(self) -> str | None:
        return self.secret if self.kind == "hmac" else None

    @property
    def private_key(self) -> str | None:
        return None if self.kind == "hmac" else self.secret


@dataclass(frozen=True)
class Refusal:
    """A refusal as the client reports it; what it does not report is None."""

    status: int | None
    code: int | None


class HandedOut(Exception):
    """A refusal over the WebSocket API that a client hands out as data; it has no exception for it."""

    def __init__(self, status: int | None, code: int) -> None:
        self.refusal = Refusal(status, code)


Call = Callable[[Login], Any]
"""Returns what the client returned, as JSON."""
Report = Callable[[Exception], Refusal | None]
"""Returns None for an exception that is not a refusal by the exchange."""


class _FromAddress(HTTPAdapter):
    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self._source, 0), **options)


def call_from(session: Session, login: Login) -> None:
    """Make `session` call from the login's local address, where it names one."""
    if login.source:
        session.mount("http://", _FromAddress(login.source))


class _Complaints(logging.Handler):
    """Collects what a client warns of: the SDK only warns when an answer has not the shape that it knows."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def take(self) -> list[str]:
        taken, self.texts = self.texts, []
        return taken


def converse(package: str, calls: Mapping[str, Call], report: Report) -> None:
    """Say which version of `package` this is, then answer questions until standard input ends."""
    warnings.simplefilter("ignore")
    complaints = _Complaints()
    logging.getLogger().addHandler(complaints)
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"version": version(package), "calls": sorted(calls)}), file=answers, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        answer = _answer(calls[question.pop("call")], Login(**question), report)
        print(json.dumps({**answer, "complaints": complaints.take()}), file=answers, flush=True)


def _answer(call: Call, login: Login, report: Report) -> dict[str, Any]:
    try:
        return {"result": call(login)}
    except Exception as error:
        refusal = error.refusal if isinstance(error, HandedOut) else report(error)
        if refusal is None:
            return {"failure": traceback.format_exc(limit=-6)}
        return {"error": type(error).__name__, "status": refusal.status, "code": refusal.code}
