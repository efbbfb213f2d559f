"""Colours that look the same over SSH: every one of them is in the xterm palette of 256.

SSH does not forward COLORTERM, so 256 colours is what remote users see; Textual's own themes
turn navy there (`$panel` #242F38 becomes #00005F; docs/terminal.md). Rich shows light
greys one step of the ramp darker than they are (#e4e4e4 as #dadada); everything else is exact.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

_CUBE_LEVELS = (0, 95, 135, 175, 215, 255)
_GREY_LEVELS = tuple(range(8, 239, 10))
_GREYS = {"background": "#121212", "surface": "#1c1c1c", "panel": "#303030", "foreground": "#e4e4e4"}
_ACCENTS = {
    "primary": "#5fafff",
    "secondary": "#87afd7",
    "accent": "#ffaf5f",
    "warning": "#ffd75f",
    "error": "#ff8787",
    "success": "#87d787",
}
_FIXED = _GREYS | _ACCENTS | {f"text-{name}": colour for name, colour in _ACCENTS.items()} | {
    # Textual makes these by transparency, whose result is in no palette.
    "boost": "#262626",
    "text": "#e4e4e4",
    "text-muted": "#a8a8a8",
    "text-disabled": "#808080",
    "foreground-muted": "#a8a8a8",
    "foreground-disabled": "#808080",
    "link-color": "#5fafff",
    "link-color-hover": "#121212",
    "border-blurred": "#444444",
    "block-cursor-foreground": "#121212",
    "block-cursor-blurred-background": "#303030",
    "block-hover-background": "#262626",
    "button-color-foreground": "#121212",
    "input-selection-background": "#005f87",
    "screen-selection-background": "#005f87",
    "markdown-h6-color": "#a8a8a8",
}  # fmt: skip


def nearest_256(colour: Color) -> Color:
    """Return the next colour of the palette's cube or grey ramp; its first 16 are the user's own."""
    red, green, blue = (_nearest(_CUBE_LEVELS, part) for part in colour.rgb)
    grey = _nearest(_GREY_LEVELS, sum(colour.rgb) / 3)
    return min(Color(red, green, blue), Color(grey, grey, grey), key=lambda one: _distance(one, colour))


def _nearest(levels: Sequence[int], value: float) -> int:
    """Return the level next to `value`, the lower one of two that are as near."""
    above = bisect(levels, value)
    return min(levels[max(above - 1, 0) : above + 1], key=lambda level: abs(level - value))


def _distance(one: Color, other: Color) -> int:
    return sum((a - b) ** 2 for a, b in zip(one.rgb, other.rgb, strict=True))


def theme_for(color_system: str | None) -> Theme:
    """Return the theme for what the terminal can show (`App.console.color_system`)."""
    return THEME_16 if color_system in {"standard", "windows", None} else THEME


@cache
def _snap(value: str) -> str:
    # Styles and `auto 87%` are not tried: Textual would look for the name of a colour that they resemble.
    if not value.startswith("#"):
        return value
    colour = Color.parse(value)
    return nearest_256(colour).hex if colour.a == 1 else value


def _derived() -> dict[str, str]:
    """The shades that Textual makes of the colours, moved into the palette; styles stay as they are."""
    base = Theme("base", **_ACCENTS, **_GREYS)  # type: ignore[arg-type]
    return {name: _snap(value) for name, value in base.to_color_system().generate().items()}


THEME = Theme("key-wizard", **_ACCENTS, **_GREYS, boost="#262626", variables=_derived() | _FIXED)  # type: ignore[arg-type]
"""For terminals with 256 colours or more."""

THEME_16 = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="key-wizard-16",
    primary="ansi_bright_blue",
    secondary="ansi_bright_cyan",
    accent="ansi_bright_yellow",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    success="ansi_bright_green",
)
"""For terminals with 16 colours: the user's own, on the user's own background."""
