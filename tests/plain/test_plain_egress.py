"""More at the Egress step, line by line: further samples, and the exchange's own word."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from tests.plain.conftest import PlainWorld
from tests.plain.script import visit
from tests.plain.walks import ROTATE
from wizard.egress.ipv6 import Ipv6Route
from wizard.rotation.steps.egress import EgressStep


async def test_sampling_more_and_the_exchanges_word_are_said(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *ROTATE,
        ("The address is", "more"),
        ("8 answers", "exchange"),
        ("Binance sees", "next"),
        ("Ready to", "quit"),
    )
    assert "The chance to miss another that is used as often is less than 1%" in ended.text
    assert "sees 203.0.113.42, as the services do" in ended.text


async def test_a_detection_of_another_day_is_told_where_the_list_is_resumed(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visit(plain, *ROTATE, ("The address is", "next"), ("Ready to", "quit"))
    monkeypatch.setattr("wizard.rotation.steps.whitelist.FRESH", 0.0)
    ended = await visit(plain, ("resume the open rotation at the step", "resume"), ("Ready to", "quit"))
    assert "This host's address was detected" in ended.text
    assert "ago and may have changed. Detect it again in the Egress step" in ended.text


async def test_what_goes_to_the_whitelist_is_chosen_by_number_or_address(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *ROTATE,
        ("1. 203.0.113.42: ticked; seen by", "choose"),
        ("Numbers or addresses", "203.0.113.42, 7"),
        ("1. 203.0.113.42: not ticked", "next"),
        ("No address is ticked for the whitelist: choose ticks one.", "choose"),
        ("Numbers or addresses", "1"),
        ("1. 203.0.113.42: ticked", "next"),
        ("Ready to", "quit"),
    )
    assert "7 is none of these" in ended.text


async def test_a_way_over_ipv6_is_told(plain: PlainWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def over_ipv6(_step: EgressStep) -> Ipv6Route:
        return Ipv6Route("api.binance.us", IPv6Address("2600:9000::1"), IPv6Address("2a01:4f8::42"))

    monkeypatch.setattr(EgressStep, "ipv6_route", over_ipv6)
    ended = await visit(plain, *ROTATE, ("Attention: api.binance.us has the IPv6 address", "quit"))
    assert "Force IPv4" in ended.text


async def test_details_tell_each_service_with_its_url(plain: PlainWorld) -> None:
    ended = await visit(plain, *ROTATE, ("The address is", "details"), ("read as plain", "quit"))
    assert "echo-plain (operator plain): saw 203.0.113.42" in ended.text
