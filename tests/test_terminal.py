from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wizard.core.terminal import TerminalReport, inspect_terminal

GOOD = TerminalReport(True, True, "xterm-256color", "utf-8", 80, 24)


def test_an_ordinary_terminal_has_no_problem() -> None:
    assert GOOD.problem() is None


@pytest.mark.parametrize(
    ("report", "why", "advice"),
    [
        (replace(GOOD, stdin_is_tty=False), "There is none on stdin.", "--plain"),
        (replace(GOOD, stdin_is_tty=False, stderr_is_tty=False), "There is none on stdin and stderr.", "ssh -t"),
        (replace(GOOD, term="dumb"), "TERM is dumb.", "TERM=xterm-256color"),
        (replace(GOOD, term=""), "TERM is not set.", "TERM=xterm-256color"),
        (replace(GOOD, encoding="iso8859-1"), "Its encoding is iso8859-1, not UTF-8.", "PYTHONUTF8=1"),
        (replace(GOOD, columns=59), "It has 59 columns and 24 lines. The screens need 60 and 20.", "Make it larger"),
        (replace(GOOD, lines=19), "It has 80 columns and 19 lines. The screens need 60 and 20.", "Make it larger"),
    ],
)
def test_a_problem_is_told_with_its_remedy(report: TerminalReport, why: str, advice: str) -> None:
    problem = report.problem()
    assert problem is not None
    assert problem.why == why
    assert advice in problem.advice


@pytest.mark.parametrize("encoding", ["utf-8", "utf8", "utf_8"])
def test_utf_8_has_several_names(encoding: str) -> None:
    assert replace(GOOD, encoding=encoding).problem() is None


def test_a_terminal_that_does_not_say_its_size_is_given_the_benefit_of_the_doubt() -> None:
    assert replace(GOOD, columns=None, lines=None).problem() is None


@pytest.mark.parametrize(
    ("variable", "encoding"), [({"PYTHONIOENCODING": "iso8859-1"}, "iso8859-1"), ({"PYTHONUTF8": "1"}, "utf-8")]
)
def test_a_pipe_is_seen_and_so_is_its_encoding(variable: dict[str, str], encoding: str) -> None:
    code = "import sys; from wizard.core.terminal import *; print(inspect_terminal({}, sys.__stdin__, sys.__stderr__))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variable},
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"stdin_is_tty=False, stderr_is_tty=False, term='', encoding='{encoding}', columns=None" in done.stdout


def test_a_process_without_streams_is_told_so() -> None:
    report = inspect_terminal({"TERM": "xterm"}, None, None)
    assert report == TerminalReport(False, False, "xterm", "", None, None)
    assert report.problem() is not None
