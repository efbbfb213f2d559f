from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.app import App
from textual.color import Color, ColorParseError
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from wizard.tui import theme
from wizard.tui.safe_app import SafeApp
from wizard.tui.theme import THEME, THEME_16, theme_for

CUBE = (0, 95, 135, 175, 215, 255)
PALETTE = {(red, green, blue) for red in CUBE for green in CUBE for blue in CUBE} | {
    (8 + 10 * n,) * 3 for n in range(24)
}
GREY_STEP = 10
TUI = Path(theme.__file__).parent
KEPT = {"boost", "text", "block-cursor-foreground", "block-cursor-background"}


def variables() -> dict[str, str]:
    app = SafeApp()
    app.theme = THEME.name
    return app.get_css_variables()


def drawn() -> set[str]:
    """The names that stand in the styles of the wizard, and in those of the widgets of Textual that it draws."""
    sources = [file.read_text("utf-8") for kind in ("*.py", "*.tcss") for file in TUI.rglob(kind)]
    sources += [cls.DEFAULT_CSS for cls in (Widget, Screen, ModalScreen, Input, Static, VerticalScroll, App)]
    names = set(re.findall(r"\$([a-z][a-z0-9-]+)", "".join(sources)))
    return names | {f"text-{name}" for name in ("primary", "secondary", "accent", "warning", "error", "success")} | KEPT


def colours() -> dict[str, Color]:
    found = {}
    names = drawn()
    for name, value in variables().items():
        if name not in names:
            continue
        try:
            found[name] = Color.parse(value)
        except ColorParseError:
            assert name.endswith(("-style", "-style-hover", "link-background")), f"{name} is {value}"
    return found


def shown_in_256(colour: Color) -> tuple[int, int, int]:
    return tuple(RichColor.from_rgb(*colour.rgb).downgrade(ColorSystem.EIGHT_BIT).get_truecolor())  # type: ignore[return-value]


def luminance(colour: Color) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def contrast(one: Color, other: Color) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_colour_is_opaque_or_absent_and_in_the_palette_of_256() -> None:
    wrong = {name: colour for name, colour in colours().items() if colour.a != 0 and colour.rgb not in PALETTE}
    assert wrong == {}
    assert {colour.a for colour in colours().values()} == {0, 1}


def test_no_colour_but_light_grey_changes_in_256_colours() -> None:
    for name, colour in colours().items():
        if colour.a == 0:
            continue
        drift = max(abs(a - b) for a, b in zip(colour.rgb, shown_in_256(colour), strict=True))
        is_light_grey = len(set(colour.rgb)) == 1 and colour.rgb[0] > 148
        assert drift <= (GREY_STEP if is_light_grey else 0), name


@pytest.mark.parametrize("background", ["background", "surface", "panel", "boost"])
@pytest.mark.parametrize(("text", "least"), [("foreground", 7), ("text", 7), ("text-muted", 4.5)])
def test_text_stands_out_also_as_256_colours_show_it(background: str, text: str, least: float) -> None:
    found = colours()
    shown = Color(*shown_in_256(found[text]))
    assert contrast(shown, found[background]) >= least


@pytest.mark.parametrize("text", ["primary", "secondary", "accent", "warning", "error", "success"])
def test_coloured_text_stands_out_on_every_background(text: str) -> None:
    found = colours()
    for background in ("background", "surface", "panel"):
        assert contrast(found[f"text-{text}"], found[background]) >= 4.5


def test_text_on_a_coloured_bar_stands_out() -> None:
    found = colours()
    assert contrast(found["block-cursor-foreground"], found["block-cursor-background"]) >= 7
    assert contrast(found["input-selection-foreground"], found["input-selection-background"]) >= 4.5


@pytest.mark.parametrize(
    ("system", "chosen"), [("256", THEME), ("truecolor", THEME), ("standard", THEME_16), (None, THEME_16)]
)
def test_sixteen_colours_get_the_terminal_s_own(system: str | None, chosen: object) -> None:
    assert theme_for(system) is chosen
