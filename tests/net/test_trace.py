"""What a request leaves behind when it is given up half way."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest

from wizard.net.trace import Phase, Trace

PATIENCE = 20.0


@pytest.mark.parametrize(
    ("proxy", "phase"),
    [("", Phase.TLS), ("socks5h", Phase.PROXY), ("http", Phase.PROXY)],
    ids=["direct", "socks", "http-proxy"],
)
async def test_a_handshake_that_is_given_up_leaves_no_connection_open(proxy: str, phase: Phase) -> None:
    left = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        left.set()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = httpx.AsyncHTTPTransport(
        verify=ssl.create_default_context(), proxy=f"{proxy}://127.0.0.1:{port}" if proxy else None
    )
    trace = Trace(proxied=bool(proxy))
    url = "https://exchange.invalid/" if proxy else f"https://127.0.0.1:{port}/"
    client = httpx.AsyncClient(transport=transport, trust_env=False, timeout=None)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.get(url, extensions={"trace": trace})
        assert (trace.phase, trace.peer) == (phase, f"127.0.0.1 port {port}")
        await trace.close_half_open()
        async with asyncio.timeout(PATIENCE):
            await left.wait()
    finally:
        await client.aclose()
        server.close()
