"""Text that changes at every key: only the cells that changed are sent over the line."""

from __future__ import annotations

from textual.content import Content
from textual.strip import Strip
from textual.visual import Visual
from textual.widgets import Static

from wizard.tui.widgets.repaint import changed_part, lines_of


class LiveText(Static):
    """Wrapped text. Unlike a `Static` it repaints no cell that stays as it is, and asks for no layout by itself.

    Args:
        grows: Whether it becomes higher for more lines; else what does not fit is cut.
        breaks_after: The character, beside blanks, after which a line of plain text may end.
        id: The widget's id.
        classes: Its classes.
    """

    DEFAULT_CSS = """
    LiveText { height: 1; }
    """

    def __init__(self, *, grows: bool = False, breaks_after: str = "", id: str, classes: str = "") -> None:
        super().__init__("", id=id, classes=classes)
        self._grows = grows
        self._breaks_after = breaks_after
        self._content = Content("")
        self._lines: list[Strip] = []

    @property
    def visual(self) -> Visual:
        """What is shown, before it is wrapped."""
        return self._content

    def show(self, content: Content) -> None:
        """Show `content` in the place of what is shown."""
        self._content = content
        width = self.size.width
        if not width:
            return
        wrapped = self._wrapped(width)
        if self._grows and (height := max(1, len(wrapped))) != self.size.height:
            self.styles.height = height
        lines = lines_of(wrapped, self.size.height, width, self.rich_style)
        for y, line in enumerate(lines):
            known = self._lines[y] if y < len(self._lines) else Strip([])
            if region := changed_part(known, line, y):
                self.refresh(region)
        self._lines = lines

    def render_line(self, y: int) -> Strip:
        """Return one line, filled up to the width."""
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def on_resize(self) -> None:
        """Wrap anew."""
        self._lines = []
        self.show(self._content)

    def _wrapped(self, width: int) -> list[Strip]:
        content = self._content
        if self._breaks_after:
            content = Content(broken_after(self._breaks_after, content.plain, width))
        return Visual.to_strips(self, content, width, None, self.visual_style)


def broken_after(mark: str, text: str, width: int) -> str:
    """Return `text` with line ends after some of its `mark`s, so that its lines are no longer than `width`."""
    lines = [""]
    for piece in text.split(mark):
        part = piece + mark
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines).removesuffix(mark)
