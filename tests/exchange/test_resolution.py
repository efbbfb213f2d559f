"""The exchange's name: which answers can be right, and which cannot."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from wizard.exchange.errors import ExchangeError
from wizard.exchange.resolution import AddressKind, Lookup, resolve
from wizard.net.trace import Phase

HOST = "api.exchange.test"


def answering(*addresses: str) -> Lookup:
    async def lookup(host: str) -> Sequence[str]:
        assert host == HOST
        return addresses

    return lookup


@pytest.mark.parametrize(
    ("addresses", "kind"),
    [
        (["8.8.4.4"], AddressKind.PUBLIC),
        (["8.8.4.4", "8.8.8.8"], AddressKind.PUBLIC),
        (["0.0.0.0"], AddressKind.SINKHOLE),
        (["127.0.0.1"], AddressKind.SINKHOLE),
        (["198.18.0.7"], AddressKind.FAKE_IP),
        (["10.1.2.3"], AddressKind.PRIVATE),
        (["192.168.1.1"], AddressKind.PRIVATE),
        (["169.254.0.2"], AddressKind.PRIVATE),
        (["100.64.0.9"], AddressKind.PRIVATE),
        (["8.8.8.8", "127.0.0.1"], AddressKind.SINKHOLE),
    ],
)
async def test_an_answer_is_named_for_what_it_is(addresses: list[str], kind: AddressKind) -> None:
    found = await resolve(HOST, deadline=5, lookup=answering(*addresses))
    assert found.kind is kind
    assert addresses[0] in found.sentence() or len(addresses) > 1
    assert bool(found.advice) is (kind is not AddressKind.PUBLIC)


async def test_an_address_is_not_looked_up() -> None:
    found = await resolve("192.0.2.1", deadline=5, lookup=answering("8.8.8.8"))
    assert found.kind is AddressKind.LITERAL
    assert [str(address) for address in found.addresses] == ["192.0.2.1"]


async def test_this_machine_is_no_sinkhole() -> None:
    assert (await resolve("localhost", deadline=5)).kind is AddressKind.THIS_MACHINE


async def test_many_addresses_are_counted_and_not_listed() -> None:
    found = await resolve(HOST, deadline=5, lookup=answering(*(f"8.8.8.{last}" for last in range(1, 9))))
    assert found.sentence().endswith("and 5 more.")


async def test_no_such_name_is_a_failure_of_the_name_service_and_of_nothing_else() -> None:
    async def lookup(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(ExchangeError) as caught:
        await resolve(HOST, deadline=5, lookup=lookup)
    assert caught.value.phase is Phase.DNS
    assert HOST in caught.value.what
    assert "Name or service not known" in caught.value.why


async def test_only_ipv6_is_told_as_no_ipv4() -> None:
    with pytest.raises(ExchangeError) as caught:
        await resolve(HOST, deadline=5, lookup=answering())
    assert "no IPv4 address" in caught.value.why


async def test_a_name_service_that_is_silent_ends_at_the_deadline() -> None:
    async def lookup(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(ExchangeError) as caught:
        await resolve(HOST, deadline=0.05, lookup=lookup)
    assert "did not answer within" in caught.value.why


@pytest.mark.parametrize("host", ["", "a..b", "x" * 300, "\u202eevil", "é" * 80])
async def test_what_is_no_name_ends_in_words(host: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        await resolve(host, deadline=5)
    assert "\u202e" not in " ".join(caught.value.sentences())
