"""Every way in which the embedded exchange says no: code, HTTP status and the documented text.

Texts are those of binance-spot-api-docs errors.md (CONFIRMED), except:

- -2008 and -1131, which it no longer lists (REPORTED), and the IP address that fapi appends (REPORTED, ccxt #7822);
- -9000 for keys of sub-accounts: documented for FIX flags without an Ed25519 key. All other codes of those calls are
  UNKNOWN, so that this one stands for them, with texts of this exchange;
- -4056 for a log-on with an HMAC key (REPORTED for the futures WebSocket API). For an RSA key the same is assumed.

The status of -2015 differs per surface: 401 on the WebSocket API (CONFIRMED), 401 on /api and /fapi and
400 on /sapi (REPORTED, docs/binance.md). Which code a malformed frame or an unknown method gets is
UNKNOWN; those used here are documented for that kind of mistake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from wizard.core.errors import WizardError


class Surface(StrEnum):
    """The first part of a path; Binance serves each by programs of its own, which refuse differently."""

    API = "api"
    SAPI = "sapi"
    FAPI = "fapi"
    DAPI = "dapi"
    WEBSOCKET_API = "ws-api"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of the table."""

    code: int
    status: int
    text: str
    """The documented text; `%s` stands where a value is put in."""


UNKNOWN_ERROR = ErrorCode(-1000, 500, "An unknown error occurred while processing the request.")
TOO_MUCH_WEIGHT = ErrorCode(
    -1003,
    429,
    "Too much request weight used; current limit is %s request weight per %s. "
    "Please use WebSocket Streams for live updates to avoid polling the API.",
)
UNSUPPORTED = ErrorCode(-1020, 400, "This operation is not supported.")
OUTSIDE_WINDOW = ErrorCode(-1021, 400, "Timestamp for this request is outside of the recvWindow.")
AHEAD_OF_SERVER = ErrorCode(-1021, 400, "Timestamp for this request was 1000ms ahead of the server's time.")
BAD_SIGNATURE = ErrorCode(-1022, 400, "Signature for this request is not valid.")
ILLEGAL_CHARACTERS = ErrorCode(-1100, 400, "Illegal characters found in parameter '%s'; legal range is '%s'.")
DUPLICATE_VALUES = ErrorCode(-1101, 400, "Duplicate values for a parameter detected.")
MISSING = ErrorCode(-1102, 400, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.")
EMPTY = ErrorCode(-1105, 400, "Parameter '%s' was empty.")
BAD_ORDER_TYPE = ErrorCode(-1116, 400, "Invalid orderType.")
BAD_SIDE = ErrorCode(-1117, 400, "Invalid side.")
BAD_SYMBOL = ErrorCode(-1121, 400, "Invalid symbol.")
BAD_WINDOW = ErrorCode(-1131, 400, "recvWindow must be less than 60000")
INVALID_JSON = ErrorCode(-1135, 400, "Invalid JSON Request")
INVALID_JSON_PARAMETER = ErrorCode(-1135, 400, "JSON sent for parameter '%s' is not valid")
BAD_TIME_UNIT = ErrorCode(-1194, 400, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
KEY_UNKNOWN = ErrorCode(-2008, 400, "Invalid Api-Key ID.")
KEY_MALFORMED = ErrorCode(-2014, 401, "API-key format invalid.")
KEY_REJECTED = ErrorCode(-2015, 401, "Invalid API-key, IP, or permissions for action.")
SUB_ACCOUNT = ErrorCode(-9000, 400, "%s")
KEY_KIND_UNSUPPORTED = ErrorCode(-4056, 400, "%s API key is not supported.")


class PageError(WizardError):
    """The simulated page refuses what was entered; `what` is the message that it shows, `status` that of HTTP."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RequestError(WizardError):
    """A request is answered with a row of the table, each `%s` of its text replaced by one of the values.

    `retry_after` are the seconds after which the caller may ask again; None where that is no question of time.
    """

    def __init__(self, refusal: ErrorCode, *values: object, retry_after: float | None = None) -> None:
        super().__init__(refusal.text % values)
        self.refusal = refusal
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the answer over HTTP."""
        return {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}

    def answer(self, surface: Surface, ip: str) -> tuple[int, dict[str, object]]:
        """Return the HTTP status and the JSON body as `surface` gives them to a caller at `ip`."""
        status, message = self.refusal.status, self.what
        if self.refusal == KEY_REJECTED and surface is Surface.SAPI:
            status = 400
        if self.refusal == KEY_REJECTED and surface is Surface.FAPI:
            message = f"{message.rstrip('.')}, request ip: {ip}"
        return status, {"code": self.refusal.code, "msg": message}
