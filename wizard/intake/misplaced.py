"""A key where a path belongs: told by its shape, so that it is not drawn. Pure."""

from __future__ import annotations

import re

from wizard.pasted import without_remnants

_FRAME = "-----"
_LONG_RUN = re.compile(r"[A-Za-z0-9]{40,}")
_DIGEST = re.compile(r"[0-9a-f]+")
"""Files are named by such runs, and no API key was seen that has lower-case hexadecimal digits alone."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{44,}={0,2}")
_ENOUGH = {"0-9": 3, "A-Z": 10, "a-z": 10}
"""How many of each the base64 of random bytes has at least; the names in a path do not."""
_SHORT_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_MIXED_RUN = re.compile(r"(?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{12,}")


def looks_like_key(text: str) -> bool:
    """Return whether `text` is no path but an API key, a secret, a PEM block, or lines with such."""
    cleaned = without_remnants(text).strip()
    if _FRAME in cleaned or len(cleaned.splitlines()) > 1:
        return True
    runs = _LONG_RUN.findall(cleaned)
    return any(run == cleaned or not _DIGEST.fullmatch(run) for run in runs) or _is_base64(cleaned)


def may_become_key(text: str) -> bool:
    """Return whether `text` could be the beginning of a key that is still being typed."""
    return text.startswith("--") or bool(_SHORT_RUN.search(text) or _MIXED_RUN.search(text))


def _is_base64(text: str) -> bool:
    return bool(_BASE64.fullmatch(text)) and all(
        len(re.findall(f"[{kind}]", text)) >= number for kind, number in _ENOUGH.items()
    )
