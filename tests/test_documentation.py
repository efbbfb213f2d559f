"""README and the pages for users: their commands can be run, their links lead somewhere, their words are the user's."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from tests.test_words import GONE, LONGEST_SENTENCE, UNCLEAR, sentences
from wizard import cli

REPOSITORY = Path(__file__).parents[1]
PAGES = [
    "README.md",
    *(
        f"docs/{name}.md"
        for name in ("README", "commands", "configuration", "unattended", "headless", "openbao", "security", "death")
    ),
]


def text(page: str) -> str:
    return (REPOSITORY / page).read_text("utf-8")


def prose(page: str) -> list[str]:
    """Return paragraphs, list entries and cells of tables, without code and the targets of links."""
    shown = re.sub(r"```.*?```", "\n\n", text(page), flags=re.DOTALL)
    shown = re.sub(r"`[^`]*`", "CODE", shown)
    shown = re.sub(r"\]\([^)]*\)", "]", shown)
    parts = re.split(r"\n\s*\n|\n(?=[-|#] ?)|(?<!\\)\||·", shown)
    return [" ".join(part.split()).lstrip("-# ") for part in parts if part.strip()]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_written_in_short_sentences_and_in_the_words_of_the_field(page: str) -> None:
    for part in prose(page):
        assert not re.search(rf"(?<![\w-])(?:{GONE}|{UNCLEAR})(?![\w-])", part, re.IGNORECASE), part
        assert not re.search(r"\w;(\s|$)", part), part
        for sentence in sentences(part):
            assert len(sentence.split()) <= LONGEST_SENTENCE, sentence


@pytest.mark.parametrize("page", PAGES)
def test_each_command_that_a_page_shows_can_be_parsed(page: str) -> None:
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text(page), re.DOTALL) for line in block.splitlines()]
    for line in lines:
        if found := re.search(r"(?:^|\| )key-wizard( .*?)?(?: [<>|] .*)?$", line):
            words = shlex.split(found[1] or "")
            cli.parse(words, argparse.Namespace())


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", text(page)):
        assert target.startswith("https://") or (REPOSITORY / page).parent.joinpath(target).exists(), target


def test_the_list_of_commands_names_every_command_and_exit_code() -> None:
    page = text("docs/commands.md")
    assert all(f"key-wizard {name}" in page for name in cli.COMMANDS)
    assert all(f"| {code.value} |" in page for code in cli.Exit)
