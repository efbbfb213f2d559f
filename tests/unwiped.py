"""Which secrets were let go without having been overwritten."""

from __future__ import annotations

import gc

import pytest

from wizard.core.secret import Secret


class Unwiped:
    """Watches every `Secret` from here on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._dropped: list[str] = []
        dropped = self._dropped
        monkeypatch.setattr(Secret, "__del__", lambda self: dropped.append(self.reveal()), raising=False)

    def of(self, *values: str) -> int:
        """Return how many secrets with one of these values are alive, or were dropped while they still held it."""
        gc.collect()
        alive = [found.reveal() for found in gc.get_objects() if isinstance(found, Secret)]
        return sum(held in values for held in [*alive, *self._dropped])
