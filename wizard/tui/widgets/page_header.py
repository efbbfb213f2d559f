"""What stands above every page: where the user is, how far the job is, and a rule."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from wizard.core.text import Glyphs
from wizard.rotation.model import TITLES, Step
from wizard.steps.view import Progress, State
from wizard.tui.content import marked
from wizard.tui.safe_app import NORMAL_COLUMNS


class PageHeader(Widget):
    """The place, the steps of the job, and a rule, in one widget: three would hold up the first paint."""

    def __init__(self, progress: Progress | None, glyphs: Glyphs) -> None:
        super().__init__()
        self._place = self._corner = ""
        self._progress = progress
        self._glyphs = glyphs
        self._above_rule = ""
        self._state = State.EMPTY
        self.styles.height = 3 if progress else 2

    def show(self, place: str, corner: str, above_rule: str, state: State = State.EMPTY) -> None:
        """Show where the user is, a corner at that line's end, and words on the rule: red where they stop the user."""
        if (place, corner, above_rule, state) != (self._place, self._corner, self._above_rule, self._state):
            self._place, self._corner, self._above_rule, self._state = place, corner, above_rule, state
            self.refresh()

    def render(self) -> Content:
        """Return the lines in the width of the terminal."""
        width = self.size.width
        place = marked("[b]$text[/]", text=self._place).truncate(width, ellipsis=True)
        corner = marked("[$text-muted]$text[/]", text=self._corner)
        corner = corner.truncate(max(0, width - place.cell_length - 2), ellipsis=True)
        first = place + " " * (width - place.cell_length - corner.cell_length) + corner
        colour = "error" if self._state is State.STOP else "muted"
        markup = f" [$text-{colour}]$text[/]" if self._above_rule else ""
        words = marked(markup, text=self._above_rule)
        rule = marked("[$text-disabled]$rule[/]", rule=self._glyphs.rule * (width - words.cell_length)) + words
        middle = [_steps(self._progress, self._glyphs, width)] if self._progress else []
        return Content("\n").join([first, *middle, rule])


def _steps(progress: Progress, glyphs: Glyphs, width: int) -> Content:
    """Return the steps in one line, or the number of this one where there is no room for all."""
    steps = [step for step in progress.steps if step is not Step.DONE]
    here = len(steps) if progress.step is Step.DONE else steps.index(progress.step)
    if width < NORMAL_COLUMNS:
        at = f"{min(here + 1, len(steps))}/{len(steps)} {TITLES[progress.step]}"
        return marked("[b]$at[/]", at=at)
    parts = [_step(step, at - here, glyphs, is_skipped=step in progress.skipped) for at, step in enumerate(steps)]
    return marked(" [$text-disabled]$rule[/] ", rule=glyphs.rule * 2).join(parts)


def _step(step: Step, distance: int, glyphs: Glyphs, *, is_skipped: bool) -> Content:
    title = TITLES[step]
    if distance == 0:
        return marked("[b $text-primary]$glyph[/] [b]$title[/]", glyph=glyphs.here, title=title)
    if distance > 0:
        return marked("[$text-muted]$glyph $title[/]", glyph=glyphs.pending, title=title)
    if is_skipped:
        return marked("[$text-warning]$glyph[/] $title", glyph=glyphs.caution, title=title)
    return marked("[$text-success]$glyph[/] $title", glyph=glyphs.passed, title=title)
