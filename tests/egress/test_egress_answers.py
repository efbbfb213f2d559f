"""What an echo service says is read strictly and never believed too easily."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.core.addresses import special_range
from wizard.core.rules import Rules
from wizard.core.text import UNPRINTABLE
from wizard.egress.services import BODY_LIMIT, EchoService, NoAddressError, Parser, read_answer, refuse_status

TRACE = "fl=1\nh=www.example.com\nip={ip}\nts=1\nvisit_scheme=https\nwarp={warp}\ngateway=off\n"


def service(parser: Parser) -> EchoService:
    return EchoService("echo", "Echo", "https://www.example.com/cdn-cgi/trace", parser)


def read(parser: Parser, body: str | bytes, rules: Rules | None = None) -> IPv4Address:
    return read_answer(service(parser), body if isinstance(body, bytes) else body.encode(), rules or Rules())


@pytest.mark.parametrize(
    ("parser", "body"),
    [
        (Parser.PLAIN, "93.184.1.9"),
        (Parser.PLAIN, "93.184.1.9\n"),
        (Parser.PLAIN, "  93.184.1.9\r\n"),
        (Parser.JSON, '{"ip": "93.184.1.9"}'),
        (Parser.JSON, '{"ip": "93.184.1.9", "country": "XX"}\n'),
        (Parser.TRACE, TRACE.format(ip="93.184.1.9", warp="off")),
        (Parser.TRACE, TRACE.format(ip="93.184.1.9", warp="off").replace("\n", "\r\n")),
    ],
)
def test_an_honest_answer_is_the_address(parser, body):
    assert read(parser, body) == IPv4Address("93.184.1.9")


@pytest.mark.parametrize(
    ("parser", "body", "reason"),
    [
        (Parser.PLAIN, "", "not an address"),
        (Parser.PLAIN, "hello", "not an address: 'hello'"),
        (Parser.PLAIN, "93.184.1.09", "not an address"),
        (Parser.PLAIN, "<!DOCTYPE html><title>Just a moment...</title>", "web page"),
        (Parser.PLAIN, "9" * 65, "web page"),
        (Parser.PLAIN, "93.184.1.9" + " " * BODY_LIMIT, "more than 4096 bytes"),
        (Parser.PLAIN, "93.184.1.9, 10.0.0.2", "several"),
        (Parser.PLAIN, "93.184.1.9 93.184.1.10", "several"),
        (Parser.PLAIN, "2001:db8::5", "IPv6 address 2001:db8::5"),
        (Parser.PLAIN, "::ffff:93.184.1.9", "IPv6 address"),
        (Parser.PLAIN, "fe80::1%\x1b]52;c;aGk=\x07", "IPv6 address fe80::1%"),
        (Parser.JSON, '{"ip": "fe80::1%\\u001b]52;c;aGk=\\u0007"}', "IPv6 address fe80::1%"),
        (Parser.PLAIN, "10.1.2.3", "a private LAN address"),
        (Parser.PLAIN, "100.64.3.4", "carrier-grade NAT"),
        (Parser.PLAIN, "127.0.0.0", "loopback"),
        (Parser.PLAIN, "203.0.113.42", "documentation"),
        (Parser.PLAIN, "198.18.0.5", "fake-IP"),
        (Parser.PLAIN, b"\xff\xfe9\x00", "not text"),
        (Parser.PLAIN, "\x1b]52;c;aGk=\x07", "not an address"),
        (Parser.JSON, "93.184.1.9", "not the expected JSON"),
        (Parser.JSON, '{"status": 429}', "not the expected JSON"),
        (Parser.JSON, '{"ip": 1572335881}', "not the expected JSON"),
        (Parser.JSON, "[" * 4000, "not the expected JSON"),
        (Parser.JSON, '{"ip": "2001:db8::5"}', "IPv6 address"),
        (Parser.TRACE, TRACE.format(ip="93.184.1.9", warp="on"), "WARP is on"),
        (Parser.TRACE, TRACE.format(ip="93.184.1.9", warp="plus"), "WARP is on"),
        (Parser.TRACE, TRACE.format(ip="93.184.1.9", warp="off").replace("www", "evil"), "not a trace of"),
        (Parser.TRACE, "<html>", "not a trace of"),
        (Parser.TRACE, TRACE.format(ip="2001:db8::5", warp="off"), "IPv6 address"),
    ],
)
def test_anything_else_is_refused_with_its_reason(parser, body, reason):
    with pytest.raises(NoAddressError, match=reason) as caught:
        read(parser, body)

    assert not UNPRINTABLE.search(str(caught.value))


def test_a_tolerated_range_is_an_address():
    rules = Rules(tolerated_ranges=frozenset({"documentation"}))

    assert read(Parser.PLAIN, "203.0.113.42", rules) == IPv4Address("203.0.113.42")


@given(
    st.sampled_from(Parser), st.one_of(st.binary(max_size=200), st.text(alphabet='0123456789.:{}"ip=h,\n', max_size=60))
)
def test_no_body_gives_an_address_that_is_not_public(parser, body):
    try:
        address = read(parser, body)
    except NoAddressError as refused:
        assert not UNPRINTABLE.search(str(refused))
    else:
        assert special_range(address) is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "redirected to http://login.hotel/, possibly by a captive portal"),
        (403, "blocked or rate-limited"),
        (429, "rate-limited"),
        (407, "the proxy asks for a user name"),
        (500, "HTTP 500"),
        (204, "HTTP 204"),
    ],
)
def test_a_status_other_than_200_holds_no_answer(status, reason):
    with pytest.raises(NoAddressError, match=reason):
        refuse_status(status, "http://login.hotel/")


def test_a_plain_success_is_not_refused():
    refuse_status(200, "")
