"""One place per screen where it says what went wrong or what happened just now."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs, printable


class Notice(Static):
    """A bar above the footer; empty and without height while there is nothing to say."""

    DEFAULT_CSS = """
    Notice {
        height: auto;
        max-height: 50vh;
        padding: 0 1;
        display: none;
        background: $surface;
        color: $text;
        &.-error { display: block; color: $text; border-left: outer $error; }
        &.-note { display: block; border-left: outer $primary; }
        &.-good { display: block; border-left: outer $success; }
    }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__("")
        self._glyphs = glyphs
        self._breaks_after = self._done_text = ""

    def error(self, error: WizardError, way_out: str = "") -> None:
        """Tell what happened, why we think so, what to do next, and which key does something about it."""
        what, *rest = (printable(sentence, limit=600) for sentence in (*error.sentences(), way_out) if sentence)
        self._show(
            "-error",
            Content.from_markup(
                "[b $text-error]$glyph $what[/] $rest",
                glyph=self._glyphs.failed,
                what=what,
                rest=" ".join(rest),
            ),
        )

    def note(self, text: str) -> None:
        """Tell something that is neither good nor bad."""
        self._show(
            "-note", Content.from_markup("[$text-primary]$glyph[/] $text", glyph=self._glyphs.caution, text=text)
        )

    def good(self, text: str, *, breaks_after: str = "") -> None:
        """Tell that something was done. A line may end after the character `breaks_after`, as after a blank."""
        self._show("-good", self._done(text))
        self._breaks_after, self._done_text = breaks_after, text
        self.call_after_refresh(self.on_resize)

    def on_resize(self) -> None:
        """End the lines anew where they may end."""
        if self._breaks_after and self.size.width:
            room = self.size.width - len(self._glyphs.passed) - 1
            self.update(self._done(broken_after(self._breaks_after, self._done_text, room)))

    def _done(self, text: str) -> Content:
        return Content.from_markup("[$text-success]$glyph[/] $text", glyph=self._glyphs.passed, text=text)

    def clear(self) -> None:
        """Say nothing."""
        self._breaks_after = ""
        self.remove_class("-error", "-note", "-good")

    def _show(self, kind: str, content: Content) -> None:
        self.clear()
        self.update(content)
        self.add_class(kind)


def broken_after(mark: str, text: str, width: int) -> str:
    """Return `text` with line ends after some of its `mark`s, so that its lines are no longer than `width`."""
    lines = [""]
    for piece in text.split(mark):
        part = piece + mark
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines).removesuffix(mark)
