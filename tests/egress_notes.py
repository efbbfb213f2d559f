"""What a detection saw, written into the journal as the tests say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.rotation.journal import WIZARD, Journal


def note_egress(
    journal: Journal,
    environment: str,
    operators: Mapping[str, Sequence[str]],
    state: str,
    route: str,
    *,
    asked_by: str = WIZARD,
) -> None:
    """Keep who saw which address."""
    seen = {IPv4Address(address): tuple(who) for address, who in operators.items()}
    journal.note_egress(environment, EgressVerdict(EgressState(state), seen), route, asked_by=asked_by)
