"""An API key or a secret as it was pasted: made clean, and judged by its shape. Pure.

No note and no problem shows the value: lengths and its last four characters at most. What is around a value
(quotes, blanks, `KEY=`, hidden characters) is taken off and said; what is within is never changed. A length other
than 64 is a warning only: the exchange documents no rule (docs/binance.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from wizard.core.secret import Secret
from wizard.intake.paste import IntakeError

USUAL_LENGTH = 64

_LETTERS_AND_DIGITS = re.compile(r"[A-Za-z0-9]+")
_UNPRINTABLE = re.compile(r"[^!-~]")
_PEM = re.compile(r"-----(?:BEGIN|END)[A-Z0-9 ]*?(PUBLIC|PRIVATE) ?KEY-----")
"""A frame of a key; a field for one value leaves the spaces out."""
_FRAMELESS = (
    (re.compile("MCowBQYDK2VwAyEA"), "PUBLIC KEY"),
    (re.compile("MC4CAQAwBQYDK2Vw"), "PRIVATE KEY"),
    (re.compile("MII.{1,8}ANBgkqhkiG9w0BAQEFAAOC"), "PUBLIC KEY"),
    (re.compile("MII.{1,12}ANBgkqhkiG9w0BAQEFAAS"), "PRIVATE KEY"),
)
"""How the base64 of an Ed25519 or RSA key begins when its frame was left out."""
_HIDDEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_QUOTES = "\"'`“”„‘’‚«»‹›"
_NAME = re.compile(r"""(?:export\s+|set\s+)?["']?[A-Za-z][A-Za-z0-9_. -]{0,40}["']?\s*[:=]\s*""")
_PASTE_MARK = re.compile(r"\A(?:\x1b?\[200~)+|(?:\x1b?\[201~)+\Z")


_INSTEAD = {
    ("API key", "PUBLIC KEY"): "This is a public key. Paste it on the exchange's page; the page then shows the API key"
    " that belongs here.",
    ("API key", "PRIVATE KEY"): "This is a private key, not an API key. Never paste it on a web page. The API key is"
    " what the exchange's page shows.",
    ("secret", "PUBLIC KEY"): "This is a public key. It has no secret on the exchange's page: choose Ed25519 or RSA as"
    " the kind of key.",
    ("secret", "PRIVATE KEY"): "This is a private key. Choose Ed25519 or RSA as the kind of key instead of HMAC.",
}

Judged = tuple[Secret, tuple[str, ...]]
"""A value, ready to use; what was taken off and what looks unusual, as sentences."""


def read_api_key(text: str) -> Judged:
    """Judge what was pasted as the API key.

    Raises:
        IntakeError: it cannot be one; what to paste instead.
    """
    return _read(text, "API key")


def read_hmac_secret(text: str) -> Judged:
    """Judge what was pasted as the HMAC secret.

    Raises:
        IntakeError: it cannot be one; what to paste instead.
    """
    return _read(text, "secret")


def pair_problem(api_key: Secret, secret: Secret) -> str:
    """Return what is wrong with an API key and a secret taken together, or nothing.

    Which of the two is which cannot be told by shape: both are 64 letters and digits.
    """
    if api_key == secret:
        return "The API key and the secret are the same text. One of them was pasted twice: copy the other one."
    return ""


def _read(text: str, name: str) -> Judged:
    if label := _key_label(text):
        raise IntakeError(_INSTEAD[name, label])
    value, removed = _unwrap(text)
    if not value:
        raise IntakeError(f"There is no {name} in this. Copy it again.")
    if problem := _inside(value, name):
        raise IntakeError(problem)
    return Secret(value), removed + _unusual(value, name)


def _key_label(text: str) -> str:
    if found := _PEM.search(text):
        return f"{found[1]} KEY"
    bare = _unwrap(text)[0]
    return next((label for start, label in _FRAMELESS if start.match(bare)), "")


def _inside(value: str, name: str) -> str:
    """Say what breaks a value in the middle. Such a character is named by its code, never shown."""
    found = _UNPRINTABLE.search(value)
    if found is None:
        return ""
    pieces = len(value.split())
    if pieces > 1:
        return (
            f"There is a blank or a line break inside: {pieces} pieces. Either it was wrapped when it was copied,"
            f" or more than the {name} was copied. Copy the {name} alone, in one piece."
        )
    return (
        f"There is a character that cannot be part of the {name}: U+{ord(found[0]):04X}"
        f" after {found.start()} others. Copy it again from the exchange's page."
    )


def _unusual(value: str, name: str) -> tuple[str, ...]:
    notes: list[str] = []
    if not _LETTERS_AND_DIGITS.fullmatch(value):
        notes.append(f"This {name} has characters other than letters and digits. All that we have seen had none.")
    if len(value) != USUAL_LENGTH:
        notes.append(f"This {name} has {len(value)} characters. All but few that we have seen had {USUAL_LENGTH}.")
    return tuple(notes)


def _unwrap(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the bare value and one sentence for each sort of thing that was taken off.

    The line break that ends a copied line is taken off without a word.
    """
    bare = text
    taken: set[str] = set()
    while True:
        before = bare
        for sentence, peel in _LAYERS:
            peeled = peel(bare)
            if peeled != bare and not (sentence == _BLANKS and bare.rstrip("\r\n") == peeled):
                taken.add(sentence)
            bare = peeled
        if bare == before:
            return bare, tuple(sentence for sentence, _ in _LAYERS if sentence in taken)


def _without_name(text: str) -> str:
    found = _NAME.match(text)
    return text[found.end() :] if found else text


_BLANKS = "Removed blanks or line breaks around it."
_LAYERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("Removed the terminal's paste marks around it.", lambda text: _PASTE_MARK.sub("", text)),
    (_BLANKS, str.strip),
    ("Removed hidden characters around it.", lambda text: text.strip(_HIDDEN)),
    ("Removed quotes around it.", lambda text: text.strip(_QUOTES)),
    ("Removed a comma or semicolon after it.", lambda text: text.rstrip(",;")),
    ("Removed the name in front of it.", _without_name),
)
