"""The committed pictures are what the screens look like now."""

from __future__ import annotations

from pathlib import Path

from screenshots.make import HERE, make_compared


async def test_the_pictures_are_not_stale(tmp_path: Path) -> None:
    await make_compared(tmp_path)
    committed, made = ({path.name: path.read_bytes() for path in place.glob("*.svg")} for place in (HERE, tmp_path))
    assert made.keys() == committed.keys()
    stale = [name for name in made if made[name] != committed[name]]
    assert not stale, f"run: python -m screenshots.make; stale are {stale}"
