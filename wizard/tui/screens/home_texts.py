"""What home says: one line per environment, what was checked, what comes next."""

from __future__ import annotations

from textual.content import Content

from wizard.core.clock import duration
from wizard.core.text import Glyphs
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Overview
from wizard.rotation.model import TITLES, Finding, Outcome, Step


def way(glyphs: Glyphs) -> Content:
    """Return the steps in order."""
    arrow = f" {glyphs.arrow} "
    steps = arrow.join(title for step, title in TITLES.items() if step is not Step.DONE)
    return Content.from_markup("[$text-muted]$steps[/]", steps=steps)


def next_step(flow: Flow) -> str:
    """Say what Enter does next."""
    if flow.rotation:
        step = "the summary" if flow.step is Step.DONE else f"the step {flow.step}"
        return f"Enter resumes the open rotation at {step}."
    if flow.current:
        return f"Enter begins to replace {flow.current.name}."
    return "Enter sets up the first key. A adopts a key that is in use already."


def check(finding: Finding, glyphs: Glyphs) -> Content:
    """Return what was checked, with its outcome and what it does not prove."""
    is_fine = finding.outcome is Outcome.PASSED
    gap = f" Not proven: {finding.does_not_prove}." if finding.does_not_prove else ""
    return Content.from_markup(
        f"[{'$text-success' if is_fine else '$text-warning'}]$glyph[/] [b]$subject[/]  $observed",
        glyph=glyphs.passed if is_fine else glyphs.caution,
        subject=finding.subject,
        observed=finding.observed + gap,
    )


def caution(text: str, glyphs: Glyphs) -> Content:
    """Return a warning."""
    return Content.from_markup("[$text-warning]$glyph[/] $text", glyph=glyphs.caution, text=text)


def pending(text: str, glyphs: Glyphs) -> Content:
    """Return something under way, or done."""
    return Content.from_markup("[$text-primary]$glyph[/] $text", glyph=glyphs.pending, text=text)


def call(text: str, glyphs: Glyphs) -> Content:
    """Return what to do next."""
    return Content.from_markup("[b $text-primary]$glyph[/] [b]$text[/]", glyph=glyphs.current, text=text)


def row(one: Overview, now: float, width: int) -> str:
    """Return one environment as a line of `width` columns."""
    key = str(one.current.name) if one.current else "none yet"
    age = duration(now - one.current.stored_at) if one.current else ""
    site = one.environment.site.name
    alive = "  legacy alive" if one.legacy else "  open" if one.open_rotation else ""
    if width < 72:
        return f"{one.environment.name:<13} {key:<21}{alive}"
    return f"{one.environment.name:<13} {site:<20} {key:<23} {age:<11}{alive}"
