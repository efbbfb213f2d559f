from __future__ import annotations

from dataclasses import astuple

import pytest

from wizard.core.text import ASCII, UNICODE, Glyphs, glyphs_for


@pytest.mark.parametrize(
    ("environ", "glyphs"),
    [
        ({}, UNICODE),
        ({"TERM": "linux"}, ASCII),
        ({"KEY_WIZARD_ASCII": "1"}, ASCII),
        ({"KEY_WIZARD_ASCII": "0"}, UNICODE),
    ],
)
def test_ascii_is_for_the_linux_console_and_for_those_who_ask(environ: dict[str, str], glyphs: Glyphs) -> None:
    assert glyphs_for(environ) is glyphs


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_no_two_meanings_share_a_sign(glyphs: Glyphs) -> None:
    assert len(set(astuple(glyphs))) == len(astuple(glyphs))


def test_the_ascii_set_is_ascii() -> None:
    assert "".join(astuple(ASCII)).isascii()
