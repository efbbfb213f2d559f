"""Is the legacy key dead? A pure judgement over pairs of observations (DESIGN section 8).

One poll asks with both keys from the same egress address: the legacy key must be refused *and*
the current key accepted. Anything that is not a signed refusal is never death.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wizard.rotation.model import Grade

POLLS_IN_A_ROW = 3

UNKNOWN_KEY = -2008
"""`/sapi` no longer knows the key id (REPORTED: ccxt 16777, freqtrade 11401)."""
REFUSED_KEY = -2015
"""Dead, disabled, or not allowed from this address: one code for all of them (CONFIRMED text)."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """When and from where the exchange last accepted the legacy key, within this rotation."""

    at: float
    address: str
    """The egress address; empty where it was not known."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What the exchange said to both keys within one poll."""

    at: float
    legacy_accepted: bool
    legacy_code: int | None
    """The JSON code of the refusal; None when there was no signed refusal."""
    legacy_said: str
    control_accepted: bool
    control_said: str
    from_address: str = ""
    """The egress address, observed anew when the refusal could be about the address."""
    is_on_sapi: bool = True
    """Whether `/sapi` was asked: only there an unknown key is told from a refused one."""
    retry_after: float = 0.0
    """Seconds that must pass before the next poll."""

    @property
    def shows_death(self) -> bool:
        """Whether this poll alone speaks for the death of the legacy key."""
        return self.control_accepted and not self.legacy_accepted and self.legacy_code in (UNKNOWN_KEY, REFUSED_KEY)

    def is_about_address(self, baseline: Baseline | None) -> bool:
        """Whether another address than the baseline's may be why the legacy key is refused.

        The two keys may have different whitelists: that the current key is accepted does not say
        that the legacy key's list has this address.
        """
        if self.legacy_code != REFUSED_KEY or baseline is None:
            return False
        return not self.from_address or self.from_address != baseline.address

    @property
    def shows_life(self) -> bool:
        """Whether the legacy key signed successfully, or is still known (a wrong signature says so)."""
        return self.legacy_accepted or self.legacy_code == -1022


@dataclass(frozen=True, slots=True)
class Death:
    """The judgement over all polls so far."""

    grade: Grade
    in_a_row: int
    """Polls that showed death, counted back from the newest."""
    sentence: str
    does_not_prove: str = ""
    since: float | None = None
    """When the legacy key was first refused without being accepted again; None while it lives."""

    @property
    def allows_purge(self) -> bool:
        """Whether the legacy secret may be deleted without asking further."""
        return self.grade in (Grade.PROVEN, Grade.STRONG)


def judge_death(polls: Sequence[Poll], baseline: Baseline | None) -> Death:
    """Grade the death of the legacy key.

    Args:
        polls: All polls of this rotation, the oldest first.
        baseline: When and from where the exchange accepted the legacy key before it was to die;
            None where it never did.
    """
    if not polls:
        return Death(Grade.INCONCLUSIVE, 0, "The legacy key has not been asked yet.")
    newest, streak = polls[-1], _streak(polls)
    if newest.shows_life:
        return Death(Grade.ALIVE, 0, _ALIVE if newest.control_accepted else _DO_NOT_DELETE)
    if not newest.shows_death:
        return Death(Grade.INCONCLUSIVE, 0, _inconclusive(newest))
    if len(streak) < POLLS_IN_A_ROW:
        return Death(
            Grade.INCONCLUSIVE,
            len(streak),
            f"The legacy key was refused and the current key accepted: {len(streak)} of {POLLS_IN_A_ROW} in a row.",
        )
    return replace(_grade(streak, baseline), since=streak[-1].at)


_ALIVE = "The legacy key is still alive: the exchange accepts it. Delete it now."
_DO_NOT_DELETE = "Do not delete the legacy key: the exchange accepts it, and it does not accept the current key."


def gone(current_accepts: bool) -> Death:
    """Judge a legacy key whose secret is not stored any more: it cannot be asked."""
    control = "The current key is accepted." if current_accepts else "The current key could not be asked either."
    return Death(
        Grade.WEAK,
        0,
        f"The legacy key cannot be asked: its secret is not stored any more. {control}",
        "that it is dead: look at the exchange's page",
    )


def _streak(polls: Sequence[Poll]) -> list[Poll]:
    streak: list[Poll] = []
    for poll in reversed(polls):
        if not poll.shows_death:
            break
        streak.append(poll)
    return streak


def _inconclusive(poll: Poll) -> str:
    if not poll.control_accepted:
        return f"The current key was not accepted in the same poll, so this proves nothing: {poll.control_said}."
    return f"The exchange gave no signed refusal ({poll.legacy_said}), so this proves nothing."


def _grade(streak: Sequence[Poll], baseline: Baseline | None) -> Death:
    count = len(streak)
    if baseline is None:
        return Death(
            Grade.WEAK,
            count,
            f"The legacy key is refused, {count} polls in a row, but it was never seen to work from here.",
            "that it is dead: it may always have been refused from this address",
        )
    elsewhere = next((poll for poll in streak if poll.is_about_address(baseline)), None)
    if elsewhere is not None:
        return Death(
            Grade.WEAK,
            count,
            f"The legacy key is refused, {count} polls in a row, but from {_named(elsewhere.from_address)};"
            f" it was seen to work from {_named(baseline.address)}.",
            "that it is dead: its whitelist may lack this address",
        )
    if all(poll.legacy_code == UNKNOWN_KEY and poll.is_on_sapi for poll in streak[:POLLS_IN_A_ROW]):
        return Death(
            Grade.PROVEN,
            count,
            f"The exchange no longer knows the legacy key, {count} polls in a row,"
            " while the current key was accepted each time.",
            "that nobody copied the key while it lived",
        )
    return Death(
        Grade.STRONG,
        count,
        f"The legacy key worked from here and is now refused, {count} polls in a row,"
        " while the current key was accepted each time.",
        "that it was deleted: a disabled key, or one whose whitelist changed, is refused in the same words",
    )


def _named(address: str) -> str:
    return address or "an address that was not observed"
