from __future__ import annotations

from tests.rotation.conftest import world

__all__ = ["world"]
