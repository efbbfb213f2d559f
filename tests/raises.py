"""What went wrong is told apart by the code of the error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wizard.core.errors import WizardError


@contextmanager
def raises_code(code: str, match: str | None = None) -> Iterator[pytest.ExceptionInfo[WizardError]]:
    """Expect a `WizardError` of this code; `match` is searched for in its first sentence."""
    with pytest.raises(WizardError, match=match) as caught:
        yield caught
    assert caught.value.code == code
