"""What home says of what it found."""

from __future__ import annotations

from wizard.core.text import UNICODE
from wizard.rotation.model import Finding, Outcome
from wizard.tui.screens.home_texts import check


def test_a_check_that_warns_says_why() -> None:
    found = Finding("Storage", Outcome.WARNING, "A canary was written.", 0.0, does_not_prove="that it is kept")
    assert check(found, UNICODE).plain == "! Storage  A canary was written. Not proven: that it is kept."
