"""How the terminal writes: attributes and colours (ECMA-48, SGR), and the shortest way from one look to another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29"}
"""Bold, dim, italic, underline, blink, reverse, concealed, struck: each with what ends it."""
_SEEN_ON_BLANKS = frozenset({"4", "7", "9"})
_COLOURS = {"38": "foreground", "48": "background"}
_LENGTHS = {"5": 3, "2": 5}
"""Parameters of a colour out of the palette of 256, and of one of 24 bits."""
_CUBE = ("0", "95", "135", "175", "215", "255")
_GREYS = tuple(str(level) for level in range(8, 239, 10))
"""The levels of xterm's palette."""


@dataclass(frozen=True)
class Pen:
    """A look: SGR parameters, empty where the terminal's own colour is used."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""

    @cached_property
    def on_blanks(self) -> Pen:
        """What a blank of this look shows: no letter, so no colour of letters."""
        return self if self.attributes & _SEEN_ON_BLANKS else Pen(background=self.background)

    def for_blank(self, look: Pen) -> Pen:
        """Return the pen next to this one that writes a blank like one of `look`."""
        if look.attributes:
            return look
        return replace(self, attributes=self.attributes - _SEEN_ON_BLANKS, background=look.background)


PLAIN = Pen()


@lru_cache(maxsize=512)
def dipped(pen: Pen, parameters: str) -> Pen:
    """Return `pen` after the SGR sequence with these `parameters`.

    Raises:
        ValueError: they hold something that Textual does not send.
    """
    rest = parameters.split(";")
    while rest:
        code, taken = rest[0], 1
        if code in {"", "0"}:
            pen = PLAIN
        elif code in _OFF:
            pen = replace(pen, attributes=pen.attributes | {code})
        elif code in _COLOURS and len(rest) > 1 and rest[1] in _LENGTHS:
            taken = _LENGTHS[rest[1]]
            pen = _coloured(pen, _COLOURS[code], _shortest(rest[:taken]))
        elif len(code) in {2, 3} and code[:-1] in {"3", "9"} and code[-1] in "012345679":
            pen = _coloured(pen, "foreground", "" if code == "39" else code)
        elif len(code) in {2, 3} and code[:-1] in {"4", "10"} and code[-1] in "012345679":
            pen = _coloured(pen, "background", "" if code == "49" else code)
        else:
            raise ValueError(parameters)
        rest = rest[taken:]
    return pen


def _shortest(colour: list[str]) -> str:
    """Return a colour by its place in the palette of 256, where it stands there: the theme's own all do."""
    place, *values = colour[1:]
    if place != "2":
        return ";".join(colour)
    if all(value in _CUBE for value in values):
        red, green, blue = map(_CUBE.index, values)
        return f"{colour[0]};5;{16 + 36 * red + 6 * green + blue}"
    if len(set(values)) == 1 and values[0] in _GREYS:
        return f"{colour[0]};5;{232 + _GREYS.index(values[0])}"
    return ";".join(colour)


def _coloured(pen: Pen, part: str, colour: str) -> Pen:
    return replace(pen, foreground=colour) if part == "foreground" else replace(pen, background=colour)


@lru_cache(maxsize=512)
def turn(pen: Pen, to: Pen) -> str:
    """Return the shortest sequence after which the terminal writes with `to` in the place of `pen`."""
    if pen == to:
        return ""
    whole = [*sorted(to.attributes), *filter(None, (to.foreground, to.background))]
    ways = [";".join(["0", *whole]) if whole else "", ";".join(_differences(pen, to))]
    return f"\x1b[{min(ways, key=len)}m"


def _differences(pen: Pen, to: Pen) -> list[str]:
    ended = sorted({_OFF[each] for each in pen.attributes - to.attributes})
    begun = sorted(each for each in to.attributes if each not in pen.attributes or _OFF[each] in ended)
    colours = []
    if pen.foreground != to.foreground:
        colours.append(to.foreground or "39")
    if pen.background != to.background:
        colours.append(to.background or "49")
    return [*ended, *begun, *colours]
