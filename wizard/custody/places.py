"""The places of credentials as phrases within a sentence: no other module says which one it is in its own words."""

from __future__ import annotations

from typing import Final

from wizard.settings import Place

PHRASES: Final = {Place.KEYRING: "the keyring", Place.ENCRYPTED_FILE: "the encrypted file"}
MEMORY: Final = "this program's memory"
NOT_KNOWN: Final = "the place of the credentials"
"""Before a rehearsal has found out whether it can use the keyring."""
