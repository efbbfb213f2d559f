"""A line in which everything is shown, but for a key that is typed there by mistake."""

from __future__ import annotations

from textual.widgets import Input

from wizard.core.key_shape import looks_secret


class SightInput(Input):
    """An `Input` that is masked while it holds what looks like a key."""

    def watch_value(self, value: str) -> None:
        """Judge what is typed before it is drawn."""
        self.password = looks_secret(value)
