"""The last defence against text from outside: no control character of a widget reaches the terminal.

Textual passes ESC, C1 and bidirectional controls through in every widget (docs/terminal.md).
`wizard.core.text.printable` is the first defence; this one is there for the string that was missed.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from wizard.core.text import REPLACEMENT, UNPRINTABLE


class ControlFilter(LineFilter):
    """Takes control characters out of what widgets drew, and hyperlinks whose address holds one."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - its signature
        """Return the segments without controls, of the same width; see LineFilter.apply."""
        return [segment if segment.control else _without_controls(segment) for segment in segments]


def _without_controls(segment: Segment) -> Segment:
    text, style = segment.text, segment.style
    if UNPRINTABLE.search(text):
        text = UNPRINTABLE.sub(_replacement, text)
    if style is not None and style.link and UNPRINTABLE.search(style.link):
        style = style.update_link(None)
    return Segment(text, style)


def _replacement(match: re.Match[str]) -> str:
    # The layout was made with the width of the original; most control characters have none.
    return REPLACEMENT if cell_len(match[0]) else ""
