"""Is there anything to a password that somebody chose?"""

from __future__ import annotations

from wizard.secret import Secret
from wizard.text import UNPRINTABLE


def visible(password: Secret) -> str:
    """Return the characters that can be seen: neither blanks nor controls nor what has no width."""
    return "".join(UNPRINTABLE.sub("", password.reveal()).split())
