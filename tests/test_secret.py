"""A secret does not show itself."""

from __future__ import annotations

import copy
import hashlib
import pickle
import traceback

import pytest

from tests.canaries import leaked
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret

TEXT = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


@pytest.mark.parametrize(
    "show", [repr, str, lambda secret: f"{secret}", lambda secret: f"{secret!r:>90}", lambda secret: f"{[secret]}"]
)
def test_no_way_of_printing_shows_it(show: object) -> None:
    shown = show(Secret(TEXT))  # type: ignore[operator]
    assert leaked(TEXT, shown, 4) == []


def test_credentials_print_without_their_values() -> None:
    shown = repr(Credentials(KeyKind.HMAC, Secret(TEXT), Secret(TEXT[::-1])))
    assert TEXT not in shown
    assert TEXT[::-1] not in shown


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def fail(secret: Secret) -> None:
        raise RuntimeError("boom")

    try:
        fail(Secret(TEXT))
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert TEXT not in shown


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_does_not_leave_the_process_or_multiply_unseen(leave: object) -> None:
    with pytest.raises(TypeError):
        leave(Secret(TEXT))  # type: ignore[operator]


def test_equality_is_by_value_and_hashing_is_refused() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT[:-1])
    assert Secret(TEXT) != TEXT
    with pytest.raises(TypeError):
        hash(Secret(TEXT))


def test_wiping_leaves_nothing() -> None:
    secret = Secret(TEXT)
    secret.wipe()
    assert secret.reveal() == ""
    assert not secret


def test_the_fingerprint_is_the_first_twelve_digits_of_sha256() -> None:
    assert Secret(TEXT).fingerprint() == hashlib.sha256(TEXT.encode()).hexdigest()[:12]


def test_the_last_four_of_something_short_are_not_shown() -> None:
    assert Secret("abcdefg").last_four() == ""
    assert Secret(TEXT).last_four() == TEXT[-4:]
