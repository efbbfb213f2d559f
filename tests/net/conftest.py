"""The echo services and the proxy of the egress tests."""

from __future__ import annotations

from tests.egress.conftest import proxy, rules, town

__all__ = ["proxy", "rules", "town"]
