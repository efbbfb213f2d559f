"""The text of a whitelist under edit, but for a key that is typed there by mistake."""

from __future__ import annotations

import re

from rich.text import Text

from wizard.key_shape import looks_secret
from wizard.tui.widgets.lean_text_area import LeanTextArea

_RUN = re.compile(r"[A-Za-z0-9+/]{14,}={0,2}")


class ListArea(LeanTextArea):
    """A text area that draws a mask over what looks like a key.

    Args:
        text: What it begins with.
        mask: The sign that stands for one character.
    """

    def __init__(self, text: str, *, mask: str) -> None:
        super().__init__(text, id="entries", soft_wrap=True, compact=True, tab_behavior="focus")
        self._mask = mask

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn; a mask is as long as what it hides."""
        line = super().get_line(line_index)
        line.plain = _RUN.sub(self._drawn, line.plain)
        return line

    def _drawn(self, run: re.Match[str]) -> str:
        return self._mask * len(run[0]) if looks_secret(run[0]) else run[0]
