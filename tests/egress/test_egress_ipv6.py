"""Is there a way to the exchange over IPv6? Told by names and the routing table; nobody is called."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv6Address

import pytest

from wizard.egress.ipv6 import Ipv6Lookup, find_ipv6_route, source_towards

EXCHANGE = "2600:9000::1"
HERE = "2a01:4f8::42"


def lookup(*addresses: str, source: str = HERE) -> Ipv6Lookup:
    async def ipv6_of(_host: str) -> Sequence[str]:
        if not addresses:
            raise OSError("no address associated with hostname")
        return addresses

    def towards(_address: IPv6Address) -> str:
        if not source:
            raise OSError("network is unreachable")
        return source

    return Ipv6Lookup(addresses_of=ipv6_of, source_towards=towards)


async def test_both_sides_with_a_public_address_are_a_way_past_the_list() -> None:
    way = await find_ipv6_route("api.binance.us", lookup=lookup(EXCHANGE))
    assert way is not None
    assert (str(way.address), str(way.source)) == (EXCHANGE, HERE)
    assert f"api.binance.us has the IPv6 address {EXCHANGE} " in way.sentence()
    assert "Force IPv4 in your bot too" in way.sentence()


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("api.binance.com", lookup()),
        ("api.binance.com", lookup("::ffff:203.0.113.1", "64:ff9b::cb00:7101", "fe80::1%eth0", "::1", "no address")),
        ("api.binance.com", lookup(EXCHANGE, source="fd00::2")),
        ("api.binance.com", lookup(EXCHANGE, source="fe80::1")),
        ("api.binance.com", lookup(EXCHANGE, source="")),
        ("127.0.0.1", lookup(EXCHANGE)),
        ("", lookup(EXCHANGE)),
    ],
    ids=["no AAAA", "no public AAAA", "ULA here", "link-local here", "no route", "an IPv4 address", "no host"],
)
async def test_otherwise_nothing_is_said(host: str, asked: Ipv6Lookup) -> None:
    assert await find_ipv6_route(host, lookup=asked) is None


async def test_a_silent_name_service_is_not_waited_for() -> None:
    async def silent(_host: str) -> Sequence[str]:
        await asyncio.sleep(60)
        return (EXCHANGE,)

    assert await find_ipv6_route("api.binance.com", lookup=Ipv6Lookup(addresses_of=silent), deadline=0.05) is None


def test_the_routing_table_is_asked_and_nothing_is_sent() -> None:
    try:
        assert source_towards(IPv6Address("::1")) == "::1"
    except OSError:
        pytest.skip("this machine has no IPv6")
