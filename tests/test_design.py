"""docs/design.md names what is there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = sorted(each.name for each in (REPOSITORY / "wizard").iterdir() if each.is_dir() and each.name[0] != "_")
TEXT = (REPOSITORY / "docs" / "design.md").read_text("utf-8")
NAMES = sorted(set(re.findall(rf"`((?:{'|'.join(PACKAGES)})\.[A-Za-z_.]+)`", TEXT)))
FILES = sorted(set(re.findall(r"`((?:tests|wizard)/[\w/.]+)`", TEXT)))


@pytest.mark.parametrize("name", NAMES)
def test_every_function_that_the_design_names_is_there(name: str) -> None:
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(["wizard", *parts[:size]]))
        except ModuleNotFoundError:
            continue
        for part in parts[size:]:
            found = getattr(found, part)
        return
    raise AssertionError(name)


@pytest.mark.parametrize("file", FILES)
def test_every_file_that_the_design_names_is_there(file: str) -> None:
    assert (REPOSITORY / file).exists()


def test_the_design_names_many() -> None:
    assert len(NAMES) > 50
    assert len(FILES) > 15


def test_no_two_packages_have_a_class_of_the_same_name() -> None:
    places: dict[str, set[str]] = {}
    for file in (REPOSITORY / "wizard").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, set()).add(file.relative_to(REPOSITORY / "wizard").parts[0])
    assert {name for name, packages in places.items() if len(packages) > 1} == set()
