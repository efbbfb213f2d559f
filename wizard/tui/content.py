"""Text as the screens show it: harmless, on one line, and never markup. Nothing else here makes a `Content` of data."""

from __future__ import annotations

from textual.content import Content

from wizard.core.text import printable

_LONGEST = 2000


def plain(*lines: str) -> Content:
    """Return each text as a line, as it is."""
    return Content("\n".join(printable(line, _LONGEST) for line in lines))


def marked(markup: str, **values: object) -> Content:
    """Return markup of the program, with values in place of its variables."""
    return Content.from_markup(markup, **{name: printable(str(value), _LONGEST) for name, value in values.items()})
