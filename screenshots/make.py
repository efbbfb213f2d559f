"""Makes the pictures: every page in its states at 80x24, 60x20 and 160x50 as PNG, and a few as SVG, to be compared.

    python -m screenshots.make            into this directory
    python -m screenshots.make probe home only those whose names begin so

The SVGs are `COMPARED`, which tests/tui/test_screenshots.py checks. The PNGs want Debian's fonts-dejavu-core.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from screenshots.shots import SHOTS, Shot
from screenshots.stagehand import on_stage

HERE = Path(__file__).parent
SIZES = {"": (80, 24), "-60x20": (60, 20), "-160x50": (160, 50)}
ZOOM = {"-60x20": 0.75, "-160x50": 0.6}
FAMILY = "DejaVu Sans Mono"
FONTS = [Path("/usr/share/fonts/truetype/dejavu") / f"DejaVuSansMono{weight}.ttf" for weight in ("", "-Bold")]
COMPARED = ("home", "egress", "whitelist-stop", "credentials", "probe", "retire", "summary")
"""Each step once."""


async def shoot(shot: Shot, keep: Callable[[str, str], object], sizes: Iterable[str] = SIZES) -> None:
    """Take a picture in each size, and give its name and its SVG to `keep`."""
    async with on_stage(shot) as app:
        for suffix in sizes:
            await app.resize(*SIZES[suffix])
            keep(shot.name + suffix, app.picture())


def save(name: str, svg: str) -> None:
    """Write an SVG as PNG into this directory."""
    import resvg_py  # noqa: PLC0415 - only here

    # Fira Code, which the SVG asks for, has no ✗ and draws ----- as one line.
    png = resvg_py.svg_to_bytes(
        svg_string=svg.replace("arial", FAMILY).replace("Fira Code", FAMILY),
        zoom=next((zoom for suffix, zoom in ZOOM.items() if name.endswith(suffix)), 1),
        skip_system_fonts=True,
        font_files=[str(font) for font in FONTS],
        monospace_family=FAMILY,
    )
    (HERE / f"{name}.png").write_bytes(bytes(png))


async def make_compared(directory: Path) -> None:
    """Write the SVGs that are compared into `directory`."""
    for shot in SHOTS:
        if shot.name in COMPARED:
            await shoot(shot, lambda name, svg: (directory / f"{name}.svg").write_text(svg, "utf-8"), [""])


async def main(beginnings: tuple[str, ...]) -> None:
    """Make the pictures."""
    if missing := [font for font in FONTS if not font.exists()]:
        sys.exit(f"{missing[0]} is missing: apt-get install fonts-dejavu-core")
    for shot in SHOTS:
        if shot.name.startswith(beginnings):
            await shoot(shot, save)
    if beginnings == ("",):
        await make_compared(HERE)
        names = {shot.name + suffix for shot in SHOTS for suffix in SIZES}
        for old in HERE.glob("*.png"):
            if old.stem not in names:
                old.unlink()


if __name__ == "__main__":
    asyncio.run(main(tuple(sys.argv[1:]) or ("",)))
