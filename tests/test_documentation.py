"""README and the pages for users: their commands can be run, their links lead somewhere, their words are the user's."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.generate import pages
from tests.test_words import GONE, LONGEST_SENTENCE, UNCLEAR, sentences
from wizard import cli
from wizard.core.errors import Exit

REPOSITORY = Path(__file__).parents[1]
PAGES = [
    "README.md",
    *(
        f"docs/{name}.md"
        for name in (
            *("README", "commands", "reference", "configuration", "unattended", "headless"),
            *("openbao", "security", "death", "reliability"),
        )
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


def test_the_reference_and_the_man_pages_are_those_of_the_parser() -> None:
    made = pages()
    stale = [file.name for file, page in made.items() if not file.exists() or file.read_text("utf-8") != page]
    assert not stale, "python -m docs.generate writes them"
    assert {*(REPOSITORY / "docs" / "man").iterdir()} == {file for file in made if file.suffix == ".1"}
    assert {file.stem for file in made} >= {f"key-wizard-{name}" for name in cli.COMMANDS}


@pytest.mark.skipif(not shutil.which("man"), reason="needs man")
def test_man_shows_each_page_without_a_complaint() -> None:
    for file in (REPOSITORY / "docs" / "man").iterdir():
        done = subprocess.run(
            ["man", "--warnings", "--local-file", str(file)],
            env=os.environ | {"MANWIDTH": "100", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        assert f"{file.stem} -" in done.stdout


def test_the_commands_page_names_every_exit_code() -> None:
    page = text("docs/commands.md")
    assert all(f"| {code.value} |" in page for code in Exit)
