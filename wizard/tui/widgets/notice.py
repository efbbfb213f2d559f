"""One place per screen where it says what went wrong or what happened just now."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs, printable


class Notice(Static):
    """A bar above the footer; empty and without height while there is nothing to say."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__("")
        self._glyphs = glyphs

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

    def good(self, text: str) -> None:
        """Tell that something was done."""
        self._show("-good", Content.from_markup("[$text-success]$glyph[/] $text", glyph=self._glyphs.passed, text=text))

    def clear(self) -> None:
        """Say nothing."""
        self.remove_class("-error", "-note", "-good")

    def _show(self, kind: str, content: Content) -> None:
        self.clear()
        self.update(content)
        self.add_class(kind)
