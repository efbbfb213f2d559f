"""Refusals by their code: what programs tell them apart by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wizard.custody.errors import CustodyError


@contextmanager
def refused(code: str, match: str | None = None) -> Iterator[pytest.ExceptionInfo[CustodyError]]:
    with pytest.raises(CustodyError, match=match) as caught:
        yield caught
    assert caught.value.code == code
