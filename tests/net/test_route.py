"""The way out is decided once, shown without secrets, and then obeyed."""

from __future__ import annotations

import contextlib
import logging
import os
import socket

import httpx
import pytest
import trustme

from wizard.core.secret import Secret
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.net import route as route_module
from wizard.net.route import (
    Route,
    RouteError,
    decide_route,
    exempting_entry,
    open_transport,
    public_roots,
)

HOST = "api.binance.com"


def decided(environ=None, host=HOST, **settings) -> Route:
    site = Site("binance.com", f"https://{host}", "")
    return decide_route(Environment("production", site, **settings), environ or {})


def client(transport, **options) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, **options)


async def ok(_, __, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def test_without_a_proxy_the_route_is_direct_over_ipv4():
    route = decided()

    assert (route.is_proxied, route.shown, route.source) == (False, "direct", "no proxy is set")
    assert route.source_address == "0.0.0.0"


def test_an_explicit_setting_wins_over_the_environment():
    route = decided({"HTTPS_PROXY": "http://other:1"}, proxy="http://mine:3128")

    assert route.shown == "proxy http://mine:3128"
    assert route.source == "the settings of production"


@pytest.mark.parametrize(
    ("environ", "shown", "source"),
    [
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "http://b:2"}, "proxy http://a:1", "HTTPS_PROXY"),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"}, "proxy http://a:1", "https_proxy"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "http://b:2"}, "proxy http://b:2", "ALL_PROXY"),
        ({"HTTPS_PROXY": "a:1"}, "proxy http://a:1", "HTTPS_PROXY"),
        ({"HTTP_PROXY": "http://a:1"}, "direct", "HTTP_PROXY does not count for https"),
        (
            {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "example.com"},
            "proxy http://a:1",
            "HTTPS_PROXY, and NO_PROXY does not exempt api.binance.com",
        ),
        (
            {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "localhost,.binance.com"},
            "direct",
            "NO_PROXY exempts api.binance.com by '.binance.com' from HTTPS_PROXY",
        ),
    ],
)
def test_the_proxy_variables_are_read_once_and_named(environ, shown, source):
    route = decided(environ)

    assert (route.shown, route.source) == (shown, source)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]", "127.0.0.1:8000"])
def test_this_machine_is_always_reached_directly(host):
    route = decided({"HTTPS_PROXY": "http://a:1"}, host=host, proxy="http://mine:3128")

    assert not route.is_proxied


def test_a_base_url_is_judged_by_its_host():
    route = decided({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "binance.com"}, host="api.binance.com:443/path")

    assert not route.is_proxied


@pytest.mark.parametrize(
    ("no_proxy", "entry"),
    [
        ("*", "*"),
        ("binance.com", "binance.com"),
        ("API.Binance.COM", "API.Binance.COM"),
        ("*.binance.com", "*.binance.com"),
        ("api.binance.com:443", "api.binance.com:443"),
        ("api.binance.com:8080", None),
        ("nance.com", None),
        ("fapi.binance.com", None),
        ("fe80::/10 [::1] 10.0.0.0/8", None),
        (" , ,", None),
        (".", None),
    ],
)
def test_no_proxy_exempts_a_host_name(no_proxy, entry):
    assert exempting_entry(HOST, no_proxy) == entry


@pytest.mark.parametrize(
    ("no_proxy", "exempts"), [("10.0.0.0/8", True), ("10.1.2.3", True), ("11.0.0.0/8", False), ("example.com", False)]
)
def test_no_proxy_exempts_literal_addresses_by_their_network(no_proxy, exempts):
    assert (exempting_entry("10.1.2.3", no_proxy) is not None) == exempts


def test_the_password_of_a_proxy_is_shown_nowhere():
    route = decided({"HTTPS_PROXY": "http://bob:hunter2@proxy.example:3128"})

    assert route.shown == "proxy http://••••••••@proxy.example:3128"
    assert "hunter2" not in repr(route) + route.source
    assert "bob" not in repr(route)
    assert route.proxy_url.reveal() == "http://bob:hunter2@proxy.example:3128"


def test_a_desktop_socks_url_is_answered_with_advice():
    with pytest.raises(RouteError) as caught:
        decided({"ALL_PROXY": "socks://bob:hunter2@127.0.0.1:1080/"})

    assert caught.value.code == "route.proxy"
    text = " ".join(caught.value.sentences())
    assert "ALL_PROXY" in text
    assert "socks5h://HOST:PORT" in text
    assert "hunter2" not in text


def test_socks_without_its_package_is_refused_before_anything_is_sent(monkeypatch):
    monkeypatch.setattr(route_module, "find_spec", lambda _: None)

    with pytest.raises(RouteError, match="socks5h://p:1080") as caught:
        decided({"ALL_PROXY": "socks5h://p:1080"})

    assert "socksio" in caught.value.advice


def test_socks_with_its_package_is_a_route(monkeypatch):
    monkeypatch.setattr(route_module, "find_spec", lambda _: object())

    assert decided({"ALL_PROXY": "socks5h://p:1080"}).shown == "proxy socks5h://p:1080"


@pytest.mark.parametrize(
    "url",
    ["http://", "http://bob:hun@ter2@p:1", "http://p:99999", "http://p:0", "http://p q:1", "http://bob:hunter2/@p"],
)
def test_a_proxy_url_that_cannot_be_read_is_refused_and_not_shown(url):
    with pytest.raises(RouteError) as caught:
        decided({"HTTPS_PROXY": url})

    assert caught.value.code == "route.proxy"
    text = " ".join(caught.value.sentences())
    assert "hun" not in text
    assert "HTTPS_PROXY" in text


