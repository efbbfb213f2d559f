"""May the new key do what the current one does, and no more? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wizard.core.unattended import KeyPolicy
from wizard.exchange.responses import ApiRestrictions
from wizard.rotation.model import Outcome

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


@dataclass(frozen=True, slots=True)
class PermissionDifference:
    """One difference that matters, in words."""

    outcome: Outcome
    """What it means for the new key; inconclusive where the exchange did not tell what would have to be compared."""
    permissions: tuple[str, ...]
    """The permissions that differ, by the exchange's names; empty where the difference is none of permissions."""
    what: str
    advice: str


_MAY_WITHDRAW = PermissionDifference(
    Outcome.WARNING,
    (),
    "This key may withdraw. Whoever has it, at a listed address, can move the money out.",
    "Switch Enable Withdrawals off on Binance's page, unless your bot withdraws by itself.",
)
_NOT_YOUNGER = PermissionDifference(
    Outcome.WARNING,
    (),
    "The new key is not younger than the current one. It may be an old key.",
    "Compare the last four characters with those of the key that you just created.",
)

_EDIT = "Edit the key on Binance's page."
_TOO_OLD = PermissionDifference(Outcome.FAILED, (), "Your policy allows no key of this age.", "Create a new key.")


def compare(new: ApiRestrictions, current: ApiRestrictions | None) -> tuple[PermissionDifference, ...]:
    """Compare what a new key may do with the one that it replaces; return the differences, the weightiest first.

    Whether the new key is restricted to addresses is not compared: it has to be, whatever the current key is. Where
    `current` is None, only what the new key shows by itself is judged.
    """
    theirs = current.permissions if current else {}
    told, other = new.permissions.keys(), theirs.keys()
    found = [
        _differ(
            Outcome.FAILED,
            _only_in(theirs, new.permissions),
            "The new key lacks permissions of the current key: {}.",
            "Switch them on for the new key on Binance's page. Without them your bot fails after the switch.",
        ),
        _differ(
            Outcome.INCONCLUSIVE,
            sorted((told ^ other if current else set()) | ({WITHDRAWALS} - told)),
            "Binance does not show enough to judge these permissions: {}.",
            "Probe again. If it stays so, look at the key on Binance's page.",
        ),
        _MAY_WITHDRAW if new.permissions.get(WITHDRAWALS) else None,
        _differ(
            Outcome.WARNING,
            _only_in(new.permissions, theirs),
            "The new key has permissions that the current key lacks: {}.",
            "Switch off what your bot does not need.",
        ),
        # Not told is not the same as off.
        _differ(
            Outcome.WARNING,
            [name for name in LABELS if current and name not in told | other | {WITHDRAWALS}],
            "Binance shows these permissions of neither key: {}.",
            "Compare both keys on Binance's page.",
        ),
        _NOT_YOUNGER
        if current and current.created_ms and new.created_ms and new.created_ms <= current.created_ms
        else None,
    ]
    return tuple(difference for difference in found if difference)


def compare_with_proof(now: Mapping[str, bool], proven: Mapping[str, bool]) -> tuple[PermissionDifference, ...]:
    """Compare what a key may do now with what it might when it was accepted last; return what changed, the worst first.

    What is on now and was not told then counts as added.
    """
    added = [name for name, is_on in now.items() if is_on and not proven.get(name)]
    found = [
        _differ(
            Outcome.FAILED,
            _only_in(proven, now),
            "The key lost permissions: {}.",
            "Switch them on again on Binance's page.",
        ),
        _differ(
            Outcome.FAILED,
            [name for name in added if name == WITHDRAWALS],
            "The key got a permission that it did not have: {}. Whoever has the key can move the money out.",
            "Switch it off on Binance's page. If you did not switch it on, somebody else may be in your account.",
        ),
        _differ(
            Outcome.WARNING,
            [name for name in added if name != WITHDRAWALS],
            "The key got permissions that it did not have: {}.",
            "Switch off what your bot does not need.",
        ),
        _differ(
            Outcome.INCONCLUSIVE,
            [name for name, was_on in proven.items() if was_on and name not in now],
            "Binance no longer says whether the key has these permissions: {}.",
            "Look at the key on Binance's page.",
        ),
    ]
    return tuple(difference for difference in found if difference)


def compare_with_policy(policy: KeyPolicy, told: ApiRestrictions, age: float = 0.0) -> tuple[PermissionDifference, ...]:
    """Compare a key of an `age` in seconds with a policy; return what breaks it, and what is not known."""
    may = {**told.permissions, "ipRestrict": told.ip_restricted}
    forbidden = [name for name in policy.forbidden if may.get(name)]
    lacking = [name for name in policy.required if may.get(name) is False]
    unknown = [name for name in (*policy.forbidden, *policy.required) if may.get(name) is None]
    found = [
        _differ(Outcome.FAILED, forbidden, "Your policy forbids what the key has: {}.", _EDIT),
        _differ(Outcome.FAILED, lacking, "Your policy requires what the key lacks: {}.", _EDIT),
        _differ(Outcome.INCONCLUSIVE, unknown, "Binance does not show what your policy names: {}.", _EDIT),
        _TOO_OLD if policy.max_age is not None and age > policy.max_age else None,
    ]
    return tuple(difference for difference in found if difference)


def _differ(outcome: Outcome, permissions: Sequence[str], what: str, advice: str) -> PermissionDifference | None:
    """Return the difference in these permissions; a flag that is not known keeps the exchange's name."""
    if not permissions:
        return None
    named = ", ".join(LABELS.get(name, name) for name in permissions)
    return PermissionDifference(outcome, tuple(permissions), what.format(named), advice)


def _only_in(one: Mapping[str, bool], other: Mapping[str, bool]) -> list[str]:
    return [name for name, is_on in one.items() if is_on and other.get(name) is False]
