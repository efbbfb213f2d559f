"""A screen with a secret is covered when nobody is there; nothing that was entered is lost."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.conftest import Wizard
from tests.unwiped import Unwiped
from wizard.custody.errors import CustodyError
from wizard.rehearsal.desk import NewKey
from wizard.secret import Secret
from wizard.tui.screens.idle import COVER_AFTER, IdleScreen
from wizard.tui.widgets.secret_field import SecretField


class Now:
    """Monotonic time that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now(wizard: Wizard) -> Now:
    clock = Now()
    wizard.app.idle_clock = clock
    return clock


def is_covered(wizard: Wizard) -> bool:
    wizard.app.cover_if_idle()
    return isinstance(wizard.app.screen, IdleScreen)


async def test_it_is_covered_after_five_minutes_and_enter_alone_uncovers_it(wizard: Wizard, now: Now) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press(*"abcdef")
    now.seconds += COVER_AFTER - 1
    assert not is_covered(wizard)
    now.seconds += 1
    assert is_covered(wizard)
    await wizard.until(".title", "without a key")
    await wizard.press("x", "enter")
    assert not is_covered(wizard)
    field = wizard.app.screen.query_one("#api-key", SecretField)
    assert field.peek().reveal() == "abcdef"
    assert field.has_focus, "the key that uncovers does nothing else"


async def test_a_key_or_a_paste_starts_the_time_anew(wizard: Wizard, now: Now) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("a")
    now.seconds += COVER_AFTER - 1
    wizard.app.post_message(events.Paste("k" * 64))
    await wizard.when(lambda: wizard.app.screen.query_one("#api-key", SecretField).length == 64)
    now.seconds += COVER_AFTER - 1
    assert not is_covered(wizard)


async def test_w_wipes_every_field(wizard: Wizard, now: Now) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press(*"abc", "enter", *"def")
    now.seconds += COVER_AFTER
    assert is_covered(wizard)
    await wizard.press("w")
    assert [field.length for field in wizard.app.screen.query(SecretField)] == [0, 0]


async def test_a_screen_without_a_secret_is_left_alone(wizard: Wizard, now: Now) -> None:
    await wizard.to_credentials("hmac")
    now.seconds += 10 * COVER_AFTER
    assert not is_covered(wizard)


KEY, SECRET = "Kq7" * 21 + "a", "sX4" * 21 + "b"


async def test_after_a_store_that_failed_w_leaves_nothing_of_what_was_typed_anywhere(
    wizard: Wizard, now: Now, unwiped: Unwiped, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wizard.to_credentials("hmac")
    wizard.app.post_message(events.Paste(f"{KEY}\n{SECRET}"))
    await wizard.when(lambda: wizard.app.screen.query_one("#secret", SecretField).length == 64)
    wizard.app.untaken = NewKey(Secret(KEY), Secret(SECRET))

    async def fail(*_: object) -> None:
        raise CustodyError("The keyring broke")

    monkeypatch.setattr(wizard.world.store, "write", fail)
    await wizard.press("enter")
    await wizard.until("Notice", "The keyring broke")
    assert wizard.app.screen.query_one("#secret", SecretField).length == 64, "nothing was lost"
    now.seconds += COVER_AFTER
    assert is_covered(wizard)
    await wizard.press("w")
    assert unwiped.of(KEY, SECRET) == 0


async def test_leaving_the_environment_wipes_a_key_that_was_made_at_the_desk_and_not_taken(
    wizard: Wizard, unwiped: Unwiped
) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("f4", "n")
    await wizard.until("Notice", "The key was created")
    assert wizard.app.untaken is not None
    secret = wizard.app.untaken.secret.reveal()
    await wizard.press("escape")
    await wizard.app.let_go()
    assert unwiped.of(secret) == 0
    assert wizard.app.untaken is None
