"""A text area that sends only the cells that a key changed; Textual's own repaints all its lines at each key."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import TextArea

from wizard.tui.widgets.repaint import changed_part


class LeanTextArea(TextArea):
    """A `TextArea` for slow lines."""

    _is_due = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Repaint what differs once the key's work is done; anything but a plain repaint is left to Textual."""
        if regions or layout or recompose or not repaint or not self._painted:
            return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        if not self._is_due:
            self._is_due = True
            self.call_next(self._repaint)
        return self

    @property
    def _painted(self) -> dict[int, Strip]:
        painted: dict[int, Strip] = self.__dict__.setdefault("_painted_lines", {})
        return painted

    def render_line(self, y: int) -> Strip:
        """Return one line, and remember it as what the terminal shows."""
        self._painted[y] = line = super().render_line(y)
        return line

    def _repaint(self) -> None:
        self._is_due = False
        for y in range(self.size.height):
            known = self._painted.get(y)
            line = super().render_line(y)
            if known is None:
                super().refresh(Region(0, y, self.size.width, 1))
            elif region := changed_part(known, line, y):
                super().refresh(region)
