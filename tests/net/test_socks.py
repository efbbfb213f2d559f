"""A real SOCKS 5 proxy on loopback, as `ssh -D` is one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.egress.conftest import Town, _pump
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.egress.agreement import EgressState
from wizard.egress.detection import detect
from wizard.net.route import Route, decide_route

A = "203.0.113.42"
SITE = Site("binance.com", "https://api.binance.com", "")
GRANTED, REFUSED = 0, 5


@dataclass
class SocksProxy:
    """Speaks SOCKS 5 with names, and with user names where they are offered."""

    answer: int = GRANTED
    asked_for: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def handle(self, _: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x02" if b"\x02" in methods else b"\x05\x00")
        if b"\x02" in methods:
            await reader.readexactly(1)
            user, password = [await reader.readexactly((await reader.readexactly(1))[0]) for _ in range(2)]
            self.logins.append(f"{user.decode()}:{password.decode()}")
            writer.write(b"\x01\x00")
        host, port = await self._target(reader)
        self.asked_for.append(host)
        writer.write(bytes((5, self.answer, 0, 1, 0, 0, 0, 0, 0, 0)))
        if self.answer != GRANTED:
            writer.close()
            return
        upstream_reader, upstream = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(_pump(reader, upstream), _pump(upstream_reader, writer))
        finally:
            upstream.close()

    async def _target(self, reader: asyncio.StreamReader) -> tuple[str, int]:
        kind = (await reader.readexactly(4))[3]
        if kind == 1:
            host = ".".join(map(str, await reader.readexactly(4)))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        return host, int.from_bytes(await reader.readexactly(2), "big")


@pytest.fixture
async def socks(town: Town) -> SocksProxy:
    proxy = SocksProxy()
    proxy.port = await town.serve(proxy.handle, until=b"\x05")
    return proxy


def through(url: str, variable: str = "ALL_PROXY", **environ: str) -> Route:
    return decide_route(Environment("production", SITE), {variable: url, **environ})


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_services_are_asked_through_a_socks_proxy(town, socks, rules, scheme):
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detect(services, through(f"{scheme}://127.0.0.1:{socks.port}"), rules=rules)

    assert report.verdict.state is EgressState.AGREED
    assert socks.asked_for == ["127.0.0.1", "127.0.0.1"]
    assert report.route.sentence() == (
        f"Route: proxy {scheme}://127.0.0.1:{socks.port}, which chooses IPv4 or IPv6 (ALL_PROXY)."
    )


async def test_the_user_name_reaches_the_proxy_and_no_sentence(town, socks, rules):
    service = await town.operator("amazon", A)

    report = await detect([service], through(f"socks5h://bob:hunter2@127.0.0.1:{socks.port}"), rules=rules)

    assert socks.logins == ["bob:hunter2"]
    assert "hunter2" not in repr(report) + report.sentence() + report.route.sentence()
    assert "bob" not in repr(report)


async def test_no_proxy_leads_past_the_socks_proxy(town, socks, rules):
    service = await town.operator("amazon", A)
    route = through(f"socks5h://127.0.0.1:{socks.port}", NO_PROXY="binance.com")

    report = await detect([service], route, rules=rules)

    assert report.verdict.state is EgressState.SINGLE
    assert socks.asked_for == []


async def test_a_socks_proxy_that_refuses_is_the_proxys_fault(town, socks, rules):
    socks.answer = REFUSED
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detect(services, through(f"socks5h://127.0.0.1:{socks.port}"), rules=rules)

    assert f"the proxy socks5h://127.0.0.1:{socks.port} refused: " in report.sentence()


async def test_a_dead_socks_proxy_is_the_proxys_fault(town, rules):
    port = town.dead_port()
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detect(services, through(f"socks5h://127.0.0.1:{port}"), rules=rules)

    assert f"the proxy socks5h://127.0.0.1:{port} cannot be reached: Connection refused" in report.sentence()


async def test_a_proxy_that_lets_nothing_through_is_named(town, rules):
    port = await town.serve(lambda *_: town.over.wait(), until=b"\x05")
    service = await town.operator("amazon", A)

    report = await detect([service], through(f"socks5h://127.0.0.1:{port}"), rules=rules, deadline=0.5)

    assert f"connected to the proxy socks5h://127.0.0.1:{port}, but no answer came through it" in report.sentence()
