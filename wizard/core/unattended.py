"""What the settings say of keys that are replaced without a person: whose sub-account, how often, from where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from wizard.core.toml_file import Section

_UNITS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5}) (second|minute|hour|day)s?")
_WIDEST: Final = 8
"""The shortest prefix that `allowed` takes: a wider block allows more than any one provider has."""
PERMISSIONS: Final = (
    "enableSpotAndMarginTrading",
    "enableMargin",
    "enableFutures",
    "permitsUniversalTransfer",
    "enableVanillaOptions",
    "enableFixApiTrade",
    "enableFixReadOnly",
)
"""What the sub-account API can grant, by the names of `apiRestrictions`. Reading is always on."""


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """What `key-wizard rotate` may do without a person, and when."""

    every: float | None = None
    """Seconds after which a key is too old; None where age alone is no reason."""
    grace: float = 600.0
    """Seconds for which the legacy key lives on after the switch, and a former address stays on the list."""
    allowed: tuple[IPv4Network, ...] = ()
    """Where an address of a list has to lie; empty: on the list in use."""
    permissions: tuple[str, ...] = ()
    """What the first key of an environment may do besides reading; see `PERMISSIONS`."""
    on_switch: tuple[str, ...] = ()
    """The program and its arguments that run after the switch; nothing where empty."""
    on_failure: tuple[str, ...] = ()
    """The same where a run did not end well."""

    def allows(self, address: IPv4Address, listed: Sequence[IPv4Network]) -> bool:
        """Return whether an address may be on a list without a person; `listed` is the list in use."""
        return any(address in block for block in self.allowed or listed)


def read_policy(section: Section) -> RotationPolicy:
    """Return what a section `rotation` says, or raise WizardError, which names the line."""
    section.expect_only(("every", "grace", "allowed", "permissions", "on_switch", "on_failure"))
    permissions = section.strings("permissions", PERMISSIONS[:1])
    if not set(permissions) <= set(PERMISSIONS):
        why = "The sub-account API grants none of that name."
        raise section.refusal("permissions", why, f"Choose from {', '.join(PERMISSIONS)}.")
    default = RotationPolicy()
    return RotationPolicy(
        every=_duration(section, "every", "30 days"),
        grace=_duration(section, "grace", "10 minutes") or default.grace,
        allowed=tuple(_block(section, text) for text in section.strings("allowed", ("203.0.113.0/24",))),
        permissions=permissions,
        on_switch=section.command("on_switch", ("systemctl", "--user", "restart", "bot.service")),
        on_failure=section.command("on_failure", ("/usr/local/bin/notify",)),
    )


def _duration(section: Section, key: str, example: str) -> float | None:
    text = section.string(key, example)
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    if found is None:
        why = "It has to be a whole number and a unit. Units are seconds, minutes, hours and days."
        raise section.refusal(key, why, f'Write {key} = "{example}".')
    return int(found[1]) * _UNITS[found[2]]


def _block(section: Section, text: str) -> IPv4Network:
    try:
        block = IPv4Network(text)
    except ValueError:
        why = "An entry is not an IPv4 address or block."
        raise section.refusal("allowed", why, 'Write allowed = ["203.0.113.0/24"].') from None
    if block.prefixlen < _WIDEST:
        advice = f"The widest block is a /{_WIDEST}."
        raise section.refusal("allowed", "An entry allows too many addresses.", advice)
    return block
