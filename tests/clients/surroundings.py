"""The two processes of a cell: the embedded exchange with its desk, and a stranger's client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PATIENCE = 60.0
"""Seconds for one answer, after which the process is killed; only a hang takes so long."""
PROGRAMS = Path(__file__).parent / "strangers"
CLIENTS_PYTHON = os.environ.get("KEY_WIZARD_CLIENTS_PYTHON", sys.executable)
"""The interpreter that has the clients' packages: they need not agree with those of the wizard."""
TRADER = ["enableReading", "enableSpotAndMarginTrading", "enableFutures"]
HERE, NEIGHBOUR, ELSEWHERE = "203.0.113.42", "203.0.113.77", "198.51.100.7"
"""The public addresses that 127.0.0.1 and 127.0.0.2 have by default, and one that nobody has."""


class Silent(Exception):
    """A process ended or said nothing in time."""


class LineProcess:
    """A child that is spoken with in lines of JSON."""

    def __init__(self, child: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._child, self._errors = child, errors

    def say(self, message: object) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(message).encode() + b"\n")
        self._child.stdin.flush()

    def hear(self) -> Any:
        assert self._child.stdout is not None
        watchdog = threading.Timer(PATIENCE, self._child.kill)
        watchdog.start()
        try:
            line = self._child.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise Silent(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._child.wait(PATIENCE)
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """A proxy of the machine must not stand between the client and loopback."""
    return {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}


@contextmanager
def started(*arguments: str) -> Iterator[LineProcess]:
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=_environment()
        )
        try:
            yield LineProcess(child, errors)
        finally:
            child.kill()
            child.communicate(timeout=PATIENCE)


class Exchange:
    """A running `key-wizard exchange` and what is done at its desk."""

    def __init__(self, first_line: dict[str, str], client: httpx.Client) -> None:
        self.base_url, self.ws_url = first_line["base_url"], first_line["ws_url"]
        self._simulated_page, self._client = first_line["desk_url"], client

    def new_key(self, kind: str, whitelist: str = HERE) -> dict[str, Any]:
        """Make a key at the desk and return what a client needs to log in with it."""
        private, public = (None, None) if kind == "hmac" else key_pair(kind, "own")
        made = self.register(kind, public, whitelist)
        return self.login(kind, made["api_key"], private or made["secret"])

    def register(self, kind: str, public_key: str | None, whitelist: str = HERE) -> dict[str, str]:
        """Make a key at the desk and return its `api_key` and, for HMAC, its `secret`."""
        form = {"label": "stranger", "kind": kind, "permissions": TRADER, "whitelist": whitelist}
        made: dict[str, str] = self._ask("POST", "/keys", {**form, "public_key": public_key})
        return made

    def login(self, kind: str, api_key: str, secret: str) -> dict[str, Any]:
        """Return a login with these credentials."""
        place = {"base_url": self.base_url, "ws_url": self.ws_url, "source": None}
        return {**place, "kind": kind, "api_key": api_key, "secret": secret}

    def open_sub_account(self, email: str) -> None:
        """Open a sub-account of the master account, whose keys name no account."""
        self._ask("POST", "/sub-accounts", {"email": email})

    def delete(self, login: dict[str, Any]) -> None:
        self._ask("DELETE", f"/keys/{login['api_key']}")

    def set_clock(self, milliseconds_ahead: int) -> None:
        self._ask("PUT", "/faults", {"clock_offset_ms": milliseconds_ahead})

    def methods_of(self, login: dict[str, Any]) -> list[tuple[str, str, int]]:
        """Return method, path and status of what was asked with this login's key."""
        entries = [entry for entry in self._ask("GET", "/log") if entry["api_key"] == login["api_key"]]
        return [(entry["method"], entry["path"], entry["status"]) for entry in entries]

    def log_of(self, login: dict[str, Any]) -> list[tuple[str, int, int]]:
        """Return path, status and code of what was asked with this login's key."""
        entries = [entry for entry in self._ask("GET", "/log") if entry["api_key"] == login["api_key"]]
        return [(entry["path"], entry["status"], entry["code"]) for entry in entries]

    def _ask(self, method: str, path: str, form: object = None) -> Any:
        answer = self._client.request(method, self._simulated_page + path, json=form)
        assert answer.is_success, answer.text
        return answer.json()


@cache
def key_pair(kind: str, _name: str) -> tuple[str, str]:
    """Return a private key as PKCS#8 and its public half, the same for the same name."""
    private = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), public.decode()


class Stranger:
    """A client's package at work in a process of its own."""

    def __init__(self, process: LineProcess, version: str) -> None:
        self._process = process
        self.version = version

    def ask(self, call: str, login: dict[str, Any]) -> dict[str, Any]:
        """Make one call and return `result`, or `error` with `status` and `code`, and the client's `complaints`."""
        self._process.say({"call": call, **login})
        answer: dict[str, Any] = self._process.hear()
        assert "failure" not in answer, answer["failure"]
        return answer
