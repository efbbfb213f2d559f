"""Every way in which the embedded exchange says no: code, HTTP status and the documented text.

Texts are those of binance-spot-api-docs errors.md, except -2008 and -1131, which it no longer
lists (REPORTED), and the IP address that fapi appends (REPORTED, ccxt #7822). The status of -2015
differs per surface (facts/binance.md section 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wizard.errors import WizardError


class Surface(StrEnum):
    """The first part of a path; Binance serves each by programs of its own, which refuse differently."""

    API = "api"
    SAPI = "sapi"
    FAPI = "fapi"
    DAPI = "dapi"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of the table."""

    code: int
    status: int
    text: str
    """The documented text; `%s` stands where a value is put in."""


UNKNOWN_ERROR = Refusal(-1000, 500, "An unknown error occurred while processing the request.")
TOO_MUCH_WEIGHT = Refusal(
    -1003,
    429,
    "Too much request weight used; current limit is %s request weight per %s. "
    "Please use WebSocket Streams for live updates to avoid polling the API.",
)
BANNED = Refusal(
    -1003,
    418,
    "Way too much request weight used; IP banned until %s. "
    "Please use WebSocket Streams for live updates to avoid bans.",
)
OUTSIDE_WINDOW = Refusal(-1021, 400, "Timestamp for this request is outside of the recvWindow.")
AHEAD_OF_SERVER = Refusal(-1021, 400, "Timestamp for this request was 1000ms ahead of the server's time.")
BAD_SIGNATURE = Refusal(-1022, 400, "Signature for this request is not valid.")
ILLEGAL_CHARACTERS = Refusal(-1100, 400, "Illegal characters found in parameter '%s'; legal range is '%s'.")
MISSING = Refusal(-1102, 400, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.")
BAD_TIME_IN_FORCE = Refusal(-1115, 400, "Invalid timeInForce.")
BAD_ORDER_TYPE = Refusal(-1116, 400, "Invalid orderType.")
BAD_SIDE = Refusal(-1117, 400, "Invalid side.")
BAD_SYMBOL = Refusal(-1121, 400, "Invalid symbol.")
BAD_WINDOW = Refusal(-1131, 400, "recvWindow must be less than 60000")
BAD_TIME_UNIT = Refusal(-1194, 400, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
KEY_UNKNOWN = Refusal(-2008, 400, "Invalid Api-Key ID.")
KEY_MALFORMED = Refusal(-2014, 401, "API-key format invalid.")
KEY_REJECTED = Refusal(-2015, 401, "Invalid API-key, IP, or permissions for action.")


class Refused(WizardError):
    """A request is answered with `refusal`.

    Args:
        refusal: The row of the table.
        values: What stands for each `%s` of its text.
        headers: Headers that go with the answer, as `Retry-After`.
    """

    def __init__(self, refusal: Refusal, *values: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(refusal.text % values)
        self.refusal = refusal
        self.headers = dict(headers or {})

    def answer(self, surface: Surface, ip: str) -> tuple[int, dict[str, object]]:
        """Return the HTTP status and the JSON body as `surface` gives them to a caller at `ip`."""
        status, message = self.refusal.status, self.what
        if self.refusal == KEY_REJECTED and surface is Surface.SAPI:
            status = 400
        if self.refusal == KEY_REJECTED and surface is Surface.FAPI:
            message = f"{message.rstrip('.')}, request ip: {ip}"
        return status, {"code": self.refusal.code, "msg": message}
