"""Secrets that a test gives the program, and the search for any eight characters of them, however they are written."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

WINDOW = 8
_BASE64 = 10
"""Characters of base64 that any eight bytes fix, wherever they begin."""
_GRAM = 4
_TOLD = 9
_PIECE, _OVERLAP = 1 << 20, 64
_FRAME = re.compile(r"-----[A-Z ]+-----|\s")
_SEALED = 60
"""Characters at the end of an encrypted Ed25519 key, before which its algorithms stand."""
_OF_ANYBODY = b"".join(
    base64.b64encode(bytes.fromhex(one)) for one in ("302e020100300506032b657004220420", "302a300506032b6570032100")
).decode()
"""How each private and each public Ed25519 key begins."""


class Canaries:
    """Finds these secrets in text and bytes, in files and in what is seen of processes.

    A PEM counts by its body, and by the bytes that this stands for. What its public half has too is no secret.
    """

    def __init__(self, secrets: Mapping[str, str], window: int = WINDOW) -> None:
        self.names = tuple(secrets)
        self._window = window
        self._short: dict[bytes, str] = {}
        self._by_gram: dict[int, dict[bytes, str]] = {}
        for name, text in secrets.items():
            for pattern in self._patterns(text):
                if len(pattern) < 2 * _GRAM - 1:
                    self._short[pattern] = name
                for at in range(_GRAM if len(pattern) >= 2 * _GRAM - 1 else 0):
                    gram = int.from_bytes(pattern[at : at + _GRAM], "little")
                    self._by_gram.setdefault(gram, {})[pattern] = name

    def found(self, data: bytes | str) -> list[str]:
        """Return what of the secrets stands in `data`, each with the name of its secret."""
        read = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        hits = {one for at in range(0, len(read), _PIECE) for one in self._in_piece(read[at : at + _PIECE + _OVERLAP])}
        return sorted(hits)[:_TOLD]

    def _in_piece(self, read: bytes) -> Iterator[str]:
        # Each pattern has a gram at a place that is a multiple of its length.
        grams = set(memoryview(read[: len(read) // _GRAM * _GRAM]).cast("I"))
        for each in (self._short, *(self._by_gram[gram] for gram in grams & self._by_gram.keys())):
            yield from (f"{name}: {shown!r}" for shown, name in each.items() if shown in read)

    def in_files(self, *places: Path, but: Collection[Path] = ()) -> dict[str, list[str]]:
        """Return the files below these places that hold some of the secrets, in bytes or name, each with what."""
        found: dict[str, list[str]] = {}
        for each in files(*places):
            with suppress(OSError):  # it is gone by now
                data = each.read_bytes() if each not in but else b""
                if hits := self.found(data + b"\n" + str(each).encode("utf-8", "surrogateescape")):
                    found[str(each)] = hits
        return found

    def _patterns(self, secret: str) -> Iterator[bytes]:
        text, public = secret, _OF_ANYBODY
        if "-----BEGIN" in secret:
            text = _FRAME.sub("", secret)
        if "-----BEGIN ENCRYPTED" in secret:
            text = text[-_SEALED:]
        elif "-----BEGIN" in secret:
            der = b""
            with suppress(ValueError):  # a frame alone has no public half
                half = load_der_private_key(base64.b64decode(text), None).public_key()
                der = half.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            public += base64.b64encode(der).decode()
            known, bare = der + base64.b64decode(_OF_ANYBODY[:44]), _windows(base64.b64decode(text), self._window)
            yield from (form for each in bare if each not in known for form in _of_bytes(each))
        for window in _windows(text, self._window):
            if window in public:
                continue
            raw = window.encode("utf-8", "surrogateescape")
            if self._window < WINDOW:  # other forms of so few characters are everywhere
                yield raw
                continue
            yield from (raw[::-1], *_of_bytes(raw))
            yield from (window.encode("utf-16-le")[:-1], json.dumps(window)[1:-1].encode(), quote(window, "").encode())
            yield "".join(f"\\u{ord(one):04x}" for one in window).encode()
        for before in range(3 if self._window >= WINDOW else 0):
            data = bytes(before) + text.encode("utf-8", "surrogateescape")
            # The characters that the bytes beside the secret take part in are left out.
            yield from _windows(base64.b64encode(data).rstrip(b"=")[(0, 2, 3)[before] : len(data) * 8 // 6], _BASE64)


def _of_bytes(raw: bytes) -> tuple[bytes, ...]:
    return raw, raw.hex().encode(), raw.hex().upper().encode()


def _windows(text: Any, window: int) -> list[Any]:
    return [text[at : at + window] for at in range(len(text) - window + 1)]


@lru_cache(maxsize=64)
def _canary(secret: str, window: int) -> Canaries:
    return Canaries({"secret": secret}, window)


def leaked(secret: str, data: bytes | str, window: int = WINDOW) -> list[str]:
    """Return what of `secret` stands in `data`, in any form."""
    return _canary(secret, window).found(data)


def files(*places: Path) -> Iterator[Path]:
    """Yield every file below these places, or the place itself."""
    for place in places:
        yield from (each for each in ([place] if place.is_file() else place.rglob("*")) if each.is_file())


class Watch:
    """Reads what can be seen of each new process, over and over: arguments, variables, name, state, mapped files.

    The variables of a process are left out whose arguments begin with `but`: it is a command under `exec`.
    """

    def __init__(self, but: bytes = b"\0") -> None:
        self._seen = set[bytes]()
        self._but, self._old = but, set(Path("/proc").glob("[0-9]*"))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def seen(self) -> bytes:
        """All of it, each thing once."""
        return b"\n".join(self._seen)

    def _look(self) -> None:
        while not self._stop.wait(0.03):
            for entry in set(Path("/proc").glob("[0-9]*")) - self._old:
                self._read(entry)

    def _read(self, entry: Path) -> None:
        before, environ = _bytes(entry / "cmdline"), _bytes(entry / "environ")
        # A process that has become another one meanwhile has other arguments.
        arguments = (before, _bytes(entry / "cmdline"))
        self._seen |= {*arguments, _bytes(entry / "comm"), *_bytes(entry / "status").splitlines()[:1]}
        self._seen |= {line.split(None, 5)[-1] for line in _bytes(entry / "maps").splitlines()}
        if not any(each.startswith(self._but) for each in arguments):
            self._seen |= set(environ.split(b"\0"))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _bytes(file: Path) -> bytes:
    """Return what a file of a process holds; nothing where it has ended, or shows it to root alone."""
    with suppress(OSError):
        return file.read_bytes()
    return b""
