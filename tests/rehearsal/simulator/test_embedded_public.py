from __future__ import annotations

import pytest
from embedded_client import NOW, Host

PUBLIC = ["/api/v3/ping", "/api/v3/time", "/api/v3/exchangeInfo", "/fapi/v1/ping", "/fapi/v1/time"]


@pytest.mark.parametrize("path", PUBLIC)
async def test_public_endpoints_answer_whatever_key_is_named(host: Host, path: str) -> None:
    answer = await host.get(path, X_MBX_APIKEY="not a key")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert await host.log() == []


@pytest.mark.parametrize("path", ["/api/v3/time", "/fapi/v1/time"])
async def test_the_time_is_in_milliseconds(host: Host, path: str) -> None:
    assert (await host.get(path)).json() == {"serverTime": int(NOW * 1000)}


@pytest.mark.parametrize("unit", ["MICROSECOND", "microsecond"])
async def test_the_time_is_in_microseconds_when_the_header_asks_for_it(host: Host, unit: str) -> None:
    assert (await host.get("/api/v3/time", X_MBX_TIME_UNIT=unit)).json() == {"serverTime": int(NOW * 1_000_000)}


async def test_an_unknown_time_unit_is_refused(host: Host) -> None:
    answer = await host.get("/api/v3/time", X_MBX_TIME_UNIT="FORTNIGHT")
    assert (answer.status_code, answer.json()["code"]) == (400, -1194)


async def test_the_listing_names_its_symbols_and_the_weight_limit(host: Host) -> None:
    listing = (await host.get("/api/v3/exchangeInfo")).json()
    assert [symbol["symbol"] for symbol in listing["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert listing["rateLimits"][0]["limit"] == 6000
    one = (await host.get("/api/v3/exchangeInfo?symbol=ETHUSDT")).json()
    assert [symbol["baseAsset"] for symbol in one["symbols"]] == ["ETH"]
    unknown = await host.get("/api/v3/exchangeInfo?symbol=NOPE")
    assert (unknown.status_code, unknown.json()) == (400, {"code": -1121, "msg": "Invalid symbol."})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v3/nothing", 404), ("GET", "/api/v3/ping/", 404), ("POST", "/api/v3/ping", 405)],
)
async def test_what_is_not_served_is_told_in_json(host: Host, method: str, path: str, status: int) -> None:
    answer = await host.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert "X-MBX-USED-WEIGHT-1M" in answer.headers
