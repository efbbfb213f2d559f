"""The composer against the desk, which reads lists by rules of its own and shares no code with it.

The real page's rules are not documented: what is compared is two readings of the mission's rules.
KEY_WIZARD_LISTS sets how many lists are compared in this process; 3,000 where it is not set.
"""

from __future__ import annotations

import os
from random import Random

import httpx
import pytest

from tests.whitelist.table import ENTRIES
from wizard.core.addresses import SPECIAL_RANGES
from wizard.core.rules import Rules
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rehearsal.simulator.page import PageError, read_page_text
from wizard.whitelist.entries import parse
from wizard.whitelist.findings import ListContext
from wizard.whitelist.rendering import Separator, render
from wizard.whitelist.validation import validate

LISTS = int(os.environ.get("KEY_WIZARD_LISTS", "3000"))
OVER_HTTP = 60
KINDS = sorted({special.kind for special in SPECIAL_RANGES})
SEPARATORS = (",", ",", ", ", " ", "\n", "\r\n", " , ", ",,", "\t", ";", "，")


def entry(random: Random) -> str:
    kind = random.random()
    if kind < 0.75:
        return ".".join(str(random.choice((0, 1, 5, 9, 93, 198, 203, 255))) for _ in range(4))
    if kind < 0.9:
        length = random.randint(0, 33)
        number = random.getrandbits(32) & (0xFFFFFFFF << max(0, 32 - length)) if random.random() < 0.8 else 84281096
        return ".".join(map(str, number.to_bytes(5)[1:])) + f"/{length}"
    return random.choice(ENTRIES)[0]


def a_list(random: Random) -> str:
    text = entry(random)
    for _ in range(random.choice((0, 1, 2, 5, 19, 20, 21))):
        text += random.choice(SEPARATORS if random.random() < 0.2 else SEPARATORS[:6]) + entry(random)
    return text


def rules(random: Random) -> Rules:
    return Rules(tolerated_ranges=frozenset(random.sample(KINDS, random.choice((0, 1, len(KINDS))))))


def refusal(text: str) -> str:
    try:
        read_page_text(text)
    except PageError as error:
        return error.what
    return ""


@pytest.mark.slow
def test_what_is_called_valid_the_page_saves_and_what_the_page_refuses_was_called_invalid() -> None:
    random = Random(5)
    valid = refused = 0
    for _ in range(LISTS):
        text, by = a_list(random), rules(random)
        validation = validate(parse(text), ListContext(by))
        if validation.is_valid:
            valid += 1
            for form in Separator:
                assert read_page_text(render(validation.networks, form)) == validation.networks
        # Semicolons and full-width commas separate here and are malformed there: not the composer's to refuse.
        elif why := refusal(text):
            refused += 1
            assert validation.errors, why
        if not any(mark in text for mark in ';，#"[') and refusal(text):
            assert not validation.is_valid, text
    print(f"{LISTS} lists: {valid} valid and saved, {refused} refused and called invalid")
    assert valid > LISTS / 10
    assert refused > LISTS / 10


async def test_the_simulated_page_s_own_http_agrees() -> None:
    random = Random(6)
    lists = [a_list(random) for _ in range(OVER_HTTP)]
    async with serve(EmbeddedExchange(seed=5)) as addresses, httpx.AsyncClient(trust_env=False) as client:
        made = await client.post(
            f"{addresses.desk_url}/keys",
            json={"label": "new", "kind": "hmac", "permissions": {}, "whitelist": "203.0.113.42"},
        )
        assert made.status_code == 201, made.text
        page = f"{addresses.desk_url}/keys/{made.json()['api_key']}/whitelist"
        agreed = {True: 0, False: 0}
        for text in lists:
            validation = validate(parse(text), ListContext(rules(random)))
            given = render(validation.networks) if validation.is_valid else text
            answer = await client.put(page, json={"text": given})
            if validation.is_valid:
                assert answer.status_code == 200, (given, answer.text)
            if answer.status_code != 200:
                assert answer.status_code == 400
                assert not validation.is_valid
            agreed[validation.is_valid] += 1
    print(f"{OVER_HTTP} lists over HTTP: {agreed[True]} saved, {agreed[False]} called invalid")
    assert min(agreed.values()) > 5
