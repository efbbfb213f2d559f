"""The table on every Python that is installed: a list is judged the same everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("table.py")
_VERSION = re.compile(r"3\.(\d+)")


def interpreters() -> list[str]:
    """Every Python from 3.11 on that the path or pyenv has, and the one that runs this."""
    on_path = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python"))
    of_pyenv = [str(path) for path in pyenv if int(_VERSION.match(path.parts[-3])[1]) >= 11]
    found = [sys.executable, *filter(None, on_path), *of_pyenv]
    # pyenv's own stand-ins on the path start nothing where no version was chosen.
    return list(dict.fromkeys(each for each in found if "/shims/" not in each))


def run(interpreter: str) -> tuple[str, str, str]:
    argv = [interpreter, "-I", "-S", str(TABLE)]  # -S: no third party's package can be imported
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    count, digest, version = done.stdout.split()
    return count, digest, version


@pytest.mark.parametrize("interpreter", interpreters()[1:] or [sys.executable])
def test_every_interpreter_says_the_same_word_for_word(interpreter: str) -> None:
    count, digest, version = run(interpreter)
    print(f"{count} inputs on Python {version}: {digest}")
    assert (count, digest) == run(sys.executable)[:2]
