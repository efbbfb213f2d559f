"""A client of the embedded exchange that signs by itself: what it sends is written here, not in the wizard."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOW = 1_700_000_000.0
ACCOUNT = "/api/v3/account"
ORDER_TEST = "/api/v3/order/test"
RESTRICTIONS = "/sapi/v1/account/apiRestrictions"
BALANCE = "/fapi/v2/balance"
EVERYTHING = {"enableReading": True, "enableSpotAndMarginTrading": True, "enableFutures": True}


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Signer(Protocol):
    api_key: str

    def sign(self, payload: bytes) -> str: ...


@dataclass(frozen=True)
class HmacSigner:
    api_key: str
    secret: str

    def sign(self, payload: bytes) -> str:
        return hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Ed25519Signer:
    api_key: str
    private: ed25519.Ed25519PrivateKey

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self.private.sign(payload)).decode()


@dataclass(frozen=True)
class RsaSigner:
    api_key: str
    private: rsa.RSAPrivateKey

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self.private.sign(payload, padding.PKCS1v15(), SHA256())).decode()


def public_pem(private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(frozen=True)
class Host:
    """One machine that talks to the exchange and its desk."""

    client: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    async def raw(self, method: str, path: str, api_key: str, query: str, body: str = "") -> httpx.Response:
        target = f"{path}?{query}" if query else path
        return await self.client.request(method, target, headers={"X-MBX-APIKEY": api_key}, content=body)

    async def signed(
        self, signer: Signer, path: str = ACCOUNT, query: str = "", *, method: str = "GET", at: float = NOW
    ) -> httpx.Response:
        payload = "&".join(filter(None, [query, f"timestamp={round(at * 1000)}"]))
        return await self.sealed(signer, path, payload, method=method)

    async def sealed(self, signer: Signer, path: str, payload: str, *, method: str = "GET") -> httpx.Response:
        signature = quote(signer.sign(payload.encode()), safe="")
        return await self.raw(method, path, signer.api_key, f"{payload}&signature={signature}")

    async def page(self, method: str, path: str, form: object = None) -> httpx.Response:
        content = b"" if form is None else json.dumps(form).encode()
        return await self.client.request(method, "/desk" + path, content=content)

    async def hmac_key(self, **form: object) -> HmacSigner:
        answer = await self.page("POST", "/keys", {"label": "trader", "permissions": EVERYTHING, **form})
        assert answer.status_code == 201, answer.text
        return HmacSigner(answer.json()["api_key"], answer.json()["secret"])

    async def faults(self, **form: object) -> None:
        answer = await self.page("PUT", "/faults", form)
        assert answer.status_code == 200, answer.text

    async def log(self) -> list[Mapping[str, object]]:
        entries: list[Mapping[str, object]] = (await self.page("GET", "/log")).json()
        return entries


def refusal(answer: httpx.Response) -> tuple[int, int]:
    """The status and the code of an answer that says no."""
    return answer.status_code, answer.json()["code"]
