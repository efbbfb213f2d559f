"""A master account's client of the embedded exchange, written apart from the wizard's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from embedded_client import HmacSigner, Host, ManualClock, Signer, refusal

EMAIL = "bot+1@example.com"
LISTED = "203.0.113.42"
V1, V2 = "/sapi/v1/sub-account/", "/sapi/v2/sub-account/"
KEYS, KEYS_V2, PERMISSION = V1 + "subAccountApi", V2 + "subAccountApi", V1 + "subAccountApiPermission"
RESTRICTION, RESTRICT, REMOVE = KEYS + "/ipRestriction", KEYS_V2 + "/ipRestriction", KEYS + "/ipRestriction/ipList"
LIST = V1 + "list"
TRADES = {"canTrade": "true", "canFuturesTrade": "true"}
SUB_ACCOUNT_REFUSAL = (400, -9000)


@dataclass(frozen=True)
class Master:
    """Calls as the master account; what writes has its parameters in the body."""

    host: Host
    signer: Signer
    clock: ManualClock

    async def call(self, method: str, path: str, *, in_query: bool = False, **parameters: object) -> httpx.Response:
        given = {"email": EMAIL, **parameters, "timestamp": round(self.clock.now * 1000)}
        payload = urlencode({name: value for name, value in given.items() if value is not None}, quote_via=quote)
        signed = f"{payload}&signature={quote(self.signer.sign(payload.encode()), safe='')}"
        places = (signed, "") if in_query or method == "GET" else ("", signed)
        return await self.host.raw(method, path, self.signer.api_key, *places)

    async def done(self, method: str, path: str, **parameters: object) -> Any:
        answer = await self.call(method, path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, **parameters: object) -> tuple[int, int]:
        return refusal(await self.call(method, path, **parameters))

    async def create(self, path: str = KEYS_V2, **parameters: object) -> Any:
        given = {"apiName": "rotated", "status": 2, "ipAddress": LISTED, **TRADES, **parameters}
        return await self.done("POST", path, **given)

    async def hmac_key(self, **parameters: object) -> HmacSigner:
        made = await self.create(**parameters)
        return HmacSigner(made["apiKey"], made["secretKey"])

    async def rows(self, **parameters: object) -> list[Any]:
        rows: list[Any] = (await self.done("GET", KEYS, **parameters))["rows"]
        return rows

    async def attempts(self, method: str, path: str = KEYS_V2) -> list[int]:
        """The HTTP status of each such call, in order."""
        log: list[Any] = list(await self.host.log())
        return [entry["status"] for entry in log if (entry["method"], entry["path"]) == (method, path)]


async def open_account(host: Host, email: str = EMAIL, **flags: bool) -> int:
    answer = await host.page("POST", "/sub-accounts", {"email": email, **flags})
    assert answer.status_code == 201, answer.text
    uid: int = answer.json()["uid"]
    return uid


async def master_of(host: Host, clock: ManualClock, **form: object) -> Master:
    key = await host.hmac_key(**{"whitelist": LISTED, **form})
    return Master(host, key, clock)
