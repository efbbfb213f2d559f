"""What is said of the hosts behind a list: whether they were looked at, and how old that is."""

from __future__ import annotations

from collections.abc import Iterator, Set
from ipaddress import IPv4Address

from wizard.core.clock import duration
from wizard.rotation.steps.address_selection import AddressSelection
from wizard.whitelist import Finding, Severity, Validation

FRESH = 3600.0
"""Seconds for which a detection is not called old: addresses change when a line, a VPN or a lease is renewed."""
CODES = frozenset({"this-host-unknown", "this-host-outdated", "no-longer-seen", "other-hosts-outdated"})
_SET_BACK = 60.0
"""Seconds by which a clock is set back at times; a detection from further on has no age that could be told."""
_STILL_TO_COME = "at a time that the clock has not reached yet"
_NAMED = 3


def warnings_about_hosts(
    selection: AddressSelection, validation: Validation, put_in: Set[IPv4Address], now: float
) -> Iterator[Finding]:
    """Return what a list may lock out, or let in, although its entries are fine.

    Args:
        selection: What goes to the list, by whose word.
        validation: The list.
        put_in: What stands on it for the sake of this rotation's detections alone.
        now: The time, in seconds since 1970.
    """
    own, others = selection.by_owner()
    if not own:
        yield _warning(
            "this-host-unknown",
            "No address of this host is ticked in the Egress step: whether the list covers it was not looked at.",
        )
    else:
        yield from _of_this_host([now - moment for moment in selection.seen_at(own)])
        yield from _of_earlier_detections(validation, put_in - own.keys() - others.keys())
    yield from _of_other_hosts({host: now - moment for host, moment in selection.others_seen_at(others).items()})


def _of_this_host(ages: list[float]) -> Iterator[Finding]:
    newest = min(ages, key=abs, default=0.0)
    if _is_old(newest):
        yield _warning(
            "this-host-outdated",
            f"This host's address was detected {_ago(newest)} and may have changed: detect it again in the Egress"
            " step.",
        )


def _of_earlier_detections(validation: Validation, unwanted: Set[IPv4Address]) -> Iterator[Finding]:
    # It is not taken out unasked: this host may have both by turns.
    gone = sorted(unwanted & {each.network_address for each in validation.networks})
    if gone:
        yield _warning(
            "no-longer-seen",
            f"By an earlier detection only: {', '.join(map(str, gone))}. The newest one sees another address of this"
            " host: delete what it does not have any more.",
        )


def _of_other_hosts(ages: dict[str, float]) -> Iterator[Finding]:
    old = {host: age for host, age in ages.items() if _is_old(age)}
    if old:
        more = f" and {len(old) - _NAMED} more" if len(old) > _NAMED else ""
        when = f"{'up to ' if len(old) > 1 else ''}{_ago(max(old.values(), key=abs))}"
        yield _warning(
            "other-hosts-outdated",
            f"The address of {', '.join(list(old)[:_NAMED])}{more} was detected {when} and may have changed: ask again"
            " in the Egress step.",
        )


def _is_old(age: float) -> bool:
    return age >= FRESH or age < -_SET_BACK


def _ago(age: float) -> str:
    return f"{duration(age)} ago" if age > 0 else _STILL_TO_COME


def _warning(code: str, message: str) -> Finding:
    return Finding(code, Severity.WARNING, message)
