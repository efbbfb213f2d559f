"""Keys reach widgets in the order in which they were typed, also when many arrive in one packet.

Textual hands printable keys to the focused widget at once, but a key that is bound to an action
bubbles up first (textual#6605): `KEY Enter SECRET` in one packet becomes `KEYSECRET`, `ab⌫c`
becomes `ab`. Here every key without a character holds what comes after it until the widget, its
ancestors and whatever they posted in answer are done.
"""

from __future__ import annotations

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

HOLD_LIMIT = 1.0
"""Seconds after which held keys are delivered although an answer is still under way."""
_LAPS = 2
"""The first lap follows the key up to the bound action, the second follows the action's message."""


class KeyOrder(App[int]):
    """An app that hands on keys and pastes one after the other."""

    class Lap(Message):
        """Bubbles from a widget to the app behind everything that the widget was sent before."""

        def __init__(self, origin: MessagePump, ticket: int, laps_left: int) -> None:
            super().__init__()
            self.origin = origin
            self.ticket = ticket
            self.laps_left = laps_left

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
        self._is_holding = target.post_message(self.Lap(target, self._ticket, _LAPS))
        if self._is_holding:
            late = self.Lap(self, self._ticket, 0)
            self._limit = asyncio.get_running_loop().call_later(HOLD_LIMIT, self.post_message, late)

    async def on_key_order_lap(self, lap: Lap) -> None:
        """Run the next lap, or hand on what was held."""
        if lap.ticket != self._ticket or not self._is_holding:
            return
        lap.stop()
        if lap.laps_left > 1 and lap.origin.post_message(self.Lap(lap.origin, lap.ticket, lap.laps_left - 1)):
            return
        await self._release()

    async def _release(self) -> None:
        self._is_holding = False
        if self._limit is not None:
            self._limit.cancel()
        while self._held and not self._is_holding:
            await self._deliver(self._held.popleft())
