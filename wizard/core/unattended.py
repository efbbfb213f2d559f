"""What the settings say of every key, `[policy]`, and of those that are replaced without a person: when, from where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from wizard.core.text import did_you_mean
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
_BY_HAND: Final = ("enableReading", "enableWithdrawals", "enableInternalTransfer", "enablePortfolioMarginTrading")
FLAGS: Final = (*PERMISSIONS, "ipRestrict", *_BY_HAND)
"""What a policy can name, as `apiRestrictions` does."""


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What each key has to keep to, whoever makes it. The default asks for nothing."""

    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    max_age: float | None = None
    """Seconds after which a key is too old."""


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
    default = RotationPolicy()
    return RotationPolicy(
        every=_duration(section, "every", "30 days"),
        grace=_duration(section, "grace", "10 minutes") or default.grace,
        allowed=tuple(read_block(section, "allowed", text) for text in section.strings("allowed", ("203.0.113.0/24",))),
        permissions=_permissions(section, "permissions", PERMISSIONS),
        on_switch=section.command("on_switch", ("systemctl", "--user", "restart", "bot.service")),
        on_failure=section.command("on_failure", ("/usr/local/bin/notify",)),
    )


def read_key_policy(section: Section) -> KeyPolicy:
    """Return what the table `policy` says, or raise WizardError, which names the line."""
    section.expect_only(("required", "forbidden", "max_age"))
    required, forbidden = (_permissions(section, key, FLAGS) for key in ("required", "forbidden"))
    return KeyPolicy(required, forbidden, _duration(section, "max_age", "90 days"))


def _permissions(section: Section, key: str, known: Sequence[str]) -> tuple[str, ...]:
    names = section.strings(key, known[:1])
    if unknown := next((name for name in names if name not in known), None):
        advice = did_you_mean(unknown, known) or f"Choose from {', '.join(known)}."
        raise section.refusal(key, "No permission of that name can stand here.", advice)
    return names


def _duration(section: Section, key: str, example: str) -> float | None:
    text = section.string(key, example)
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    if found is None:
        why = "It has to be a whole number and a unit. Units are seconds, minutes, hours and days."
        raise section.refusal(key, why, f'Write {key} = "{example}".')
    return int(found[1]) * _UNITS[found[2]]


def read_block(section: Section, key: str, text: str) -> IPv4Network:
    """Return an address or a block of a list, or raise WizardError, which names the line of `key`."""
    try:
        block = IPv4Network(text)
    except ValueError:
        why = "An entry is not an IPv4 address or block."
        raise section.refusal(key, why, "Write entries as 203.0.113.42 or 203.0.113.0/24.") from None
    if block.prefixlen < _WIDEST:
        raise section.refusal(key, "An entry allows too many addresses.", f"The widest block is a /{_WIDEST}.")
    return block
