"""Key Wizard: replaces a Binance API key safely and stays until the legacy key is proven dead.

For programs that use a key. What each function does is described in `wizard.rotation.current_credentials`, which is
loaded by the first call only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from threading import Event

    from wizard.core.credentials import Credentials

__version__ = "0.1.0"


def current_credentials(environment: str) -> Credentials:
    """Return the credentials in use in an environment, read from the keyring."""
    found: Credentials = _here().current_credentials(environment)
    return found


def watch_credentials(environment: str, stop_event: Event | None = None) -> Iterator[Credentials]:
    """Yield the credentials in use in an environment, and again each time that others take their place."""
    found: Iterator[Credentials] = _here().watch_credentials(environment, stop_event)
    return found


def awatch_credentials(environment: str) -> AsyncIterator[Credentials]:
    """Yield as `watch_credentials` does, for `async for`."""
    found: AsyncIterator[Credentials] = _here().awatch_credentials(environment)
    return found


def _here() -> Any:
    return import_module("wizard.rotation.current_credentials")
