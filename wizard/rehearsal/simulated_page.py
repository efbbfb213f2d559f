"""The simulated page: in a rehearsal, the stand-in for the exchange's API-management page. This is its client."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret, Wipeable

DEADLINE = 5.0


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key as the page lists it."""

    kind: KeyKind
    api_key: Secret
    whitelist: tuple[str, ...] | None
    """None for a key that works from anywhere."""
    state: str
    permissions: dict[str, bool]


@dataclass(frozen=True, slots=True)
class NewKey(Wipeable):
    """What the page shows once, when a key is created."""

    api_key: Secret
    secret: Secret
    """Empty for a key whose public half was given."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the activity log."""

    at: float
    api_key: Secret
    address: str
    path: str
    code: int


def open_client() -> httpx.AsyncClient:
    """Return a client for the embedded exchange: plain HTTP, so that no authority is read (20 ms) and none trusted."""
    return httpx.AsyncClient(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=DEADLINE)


def permissions_of_others(key: ListedKey, keys: tuple[ListedKey, ...]) -> dict[str, bool]:
    """What a key may do once everything that one of the other keys may do is switched on for it."""
    granted = {name for other in keys if other != key for name, is_on in other.permissions.items() if is_on}
    return {**key.permissions, **dict.fromkeys(granted, True)}


class SimulatedPage:
    """Talks to the simulated page of one account. Its methods raise WizardError where the page refuses.

    Args:
        desk_url: Where the embedded exchange has its page.
        account: The email of the sub-account; None for the master account.
    """

    def __init__(self, desk_url: str, account: str | None = None) -> None:
        self._url = desk_url
        self._account = account

    def of_master(self) -> SimulatedPage:
        """Return the page of the master account."""
        return SimulatedPage(self._url)

    async def open_account(self) -> None:
        """Open the sub-account."""
        await self._call("POST", "/sub-accounts", {"email": self._account})

    async def create(
        self, label: str, kind: KeyKind, whitelist: str, *, public_key: str = "", **permissions: bool
    ) -> NewKey:
        """Create a key."""
        body: dict[str, object] = {"label": label, "kind": kind, "whitelist": whitelist, "permissions": permissions}
        body["account"] = self._account
        if public_key:
            body["public_key"] = public_key
        made = await self._call("POST", "/keys", body)
        return NewKey(Secret(made["api_key"]), Secret(made.get("secret") or ""))

    async def keys(self) -> tuple[ListedKey, ...]:
        """List the keys that exist, in the order of their creation."""
        return tuple(
            ListedKey(
                kind=KeyKind(key["kind"]),
                api_key=Secret(key["api_key"]),
                whitelist=None if key["whitelist"] is None else tuple(key["whitelist"]),
                state=key["state"],
                permissions=key["permissions"],
            )
            for key in await self._call("GET", "/keys")
            if key["account"] == self._account
        )

    async def set_whitelist(self, api_key: Secret, text: str) -> None:
        """Paste a list into the key's page."""
        await self._call("PUT", f"/keys/{api_key.reveal()}/whitelist", {"text": text})

    async def set_permissions(self, api_key: Secret, **permissions: bool) -> None:
        """Replace the key's permissions; those not named are off, except reading."""
        await self._call("PUT", f"/keys/{api_key.reveal()}/permissions", permissions)

    async def disable(self, api_key: Secret) -> None:
        """Switch a key off."""
        await self._call("POST", f"/keys/{api_key.reveal()}/disable")

    async def delete(self, api_key: Secret) -> None:
        """Delete a key for good."""
        await self._call("DELETE", f"/keys/{api_key.reveal()}")

    async def activity(self) -> tuple[Activity, ...]:
        """Read the log of signed calls, the oldest first."""
        return tuple(
            Activity(
                at=float(line["time"]) / 1000,
                api_key=Secret(line["api_key"] or ""),
                address=line["ip"],
                path=line["path"],
                code=int(line["code"]),
            )
            for line in await self._call("GET", "/log")
        )

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        try:
            async with asyncio.timeout(DEADLINE), open_client() as client:
                answer = await client.request(method, self._url + path, json=body)
        except (httpx.HTTPError, TimeoutError) as error:
            raise WizardError(
                "The simulated Binance does not answer",
                why=f"{type(error).__name__} while asking its page.",
                advice="It has probably ended. Leave the rehearsal and start it again.",
                code="rehearsal.no-answer",
            ) from None
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            why = str(answer.json()["msg"])
        except (ValueError, KeyError, TypeError):
            why = f"It answered with HTTP {answer.status_code}."
        what, advice = "The simulated Binance page refused this", "Change what was entered and try again."
        raise WizardError(what, why=why, advice=advice, code="rehearsal.page-refused")
