"""One place per screen where it says what went wrong or what happened just now."""

from __future__ import annotations

from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs
from wizard.tui.content import marked


class Notice(Static):
    """A bar above the footer; empty and without height while there is nothing to say."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__("")
        self._glyphs = glyphs

    def error(self, error: WizardError) -> None:
        """Say what happened, why we think so, and what to do next."""
        what, *rest = error.sentences()
        self._show("error", self._glyphs.failed, what, " ".join(rest))

    def note(self, text: str) -> None:
        """Say something that is neither good nor bad."""
        self._show("primary", self._glyphs.caution, "", text)

    def good(self, text: str) -> None:
        """Say that something was done."""
        self._show("success", self._glyphs.passed, "", text)

    def clear(self) -> None:
        """Say nothing."""
        self.remove_class("-error", "-primary", "-success")

    def _show(self, kind: str, glyph: str, what: str, text: str) -> None:
        self.clear()
        first = f"{glyph} {what}".rstrip()
        weight = "b " if what else ""
        self.update(marked(f"[{weight}$text-{kind}]$first[/] $text", first=first, text=text))
        self.add_class(f"-{kind}")
