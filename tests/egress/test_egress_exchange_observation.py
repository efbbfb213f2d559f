"""The exchange's own word beside the echo services'."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.egress.selection import ExchangeObservation

A, B = IPv4Address("203.0.113.42"), IPv4Address("198.51.100.7")
SEEN = EgressVerdict(EgressState.AGREED, {A: ("Amazon", "ipify")})
LIST = (IPv4Network("203.0.113.0/24"),)


@pytest.mark.parametrize(
    ("observation", "confirms", "told"),
    [
        (ExchangeObservation("binance.com", named=A), True, "sees 203.0.113.42, as the services do"),
        (
            ExchangeObservation("binance.com", named=B),
            False,
            "sees 198.51.100.7, not 203.0.113.42. The route depends",
        ),
        (ExchangeObservation("binance.com", named=B), False, "split routing"),
        (ExchangeObservation("binance.com", True, True, LIST, named=B), False, "Put it on the whitelist"),
        (ExchangeObservation("binance.com", True, True, LIST), True, "has an address that was seen"),
        (ExchangeObservation("binance.com", True, True, (IPv4Network("192.0.2.1"),)), False, "split routing"),
        (ExchangeObservation("binance.com", True, False, LIST), None, "not bound to a list"),
        (ExchangeObservation("binance.com", True, None, LIST), None, "does not show which address it sees"),
        (
            ExchangeObservation("binance.com", trouble="The key is refused"),
            None,
            "did not show which address it sees. The key",
        ),
    ],
)
def test_each_word_has_its_meaning_beside_what_was_seen(observation, confirms, told):
    assert observation.confirms(SEEN) is confirms
    assert told in observation.sentence(SEEN)


def test_a_name_alone_is_told_where_no_echo_service_answered():
    assert ExchangeObservation("binance.com", named=B).sentence(None).startswith("Binance sees 198.51.100.7. ")
