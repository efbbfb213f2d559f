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
    """Decoded. The query counts where body and query name the same parameter (rest-api.md)."""
    payload: bytes = field(repr=False)
    """What was signed: query and body as sent, without the signature wherever it stood."""
    is_ambiguous: bool = False
    """The query or the body names a parameter twice."""

    def get(self, name: str) -> str:
        """Return the parameter's value, or nothing where it was not sent."""
        return self.values.get(name, "")


def read_parameters(query: bytes, body: bytes) -> Parameters:
    """Return the parameters of a request with this query string and this body."""
    in_query, in_body = _pairs(query), _pairs(body)
    is_ambiguous = any(len(dict(pairs)) < len(pairs) for pairs in (in_query, in_body))
    return Parameters({**dict(in_body), **dict(in_query)}, _unsigned(query) + _unsigned(body), is_ambiguous)


def _pairs(part: bytes) -> list[tuple[str, str]]:
    named = (segment.partition(b"=") for segment in part.split(b"&"))
    return [(_decoded(name), _decoded(value)) for name, _, value in named if name]


def _unsigned(part: bytes) -> bytes:
    return b"&".join(segment for segment in part.split(b"&") if segment.partition(b"=")[0] != SIGNATURE.encode())


def _decoded(raw: bytes) -> str:
    return unquote_plus(raw.decode("utf-8", "replace"))
