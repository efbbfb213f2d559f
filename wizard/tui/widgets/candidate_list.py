"""The addresses that can go to the whitelist, a row each: ticked or not, and who says so."""

from __future__ import annotations

from textual.content import Content

from wizard.egress.selection import Candidate
from wizard.text import printable
from wizard.tui.widgets.option_rows import OptionRows


class CandidateList(OptionRows):
    """Rows to tick. Which of them are ticked is decided elsewhere; the cursor stays on its address."""

    DEFAULT_CSS = """
    CandidateList {
        height: auto;
        max-height: 5;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        scrollbar-size-vertical: 1;
        display: none;
        &.-filled { display: block; }
    }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._candidates: tuple[Candidate, ...] = ()

    @property
    def candidate(self) -> Candidate | None:
        """The row with the cursor; None where there are no rows."""
        index = self.highlighted
        return self._candidates[index] if index is not None and index < len(self._candidates) else None

    def show(self, candidates: tuple[Candidate, ...]) -> None:
        """Show these rows in the place of those before."""
        stood_on = self.candidate.address if self.candidate else None
        self._candidates = candidates
        self.clear_options()
        width = max((len(str(candidate.address)) for candidate in candidates), default=0)
        self.add_options(_row(candidate, width) for candidate in candidates)
        self.set_class(bool(candidates), "-filled")
        addresses = [candidate.address for candidate in candidates]
        if addresses:
            self.highlighted = addresses.index(stood_on) if stood_on in addresses else 0


def _row(candidate: Candidate, width: int) -> Content:
    mark = "x" if candidate.is_wanted else " "
    return Content(f"[{mark}] {candidate.address!s:<{width}}  {printable(candidate.witnesses, 200)}")
