"""A key where a path belongs: told by its shape, so that it is not drawn. Pure."""

from __future__ import annotations

import re

from wizard.core.key_shape import FRAME, holds_key
from wizard.intake.pasted import without_remnants

_BEGIN = f"{FRAME}BEGIN "
_END = re.compile(rf"{FRAME}END [A-Z0-9 ]+{FRAME}")
_DIGEST_DIRECTORY = re.compile(r"(?<=/)[0-9a-f]{40,}(?=/)")
"""Containers and volumes are kept in such; no key stands between two slashes."""
_SHORT_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_MIXED_RUN = re.compile(r"(?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{12,}")


def looks_like_key(text: str) -> bool:
    """Return whether `text` is no path but an API key, a secret, a PEM block, or lines with such."""
    cleaned = without_remnants(text).strip()
    if FRAME in cleaned or len(cleaned.splitlines()) > 1:
        return True
    return holds_key(_DIGEST_DIRECTORY.sub("", cleaned))


def may_become_key(text: str) -> bool:
    """Return whether `text` could be the beginning of a key that is still being typed."""
    return text.startswith("--") or bool(_SHORT_RUN.search(text) or _MIXED_RUN.search(text))


def is_unfinished_pem(text: str) -> bool:
    """Return whether `text` is a PEM block, or perhaps the beginning of one, whose last line is not there yet."""
    begun = without_remnants(text).lstrip()
    is_begun = begun.startswith(_BEGIN) or (begun.startswith(FRAME) and _BEGIN.startswith(begun))
    return is_begun and not _END.search(begun)
