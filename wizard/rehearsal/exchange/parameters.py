"""The parameters of a request, and the bytes that its signature covers.

"The signature payload of your request is the query string concatenated without separator to the
HTTP body" (binance-spot-api-docs, rest-api.md): as it was sent, in the order in which it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request says."""

    values: Mapping[str, str] = field(repr=False)
    """Decoded. The query counts where body and query name the same parameter (rest-api.md), the
    first where one of them names it twice (the real rule is UNKNOWN)."""
    payload: bytes = field(repr=False)
    """What was signed: query and body as sent, without the signature wherever it stood."""

    def get(self, name: str) -> str:
        """Return the parameter's value, or nothing where it was not sent."""
        return self.values.get(name, "")


def read_parameters(query: bytes, body: bytes) -> Parameters:
    """Return the parameters of a request with this query string and this body."""
    values: dict[str, str] = {}
    for segment in [*query.split(b"&"), *body.split(b"&")]:
        name, _, value = segment.partition(b"=")
        if name:
            values.setdefault(_decoded(name), _decoded(value))
    return Parameters(values, _unsigned(query) + _unsigned(body))


def _unsigned(part: bytes) -> bytes:
    return b"&".join(segment for segment in part.split(b"&") if segment.partition(b"=")[0] != SIGNATURE.encode())


def _decoded(raw: bytes) -> str:
    return unquote_plus(raw.decode("utf-8", "replace"))
