"""What the exit codes mean."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit code of a command; a signal n gives 128 + n."""

    FINE = 0
    SAYS_NO = 1
    USAGE = 2
    ROTATION_OPEN = 3
    LEGACY_ALIVE = 4
    KEYRING_UNUSABLE = 5
    INCONCLUSIVE = 6
    INTERNAL_ERROR = 70
