"""Key Wizard: replaces a Binance API key safely and stays until the legacy key is proven dead."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.core.credentials import Credentials

__version__ = "0.1.0"


def current_credentials(environment: str) -> Credentials:
    """Return the credentials in use in an environment, read from the keyring.

    See `wizard.rotation.current_credentials.current_credentials`, which is loaded by the first call only.
    """
    found: Credentials = import_module("wizard.rotation.current_credentials").current_credentials(environment)
    return found
