"""May the new key do what the current one does, no more, and from listed addresses only? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wizard.exchange.responses import ApiRestrictions

WITHDRAWALS = "enableWithdrawals"

LABELS = {
    "enableReading": "Enable Reading",
    "enableSpotAndMarginTrading": "Enable Spot & Margin Trading",
    "enableMargin": "Enable Margin Loan, Repay & Transfer",
    "enableFutures": "Enable Futures",
    "enableVanillaOptions": "Enable European Options",
    "enablePortfolioMarginTrading": "Enable Portfolio Margin Trading",
    "permitsUniversalTransfer": "Permits Universal Transfer",
    "enableInternalTransfer": "Enable Internal Transfer",
    "enableFixApiTrade": "FIX API",
    "enableFixReadOnly": "FIX API, read only",
    WITHDRAWALS: "Enable Withdrawals",
}
"""Names for people, close to the exchange's page. The page may word them otherwise."""


class Weight(StrEnum):
    """What a finding means for the promotion of the new key."""

    BLOCKS = "blocks"
    NOT_TOLD = "not-told"
    """The exchange did not tell what would have to be compared: neither a failure nor a pass."""
    WARNS_LOUDLY = "warns-loudly"
    WARNS = "warns"


@dataclass(frozen=True, slots=True)
class PermissionFinding:
    """One difference that matters, in words."""

    weight: Weight
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class PermissionDiff:
    """How the new key differs from the current one."""

    missing: tuple[str, ...]
    """Permissions that the current key has and the new one lacks, by the exchange's names."""
    extra: tuple[str, ...]
    """Permissions that only the new key has."""
    not_told: tuple[str, ...]
    """Permissions that the exchange told of one key and not of the other, and withdrawals where it did not tell."""
    told_of_none: tuple[str, ...]
    """Documented permissions that it told of neither key. Not told is not the same as off."""
    withdrawals_on: bool
    """Whether the new key can move money out."""
    unrestricted: bool
    """Whether the exchange says that the new key works from any address."""
    restriction_unknown: bool
    """Whether the exchange does not say if the new key is restricted."""
    was_compared: bool
    """Whether there was a current key that could be asked."""
    not_newer: bool
    """Whether the new key was not created after the current one: perhaps it is the old one."""

    def findings(self) -> tuple[PermissionFinding, ...]:
        """Return the differences in words, the weightiest first."""
        return tuple(
            PermissionFinding(
                weight, what.format(", ".join(map(label, names)) if isinstance(names, tuple) else ""), advice
            )
            for names, weight, what, advice in (
                (self.unrestricted, *_UNRESTRICTED),
                (self.restriction_unknown, *_RESTRICTION_UNKNOWN),
                (self.missing, *_MISSING),
                (self.not_told, *_NOT_TOLD),
                (self.withdrawals_on, *_WITHDRAWALS_ON),
                (self.extra, *_EXTRA),
                (self.told_of_none, *_TOLD_OF_NONE),
                (self.not_newer, *_NOT_NEWER),
            )
            if names
        )


_UNRESTRICTED = (
    Weight.BLOCKS,
    "The new key is not restricted to addresses: whoever has it can use it from anywhere.",
    "On the exchange's page choose “Restrict access to trusted IPs only”, enter the whitelist and save.",
)
_RESTRICTION_UNKNOWN = (
    Weight.BLOCKS,
    "The exchange does not say whether the new key is restricted to addresses.",
    "Look at the key on the exchange's page.",
)
_MISSING = (
    Weight.BLOCKS,
    "The new key lacks what the current key may do: {}.",
    "Switch it on for the new key on the exchange's page, or your software will fail after the change.",
)
_NOT_TOLD = (
    Weight.NOT_TOLD,
    "The exchange does not tell enough to judge these permissions: {}.",
    "Probe again. If it stays so, look at the key on the exchange's page.",
)
_WITHDRAWALS_ON = (
    Weight.WARNS_LOUDLY,
    "The new key may withdraw: whoever has it, at a listed address, can move the money out.",
    "Unless your software withdraws by itself, switch Enable Withdrawals off on the exchange's page.",
)
_EXTRA = (
    Weight.WARNS,
    "The new key may do what the current key may not: {}.",
    "Switch off what your software does not need.",
)
_TOLD_OF_NONE = (
    Weight.WARNS,
    "The exchange tells of neither key whether it may: {}.",
    "Compare both keys on the exchange's page.",
)
_NOT_NEWER = (
    Weight.WARNS,
    "The new key was not created after the current one. It may be the old key, or an older one.",
    "Compare the last four characters with the key that you have just created.",
)


def compare(new: ApiRestrictions, current: ApiRestrictions | None) -> PermissionDiff:
    """Compare a new key with the one that it replaces.

    Args:
        new: What the exchange says of the new key.
        current: The same of the current key; None when there is none, or it can no longer be asked.
            Then only what the new key shows by itself is judged.
    """
    told, other = new.permissions.keys(), current.permissions.keys() if current else set[str]()
    return PermissionDiff(
        missing=() if current is None else _only_in(current, new),
        extra=() if current is None else _only_in(new, current),
        not_told=tuple(sorted((told ^ other if current else set()) | ({WITHDRAWALS} - told))),
        told_of_none=tuple(name for name in LABELS if current and name not in told | other | {WITHDRAWALS}),
        withdrawals_on=new.permissions.get(WITHDRAWALS, False),
        unrestricted=new.ip_restricted is False,
        restriction_unknown=new.ip_restricted is None,
        was_compared=current is not None,
        not_newer=_is_not_newer(new, current),
    )


def label(permission: str) -> str:
    """Return a permission's name for people; a flag that is not known keeps the exchange's name."""
    return LABELS.get(permission, permission)


def _only_in(one: ApiRestrictions, other: ApiRestrictions) -> tuple[str, ...]:
    return tuple(name for name, is_on in one.permissions.items() if is_on and other.permissions.get(name) is False)


def _is_not_newer(new: ApiRestrictions, current: ApiRestrictions | None) -> bool:
    if current is None or current.created_ms is None or new.created_ms is None:
        return False
    return new.created_ms <= current.created_ms