async def test_the_server_sees_the_source_address_of_the_settings(town):
    port = await town.serve(ok)

    async with client(open_transport(decided(source_address="127.0.0.2"))) as http:
        await http.get(f"http://127.0.0.1:{port}/")

    assert [address for address, _ in town.callers] == ["127.0.0.2"]


async def test_ipv6_is_never_tried_even_where_the_name_has_it(town, monkeypatch):
    port = await town.serve(ok)
    if socket.has_ipv6:
        with contextlib.suppress(OSError):  # a host without IPv6: the resolver still tells what was asked for
            await town.serve(ok, host="::1", port=port)
    asked = []
    real = socket.getaddrinfo

    def resolver(host, wanted_port, family=0, *rest, **named):
        if host not in {"echo.test", b"echo.test"}:
            return real(host, wanted_port, family, *rest, **named)
        asked.append(family)
        both = [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")]
        return [
            (kind, socket.SOCK_STREAM, 6, "", (address, wanted_port, 0, 0)[: 2 if kind == socket.AF_INET else 4])
            for kind, address in both
            if family in {0, kind}
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    async with client(open_transport(decided())) as http:
        answer = await http.get(f"http://echo.test:{port}/")

    assert answer.text == "ok"
    assert set(asked) == {socket.AF_INET}
    assert [address for address, _ in town.callers] == ["127.0.0.1"]


async def test_a_transport_reuses_its_connection(town):
    port = await town.serve(ok)

    async with client(open_transport(decided())) as http:
        for _ in range(3):
            await http.get(f"http://127.0.0.1:{port}/")

    assert len(town.callers) == 1


async def test_a_proxied_route_goes_through_the_proxy_with_its_credentials(town, proxy):
    port = await town.serve(ok)
    route = decided({"HTTPS_PROXY": f"http://bob:hunter2@127.0.0.1:{proxy.port}"})

    async with client(open_transport(route)) as http:
        answer = await http.get(f"http://127.0.0.1:{port}/")

    assert answer.text == "ok"
    assert "Proxy-Authorization: Basic Ym9iOmh1bnRlcjI=" in proxy.heads[0]


async def test_tls_through_a_proxy_is_checked_against_the_given_authority(town, proxy):
    authority = trustme.CA()
    served = ssl_server(authority)
    port = await town.serve(ok, tls=served)
    route = decided({"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    trusting = httpx.create_ssl_context()
    authority.configure_trust(trusting)

    async with client(open_transport(route, verify=trusting)) as http:
        assert (await http.get(f"https://localhost:{port}/")).text == "ok"
    async with client(open_transport(route)) as http:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(f"https://localhost:{port}/")

    assert proxy.heads[0].startswith(f"CONNECT localhost:{port} ")


def ssl_server(authority):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def test_the_proxy_variables_of_the_process_are_not_looked_at_again(town, monkeypatch):
    port = await town.serve(ok)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{town.dead_port()}")

    async with client(open_transport(decided())) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "ok"


async def test_signatures_and_keys_reach_no_log(town, caplog):
    caplog.set_level(logging.DEBUG)
    port = await town.serve(ok)

    async with client(open_transport(decided()), headers={"X-MBX-APIKEY": "sesame-key"}) as http:
        await http.get(f"http://127.0.0.1:{port}/?signature=sesame-signature")

    assert "sesame" not in caplog.text


def test_a_proxy_that_httpx_cannot_use_is_a_typed_error():
    route = Route("proxy ?", "a test", proxy_url=Secret("gopher://bob:hunter2@p:1"))

    with pytest.raises(RouteError) as caught:
        open_transport(route)

    assert "hunter2" not in " ".join(caught.value.sentences())
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("value", ["/nonexistent", "/etc/passwd", "/", "/dev/null", "/proc/self/mem", "rel", "\udcff"])
def test_authorities_that_cannot_be_read_are_told_or_there_are_none(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    try:
        context = public_roots()
    except RouteError as error:
        assert error.code == "route.certificates"
        assert variable in error.why
        assert variable in error.advice
        assert all(sentence.isprintable() for sentence in error.sentences())
    else:
        assert variable == "SSL_CERT_DIR", "a directory is looked into when a certificate comes"
        assert context.get_ca_certs() == []


def test_authorities_that_were_added_meanwhile_count_at_once(monkeypatch, tmp_path):
    bundle = tmp_path / "roots.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    found = []
    for number in (1, 2):
        with bundle.open("ab") as file:
            file.write(trustme.CA().cert_pem.bytes())
        os.utime(bundle, (number, number))
        found.append(len(public_roots().get_ca_certs()))
    assert found == [1, 2]


BAD_PROXIES = [
    *("http://h:99999", "http://h:-1", "http://h:abc", "http://h:" + "9" * 400, "http://h:" + "9" * 5000),
    *("http://", "http:///x", "http://a\x01b:1", "http://a\u202eb:1", "http://a b:1", "http://[::::]:1", "http://[::1"),
    *(
        "http://" + "a" * 100_000,
        "http://a..b:1",
        "http://" + "a" * 64 + ":1",
        "http://h:1/path",
        "http://h:1?q",
        "\udcff",
    ),
    *(
        "http://\udcff@h:1",
        "http://us\x00er@h:1",
        "http://hunter2@@h:1",
        "http://user:hunter2@h:99999",
        "ftp://u:hunter2@h",
    ),
]


@pytest.mark.parametrize("url", BAD_PROXIES, ids=lambda url: repr(url[:30]))
@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY", "settings"])
def test_a_proxy_that_is_none_is_refused_in_words_that_do_not_repeat_it(url, variable):
    with pytest.raises(RouteError) as caught:
        decided(proxy=url) if variable == "settings" else decided({variable: url})
    assert caught.value.code == "route.proxy"
    told = " ".join(caught.value.sentences())
    assert "hunter2" not in told
    assert told.isprintable()
    assert len(told) < 500
