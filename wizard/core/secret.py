"""Secret: a value that never prints itself.

Python cannot promise that no copy of a string stays in memory (`str` is immutable); what this
type promises is that a secret is not shown by accident: in a traceback, a log line, an f-string,
a pickle, a worker's description or a comparison that leaks by its timing.
"""

from __future__ import annotations

from typing import NoReturn, Self, final

FINGERPRINT_DIGITS = 12
DIGITS = 32
"""Of the SHA-256 of a whole text; more would look like a key."""
MASK = "••••••••"


class Wipeable:
    """What a `with` block overwrites in memory at its end."""

    __slots__: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def wipe(self) -> None:
        """Overwrite every secret among the values of a record."""
        for value in (getattr(self, name) for name in self.__slots__):
            if isinstance(value, Secret):
                value.wipe()


@final
class Secret(Wipeable):
    """Text that is revealed only by `reveal()` and can be wiped.

    Equality is by value and takes the same time wherever the values differ. A `Secret` is not
    hashable: a set or a dictionary of secrets would compare them by hash first.
    """

    __slots__ = ("_bytes",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str = "") -> None:
        # Variables and arguments that are not UTF-8 come as lone surrogates: what is to be refused is held first.
        self._bytes = bytearray(text, "utf-8", "surrogatepass")

    def reveal(self) -> str:
        """Return the text itself. Keep the result in no variable that outlives the call."""
        return self._bytes.decode("utf-8", "surrogatepass")

    def wipe(self) -> None:
        """Overwrite the text in memory; afterwards the secret is empty."""
        self._bytes[:] = bytes(len(self._bytes))
        self._bytes.clear()

    def fingerprint(self, digits: int = FINGERPRINT_DIGITS) -> str:
        """Return the first hex digits of the text's SHA-256."""
        import hashlib  # noqa: PLC0415 - the first screen is there before OpenSSL

        return hashlib.sha256(self._bytes).hexdigest()[:digits]

    def last_four(self) -> str:
        """Return the last four characters, or nothing when that would show half of the text."""
        text = self.reveal()
        return text[-4:] if len(text) >= 8 else ""

    def __len__(self) -> int:
        return len(self._bytes.decode("utf-8", "surrogatepass"))

    def __bool__(self) -> bool:
        return bool(self._bytes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # noqa: PLC0415

        return hmac.compare_digest(self._bytes, other._bytes)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        # copy.copy and copy.deepcopy ask for this too.
        raise TypeError("a Secret is neither pickled nor copied")
