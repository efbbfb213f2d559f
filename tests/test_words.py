"""The words that people read: those of the field, in short sentences.

Every string literal of two words or more outside of docstrings is taken for text that people read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
WIZARD = REPOSITORY / "wizard"
GONE = (
    "canary|operators?|quorum|grades?|slots?|drafts?|discarded|pending|promot(?:e|ed|es|ing|ion)|purg(?:e|ed|es|ing)"
    "|certificates? of|desk|strays?|overlap|journal|holdings?|rungs?"
)
"""Words of the program's own, which nobody else uses."""
UNCLEAR = "mend(?:s|ed|ing)?|tells?|told|say alike|asks? on|blanks?|parts? (?:from|with)|gone|behind|its own|the word"
LONGEST_SENTENCE = 20
"""Words."""
FOR_PROGRAMS = ("rehearsal/simulator/", "rotation/database.py", "rotation/migrations/")
"""Here strings are a protocol or SQL."""


@dataclass(frozen=True)
class Text:
    """A literal; what is filled in is `…`."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text!r}"


def texts() -> Iterator[Text]:
    for file in sorted(WIZARD.rglob("*.py")):
        name = str(file.relative_to(WIZARD))
        if name.startswith(FOR_PROGRAMS):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in documentation or id(node) in inside:
                continue
            text = _text(node)
            is_code = re.match(r"\s*(?:(?:SELECT|INSERT|UPDATE|DELETE)\b|\w+ \{)", text)
            if (
                len(re.findall(r"[A-Za-z]{2,}", text)) > 1
                and " " in text.strip()
                and "\x1b" not in text
                and not is_code
            ):
                yield Text(f"{name}:{getattr(node, 'lineno', 0)}", text)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


TEXTS = list(texts())


def sentences(text: str) -> list[str]:
    return re.split(r"[.?!:](?:\s|$)|\n", text)


def test_there_are_texts() -> None:
    assert len(TEXTS) > 800


@pytest.mark.parametrize("words", [GONE, UNCLEAR], ids=["gone", "unclear"])
def test_no_text_has_a_word_of_a_private_language(words: str) -> None:
    found = [str(each) for each in TEXTS if re.search(rf"(?<![\w-])(?:{words})(?![\w-])", each.text, re.IGNORECASE)]
    assert not found, "\n".join(found)


def test_no_sentence_is_longer_than_one_can_take_in() -> None:
    found = [
        f"{len(sentence.split())} words, {each}"
        for each in TEXTS
        for sentence in sentences(each.text)
        if len(sentence.split()) > LONGEST_SENTENCE
    ]
    assert not found, "\n".join(found)


def test_no_text_has_a_semicolon() -> None:
    found = [str(each) for each in TEXTS if re.search(r"\w;(\s|$)", each.text)]
    assert not found, "\n".join(found)
