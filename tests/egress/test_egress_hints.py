"""Reverse DNS and the organisation: hints with their wording, bounded in time, beside the verdict."""

from __future__ import annotations

import asyncio
import json
import time
from ipaddress import IPv4Address

import pytest

from tests.egress.conftest import Town
from wizard.egress.details import tell_details
from wizard.egress.detect import detect
from wizard.egress.hints import OrganisationUnknown, ask_organisation, reverse_names, tell_names
from wizard.egress.route import Route, RouteKind
from wizard.egress.system import System
from wizard.rules import Rules

DIRECT = Route(RouteKind.DIRECT, "direct", "the test")
HERE, THERE = IPv4Address("203.0.113.42"), IPv4Address("203.0.113.77")


async def test_a_name_is_a_hint_and_never_proof_and_who_is_silent_is_not_waited_for() -> None:
    async def name_of(address: IPv4Address) -> str:
        if address == THERE:
            await asyncio.sleep(60)
        return "static-42.example.net\x1b[31m"

    begun = time.perf_counter()
    names = await reverse_names((HERE, THERE), system=System(name_of=name_of), deadline=0.1)
    assert time.perf_counter() - begun < 2
    named, silent = tell_names((HERE, THERE), names)
    assert named == "Reverse DNS names 203.0.113.42 static-42.example.net\ufffd[31m: a hint at whose it is, no proof."
    assert silent == "Reverse DNS told no name for 203.0.113.77."


async def test_an_address_without_a_name_is_no_trouble() -> None:
    async def name_of(_: IPv4Address) -> str:
        raise OSError("no name")

    assert await reverse_names((HERE,), system=System(name_of=name_of)) == {}


async def test_the_organisation_is_told_as_a_hint(town: Town) -> None:
    answer = {"ip": str(HERE), "hostname": "x", "org": "AS64500 Example\x1b]52;c;x\x07 Net", "country": "DE"}
    service = await town.operator("ipinfo", json.dumps(answer))
    told = (await ask_organisation(DIRECT, url=service.url)).sentence()
    assert told.startswith("203.0.113.42 belongs to AS64500 Example\ufffd]52;c;x\ufffd Net, says IPinfo: a hint")
    assert "no proof that the address stays" in told


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ('{"status":429}', 429, "rate-limited"),
        ("<html>portal</html>", 200, "not understood"),
        ("[" * 3000, 200, "not understood"),
        ('"text"', 200, "not understood"),
        ('{"ip": "203.0.113.42"}', 200, "not understood"),
        ('{"ip": "2001:db8::1", "org": "AS1"}', 200, "no organisation"),
        ('{"ip": 7, "org": "AS1"}', 200, "not understood"),
        ('{"ip": "203.0.113.42", "org": ["AS1"]}', 200, "no organisation"),
        ("x" * 9000, 200, "not understood"),
        ("", 302, "captive portal"),
    ],
)
async def test_an_answer_that_names_none_is_told_with_its_reason(town: Town, body: str, status: int, why: str) -> None:
    service = await town.operator("ipinfo", body, status=status)
    with pytest.raises(OrganisationUnknown) as told:
        await ask_organisation(DIRECT, url=service.url)
    assert why in told.value.why


async def test_who_does_not_answer_is_left_at_the_deadline(town: Town) -> None:
    service = await town.silent_operator("ipinfo")
    with pytest.raises(OrganisationUnknown) as told:
        await ask_organisation(DIRECT, url=service.url, timeout=0.1)
    assert "no answer within 0.1 s" in told.value.why


async def test_details_tell_each_question_with_url_answer_reason_and_note(town: Town, rules: Rules) -> None:
    good = await town.operator("good", str(HERE))
    portal = await town.operator("portal", "<html>", run_by="Hotel\x1b[2J")
    report = await detect((good, portal), DIRECT, rules=rules, deadline=2)
    text = "\n".join(tell_details(report))
    assert "Route: direct over IPv4 (the test)." in text
    assert f"good (Good): saw {HERE}, after " in text
    assert f"{good.url}, read as plain." in text
    assert "portal (Hotel\ufffd[2J): no address after " in text
    assert "a web page, not an address" in text
