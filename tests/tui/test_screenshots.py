"""The committed pictures are what the screens look like now."""

from __future__ import annotations

from pathlib import Path

from screenshots.make import HERE, make

PICTURES = sorted(path.name for path in HERE.glob("*.svg"))


async def test_the_pictures_are_not_stale(tmp_path: Path) -> None:
    await make(tmp_path)
    made = sorted(path.name for path in tmp_path.glob("*.svg"))
    stale = [name for name in made if name in PICTURES and (tmp_path / name).read_bytes() != (HERE / name).read_bytes()]
    assert made == PICTURES, "run: python -m screenshots.make"
    assert not stale, f"run: python -m screenshots.make; stale are {stale}"


def test_every_picture_has_its_png() -> None:
    assert PICTURES
    assert all((HERE / name).with_suffix(".png").stat().st_size > 1000 for name in PICTURES)
