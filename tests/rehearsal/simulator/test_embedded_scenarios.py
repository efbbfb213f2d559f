"""What each scenario plants at the exchange: nothing before the second key, nothing in a third."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from conftest import machine
from cryptography.hazmat.primitives.asymmetric import ed25519
from embedded_client import (
    ACCOUNT,
    EVERYTHING,
    NOW,
    ORDER_TEST,
    RESTRICTIONS,
    Ed25519Signer,
    HmacSigner,
    Host,
    ManualClock,
    public_pem,
    refusal,
)
from embedded_websocket import line
from websockets.exceptions import InvalidStatus

from wizard.rehearsal.scenarios import SCENARIOS
from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve

LISTED = "203.0.113.42"
MARKET_ORDER = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1"
SECONDS = 20.0


@asynccontextmanager
async def drill(name: str, clock: ManualClock) -> AsyncIterator[tuple[Host, Addresses]]:
    exchange = EmbeddedExchange(clock=clock, seed=1, scenario=SCENARIOS[name], passes_after=SECONDS)
    async with serve(exchange) as addresses, machine(addresses, "127.0.0.1") as host:
        yield host, addresses


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"address-changed-later"}))
async def test_the_key_in_use_is_a_good_one_in_every_scenario(name: str, clock: ManualClock) -> None:
    async with drill(name, clock) as (host, _):
        first = await host.hmac_key(whitelist=LISTED)
        assert (await host.signed(first)).status_code == 200
        assert (await host.signed(first, RESTRICTIONS)).json()["ipRestrict"] is True
        assert (await host.signed(first, ORDER_TEST, MARKET_ORDER, method="POST")).status_code == 200


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"address-changed", "address-changed-later"}))
async def test_in_time_a_third_key_is_a_good_one(name: str, clock: ManualClock) -> None:
    async with drill(name, clock) as (host, _):
        for _ in range(2):
            await host.hmac_key(whitelist=LISTED)
        clock.now += SECONDS
        third = await host.hmac_key(whitelist=LISTED)
        assert (await host.signed(third, RESTRICTIONS, at=clock.now)).json()["ipRestrict"] is True
        order = await host.signed(third, ORDER_TEST, MARKET_ORDER, method="POST", at=clock.now)
        assert order.status_code == 200


async def second(host: Host) -> tuple[HmacSigner, HmacSigner]:
    return await host.hmac_key(whitelist=LISTED), await host.hmac_key(whitelist=LISTED)


async def test_address_changed_later_moves_the_host_once_a_key_was_accepted(clock: ManualClock) -> None:
    async with drill("address-changed-later", clock) as (host, _):
        first = await host.hmac_key(whitelist=LISTED)
        assert (await host.get("/echo/plain")).text == f"{LISTED}\n"
        assert (await host.signed(first)).status_code == 200
        assert (await host.get("/echo/plain")).text == "203.0.113.92\n"
        assert refusal(await host.signed(first)) == (401, -2015)
        await host.page("PUT", f"/keys/{first.api_key}/whitelist", {"text": "203.0.113.92"})
        for _ in range(2):
            assert (await host.signed(first)).status_code == 200, "it moves once"


async def test_address_changed_moves_the_host(clock: ManualClock) -> None:
    async with drill("address-changed", clock) as (host, _):
        first, new = await second(host)
        assert (await host.get("/echo/plain")).text == "203.0.113.92\n"
        assert refusal(await host.signed(first)) == refusal(await host.signed(new)) == (401, -2015)
        await host.page("PUT", f"/keys/{new.api_key}/whitelist", {"text": "203.0.113.92"})
        assert (await host.signed(new)).status_code == 200


async def test_clock_skewed_passes_by_itself(clock: ManualClock) -> None:
    async with drill("clock-skewed", clock) as (host, _):
        _, new = await second(host)
        assert (await host.get("/api/v3/time")).json()["serverTime"] == int(NOW * 1000) + 30_000
        assert refusal(await host.signed(new)) == (400, -1021)
        clock.now += SECONDS
        assert (await host.signed(new, at=clock.now)).status_code == 200


async def test_whitelist_forgotten_leaves_the_key_open_to_all(clock: ManualClock) -> None:
    async with drill("whitelist-forgotten", clock) as (host, addresses):
        _, new = await second(host)
        async with machine(addresses, "127.0.0.2") as other:
            assert (await other.signed(new)).status_code == 200
            await host.page("PUT", f"/keys/{new.api_key}/whitelist", {"text": LISTED})
            assert refusal(await other.signed(new)) == (401, -2015)
        assert (await host.signed(new)).status_code == 200


async def test_whitelist_slow_lets_the_new_key_in_when_its_time_has_come(clock: ManualClock) -> None:
    async with drill("whitelist-slow", clock) as (host, _):
        first, new = await second(host)
        assert (await host.signed(first)).status_code == 200
        clock.now += SECONDS - 1
        assert refusal(await host.signed(new, at=clock.now)) == (401, -2015)
        clock.now += 1
        assert (await host.signed(new, at=clock.now)).status_code == 200


async def test_wrong_secret_refuses_what_the_page_gave(clock: ManualClock) -> None:
    async with drill("wrong-secret", clock) as (host, _):
        _, new = await second(host)
        assert refusal(await host.signed(new)) == (400, -1022)


async def test_wrong_secret_refuses_a_key_pair_too(clock: ManualClock) -> None:
    async with drill("wrong-secret", clock) as (host, _):
        await host.hmac_key(whitelist=LISTED)
        private = ed25519.Ed25519PrivateKey.generate()
        form = {"kind": "ed25519", "public_key": public_pem(private), "permissions": EVERYTHING}
        made = (await host.page("POST", "/keys", form)).json()
        assert refusal(await host.signed(Ed25519Signer(made["api_key"], private))) == (400, -1022)


async def test_permission_missing_takes_trading_only(clock: ManualClock) -> None:
    async with drill("permission-missing", clock) as (host, _):
        _, new = await second(host)
        assert (await host.signed(new)).status_code == 200
        assert refusal(await host.signed(new, ORDER_TEST, MARKET_ORDER, method="POST")) == (401, -2015)
        await host.page("PUT", f"/keys/{new.api_key}/permissions", EVERYTHING)
        assert (await host.signed(new, ORDER_TEST, MARKET_ORDER, method="POST")).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/disable")])
async def test_legacy_will_not_die_whatever_the_simulated_page_confirms(
    clock: ManualClock, method: str, path: str
) -> None:
    async with drill("legacy-will-not-die", clock) as (host, _):
        first, new = await second(host)
        for key in (first, new):
            assert (await host.page(method, f"/keys/{key.api_key}{path}")).status_code == 200
        assert (await host.signed(first)).status_code == 200
        assert refusal(await host.signed(new)) == (401, -2015)
        assert first.api_key in (await host.page("GET", "/keys")).text


@pytest.mark.parametrize(("name", "status"), [("rate-limited", 429), ("exchange-down", 503)])
async def test_an_outage_answers_everything_but_the_simulated_page_and_the_echo_services(
    clock: ManualClock, name: str, status: int
) -> None:
    async with drill(name, clock) as (host, addresses), line(addresses) as api:
        _, new = await second(host)
        for path in ("/api/v3/ping", ACCOUNT, RESTRICTIONS, "/fapi/v1/ping"):
            answer = await host.signed(new, path)
            assert answer.status_code == status
            assert answer.headers.get("Retry-After") == ("20" if status == 429 else None)
        assert (await api.ask("ping"))["status"] == status
        with pytest.raises(InvalidStatus):
            async with line(addresses):
                pass
        assert (await host.get("/echo/plain")).status_code == 200
        clock.now += SECONDS
        assert (await host.signed(new, at=clock.now)).status_code == 200
        assert (await api.ask("ping"))["status"] == 200


async def test_what_was_planted_can_be_taken_away_at_the_simulated_page(clock: ManualClock) -> None:
    async with drill("exchange-down", clock) as (host, _):
        _, new = await second(host)
        await host.faults()
        assert (await host.signed(new)).status_code == 200


async def test_two_exchanges_do_not_share_a_plot(clock: ManualClock) -> None:
    async with drill("exchange-down", clock) as (down, _), drill("smooth", clock) as (up, _):
        await second(down)
        _, new = await second(up)
        assert (await up.signed(new)).status_code == 200
