"""Which secrets were let go without having been overwritten."""

from __future__ import annotations

import gc

import pytest

from wizard.core.secret import Secret


class Unwiped:
    """Watches every `Secret` that is made from here on; earlier tests may have left some with the same value."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gc.collect()
        self._earlier = _alive()
        self._dropped: list[str] = []
        dropped = self._dropped
        monkeypatch.setattr(Secret, "__del__", lambda self: dropped.append(self.reveal()), raising=False)

    def of(self, *values: str) -> int:
        """Return how many secrets with one of these values are alive, or were dropped while they still held it."""
        gc.collect()
        earlier = set(map(id, self._earlier))
        alive = [found.reveal() for found in _alive() if id(found) not in earlier]
        return sum(held in values for held in [*alive, *self._dropped])


def _alive() -> list[Secret]:
    return [found for found in gc.get_objects() if isinstance(found, Secret)]
