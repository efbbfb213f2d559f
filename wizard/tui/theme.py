"""Colours that look the same over SSH: every one that is drawn is in the xterm palette of 256.

SSH does not forward COLORTERM, so 256 colours is what remote users see; Textual's own themes
turn navy there (`$panel` #242F38 becomes #00005F; docs/terminal.md). Rich shows light
greys one step of the ramp darker than they are (#e4e4e4 as #dadada); everything else is exact.
"""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

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
    "link-color": "#5fafff",
    "link-color-hover": "#121212",
    "border-blurred": "#444444",
    "scrollbar": "#444444",
    "scrollbar-hover": "#005f87",
    "block-cursor-foreground": "#121212",
    "input-selection-background": "#005f87",
    "screen-selection-background": "#005f87",
}  # fmt: skip


def theme_for(color_system: str | None) -> Theme:
    """Return the theme for what the terminal can show (`App.console.color_system`)."""
    return THEME_16 if color_system in {"standard", "windows", None} else THEME


THEME = Theme("key-wizard", **_ACCENTS, **_GREYS, boost="#262626", variables=_FIXED)  # type: ignore[arg-type]
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
