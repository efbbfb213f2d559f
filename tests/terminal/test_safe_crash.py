from __future__ import annotations

import pytest

from tests.canaries import leaked
from tests.terminal.conftest import StartTwoFields
from tests.terminal.keys import F2, F3, TAB, paste
from tests.terminal.secrets import API_KEY, SECRET
from wizard.core.secret import Secret

pytestmark = pytest.mark.terminal


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("local", "RuntimeError"),
        ("message", "ValueError"),
        ("cause", "KeyError"),
        ("worker", "RuntimeError"),
        ("thread-worker", "RuntimeError"),
        ("timer", "ValueError"),
        ("callback", "ValueError"),
        ("render", "RuntimeError"),
        ("rich", "Rich"),
        ("panic", "RuntimeError"),
    ],
)
def test_a_crash_says_where_and_shows_nothing_of_the_secret(two_fields: StartTwoFields, site: str, name: str) -> None:
    terminal = two_fields(site)
    terminal.send(paste(API_KEY) + TAB + paste(SECRET) + F3)
    assert terminal.wait() == 70
    after = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "Internal error" in after
    assert name in after
    assert leaked(SECRET, terminal.drawn) == leaked(API_KEY, terminal.drawn) == []
    assert terminal.is_restored()


def test_a_crash_in_a_handler_of_the_field_shows_nothing_of_the_secret(two_fields: StartTwoFields) -> None:
    terminal = two_fields("changed")
    terminal.send(TAB + paste(SECRET))
    assert terminal.wait() == 70
    assert "two_fields.py" in terminal.screen()
    assert "in check" in terminal.screen()
    assert leaked(SECRET, terminal.drawn) == []


def test_the_report_names_file_line_and_function_of_cause_and_error(two_fields: StartTwoFields) -> None:
    terminal = two_fields("cause")
    terminal.send(TAB + paste(SECRET) + F3)
    terminal.wait()
    report = terminal.raw.rpartition(b"\x1b[?1004l")[2].decode().split("\r\n")
    assert report[0].endswith("Internal error: KeyError")
    assert any(line.startswith("  terminal/apps/two_fields.py:") and "in action_crash" in line for line in report)
    assert "Caused by: ValueError" in report


def test_a_thread_that_dies_neither_shows_the_secret_nor_spoils_the_screen(two_fields: StartTwoFields) -> None:
    terminal = two_fields("bare-thread")
    terminal.send(TAB + paste(SECRET) + F3 + F2)
    terminal.wait_for(f"secret=64:{Secret(SECRET).fingerprint()}")
    assert "ValueError" not in terminal.screen()
    terminal.kill()
    terminal.wait()
    assert leaked(SECRET, terminal.drawn) == []


def test_the_detector_of_these_tests_sees_a_secret_that_is_written(two_fields: StartTwoFields) -> None:
    terminal = two_fields("control")
    terminal.send(TAB + paste(SECRET) + F3)
    assert terminal.wait() == 0
    assert leaked(SECRET, terminal.drawn)


def test_the_exit_code_given_to_exit_is_the_process_s(two_fields: StartTwoFields) -> None:
    terminal = two_fields("refused")
    terminal.send(F3)
    assert terminal.wait() == 5
    assert terminal.is_restored()
