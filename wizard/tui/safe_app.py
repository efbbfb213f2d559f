"""SafeApp: a Textual app that can hold secrets.

Two private methods of Textual 8.2.8 are overridden, `_handle_exception` and `_fatal_error`: the
stock ones print every local variable. tests/terminal/test_safe_crash.py holds them to the version.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import textwrap
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.driver import Driver
from textual.filter import LineFilter, Monochrome, NoColor
from textual.geometry import Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.theme import Theme

from wizard.core.errors import Exit, WizardError
from wizard.core.safety import redacted_report
from wizard.core.shutdown import Shutdown
from wizard.core.terminal import MIN_COLUMNS, MIN_LINES
from wizard.core.text import UNPRINTABLE, harmless
from wizard.tui.theme import THEME, THEME_16, theme_for

NORMAL_COLUMNS = 72
"""Terminals with fewer are narrow: they have room for what is needed alone."""
_CLEAR = "\x1b[m\x1b[2J\x1b[H"
HOLD_LIMIT = 1.0
"""Seconds after which held keys are delivered although an answer is still under way."""
_ROUNDS = 2
"""The first follows the key up to the bound action, the second follows the action's message."""


class KeyOrder(App[int]):
    """An app whose widgets get keys and pastes in the order in which they were typed, also many in one packet.

    Textual hands printable keys to the focused widget at once, but a key that is bound to an action bubbles up first
    (textual#6605): `KEY Enter SECRET` in one packet becomes `KEYSECRET`, `ab⌫c` becomes `ab`. Here every key without
    a character holds what comes after it until the widget, its ancestors and whatever they posted in answer are done.
    """

    @dataclass
    class Barrier(Message):
        """Bubbles from a widget to the app behind everything that the widget was sent before."""

        origin: MessagePump
        ticket: int
        rounds_left: int

    def __init__(self) -> None:
        super().__init__()
        self._held: deque[events.Event] = deque()
        self._ticket = 0
        self._is_holding = False
        self._limit: asyncio.TimerHandle | None = None

    def on_mount(self) -> None:
        """Follow the change of screens."""
        self.screen_change_signal.subscribe(self, self._follow, immediate=True)

    def _follow(self, screen: Screen[object]) -> None:
        # A new screen has its fields and its focus only when it is mounted; a closed one never answers.
        if self._is_holding:
            self._hold_until_done(screen)

    async def on_event(self, event: events.Event) -> None:
        """Hold keys and pastes while an earlier key is being answered; see App.on_event."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._is_holding:
            self._held.append(event)
        else:
            await self._deliver(event)

    async def _deliver(self, event: events.Event) -> None:
        target = self.focused or self.screen
        await super().on_event(event)
        if isinstance(event, events.Key) and not event.is_printable:
            self._hold_until_done(target)

    def _hold_until_done(self, target: MessagePump) -> None:
        """Hold keys and pastes until `target` has answered what it was sent already, and what follows from that."""
        self._ticket += 1
        if self._limit is not None:
            self._limit.cancel()
        self._is_holding = target.post_message(self.Barrier(target, self._ticket, _ROUNDS))
        if self._is_holding:
            late = self.Barrier(self, self._ticket, 0)
            self._limit = asyncio.get_running_loop().call_later(HOLD_LIMIT, self.post_message, late)

    async def on_key_order_barrier(self, barrier: Barrier) -> None:
        """Begin the next round, or hand on what was held."""
        if barrier.ticket != self._ticket or not self._is_holding:
            return
        barrier.stop()
        if barrier.rounds_left > 1 and barrier.origin.post_message(
            self.Barrier(barrier.origin, barrier.ticket, barrier.rounds_left - 1)
        ):
            return
        await self._release()

    async def _release(self) -> None:
        self._is_holding = False
        if self._limit is not None:
            self._limit.cancel()
        while self._held and not self._is_holding:
            await self._deliver(self._held.popleft())


class SafeApp(KeyOrder):
    """The base of the wizard's app: no crash, copy, signal or hostile text makes it leak. Run it with `run_safely`."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NORMAL_COLUMNS, "-normal"), (110, "-wide")]  # noqa: RUF012 - not ClassVar in Textual
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: the focus moves before the next key of the packet is handed on, whatever the focused widget does.
        Binding("tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Previous field", show=False, priority=True),
        Binding("ctrl+l", "app.redraw", "Draw the screen anew", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self._control_filter = ControlFilter()
        self.shutdown = Shutdown()
        self._undrawn: ExitStack | None = None
        """Open while the window is too small for the screens, so that they are not drawn."""
        self.problem: WizardError | None = None
        """What ended the app, where it can be told in words. It is the caller's to tell: the screens are gone."""
        for theme in (THEME, THEME_16):
            self.register_theme(theme)
        if os.environ.get("TEXTUAL_THEME") not in self.available_themes:
            self._begin_in(theme_for(self.console.color_system))

    def _begin_in(self, theme: Theme) -> None:
        if theme.ansi:
            self.theme = theme.name
            return
        # Nothing was drawn yet in another theme: nothing is to be read and drawn anew.
        self.set_reactive(App.theme, theme.name)
        self.stylesheet.set_variables(self.get_css_variables())

    def run_safely(self, shutdown: Shutdown) -> int:
        """Run until the end and return the exit code: that of `exit`, 70 after a crash, 128+n after signal n."""
        self.shutdown = shutdown
        with shutdown.handled_by(self._begin_end):
            try:
                self.run(mouse=False)
            except Exception as error:  # the loop itself failed: Textual's report was not reached
                print(redacted_report(error), file=sys.stderr)
                return Exit.INTERNAL_ERROR
        return self.return_code or 0

    @property
    def size(self) -> Size:
        """The size that the screens are laid out for: that of the window, or the least that they need."""
        return _roomy(super().size)

    def classes_for_size(self) -> str:
        """Return what Textual adds to a screen of this size: one that has it from the start is not laid out twice."""
        sides = ((self.size.width, self.HORIZONTAL_BREAKPOINTS), (self.size.height, self.VERTICAL_BREAKPOINTS))
        return " ".join(max(one for one in points if one[0] <= length)[1] for length, points in sides)

    async def on_event(self, event: events.Event) -> None:
        """Lay the screens out for a window that has room for them, whatever the size of this one."""
        if isinstance(event, events.Resize):
            event = self._with_room(event)
        await super().on_event(event)

    def _with_room(self, event: events.Resize) -> events.Resize:
        columns, lines = event.size
        if columns >= MIN_COLUMNS and lines >= MIN_LINES:
            if self._undrawn is not None:
                self._undrawn.close()
                self._undrawn = None
                self.call_next(self.action_redraw)
            return event
        if self._undrawn is None:
            self._undrawn = ExitStack()
            self._undrawn.enter_context(self.batch_update())
        if self._driver is not None:
            said = f"Needs {MIN_COLUMNS}x{MIN_LINES}. This window has {columns}x{lines}. ctrl+q quits."
            self._driver.write(_CLEAR + "\r\n".join(textwrap.wrap(said, columns)[:lines]))
        size = _roomy(event.size)
        return events.Resize(size, size)

    async def _deliver(self, event: events.Event) -> None:
        if self.shutdown.has_begun:  # what was typed ahead would keep the end waiting
            return
        if self._undrawn is None:
            await super()._deliver(event)
        elif isinstance(event, events.Key) and event.key in {"ctrl+q", "ctrl+c"}:
            self.exit(0)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy nothing: Textual copies from any field on ctrl+c. See `copy_public_text`."""

    def copy_public_text(self, text: str) -> None:
        """Ask the terminal to put `text`, which is no secret, on the user's clipboard (OSC 52, also over SSH).

        Whether it did cannot be known: many terminals ask or refuse, and tmux takes it only with
        `set-clipboard on`. Always show the text as well. Some drop more than 8 KiB.
        """
        shown = "\n".join(map(harmless, text.split("\n")))
        if self._driver is not None:
            self._driver.write(f"\x1b]52;c;{base64.b64encode(shown.encode()).decode()}\a")

    def action_redraw(self) -> None:
        """Draw the whole screen: another program wrote on the terminal."""
        self.screen.refresh(layout=True)

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """Open nothing: the browser would start on the server."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters and, last, the one against control characters."""
        filters = super().get_line_filters()
        if self.native_ansi_color:
            # NO_COLOR was looked at before the theme. Of a terminal's own colours Monochrome makes black on black.
            filters = [NoColor() if isinstance(one, Monochrome) else one for one in filters]
        return [*filters, self._control_filter]

    def get_driver_class(self) -> type[Driver]:
        """Return the terminal's driver, whatever TEXTUAL_DRIVER says: never the web's, which has no log-in."""
        if sys.platform == "win32":
            return super().get_driver_class()
        from wizard.tui.driver import SafeDriver  # noqa: PLC0415 - termios is not on Windows

        return SafeDriver

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002 - Textual's signature
        """End with a redacted report; what Textual wanted to show is left out, it can hold anything."""
        self._handle_exception(RuntimeError())

    def _handle_exception(self, error: Exception) -> None:
        cause = getattr(error, "error", error)  # textual's WorkerFailed
        if self._exception is None:
            if isinstance(cause, WizardError):
                self.problem = cause
            else:
                self._return_code = Exit.INTERNAL_ERROR
                self._exit_renderables[:] = [Text(redacted_report(error))]
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        error = sys.exception()
        self._handle_exception(error if isinstance(error, Exception) else RuntimeError())

    def _begin_end(self, number: int) -> None:
        """Give the terminal back at once, and end as soon as the loop comes to it. In a thread of its own."""
        hand_back = getattr(self._driver, "hand_back", None)
        if hand_back is not None:
            hand_back()
            self.shutdown.restore_terminal()
        if self._loop is None:
            self.shutdown.unwind(number)
        else:
            self._loop.call_soon_threadsafe(self._exit_by, number)

    def _exit_by(self, number: int) -> None:
        with self._context():
            self.exit(return_code=128 + number)


def _roomy(size: Size) -> Size:
    return Size(max(size.width, MIN_COLUMNS), max(size.height, MIN_LINES))


class ControlFilter(LineFilter):
    """Takes control characters out of what widgets drew, and hyperlinks whose address holds one.

    Textual passes ESC, C1 and bidirectional controls through in every widget (docs/terminal.md).
    `wizard.tui.content` is the first defence; this one is there for the string that was missed.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - its signature
        """Return the segments without controls, of the same width; see LineFilter.apply."""
        return [segment if segment.control else _without_controls(segment) for segment in segments]


def _without_controls(segment: Segment) -> Segment:
    text, style = segment.text, segment.style
    if not text.isascii() or UNPRINTABLE.search(text):
        # The layout was made with the width of the original.
        text = set_cell_size(harmless(text), cell_len(text))
    if style is not None and style.link and UNPRINTABLE.search(style.link):
        style = style.update_link(None)
    return Segment(text, style)
