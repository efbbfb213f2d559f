"""Is the legacy key dead? A pure judgement over pairs of observations.

One poll asks with both keys from the same egress address: the legacy key must be refused *and*
the current key accepted. Anything that is not a signed refusal is never death.

What is claimed, of a key that is alive and enabled:

- it is never `proven`, as long as `/sapi` knows the keys that exist;
- it is never `strong`, as long as the lists on the exchange's page are those that are known here, and one poll's calls
  leave by at most two addresses, one after the other. The addresses that echo services see may be any others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, collapse_addresses

from wizard.core.text import capitalised
from wizard.exchange.diagnosis import DEATH_CODES, REFUSED_KEY, UNKNOWN_KEY, WRONG_SIGNATURE
from wizard.rotation.model import Grade

POLLS_IN_A_ROW = 3
"""Refusals of a key that is alive are reported to come and go (ccxt 11045, 17460); so one proves nothing, and three
within a moment are one. How long to wait between two is the pace's matter: see `wizard.rotation.context.Pace`."""
LEGACY = "the legacy key"
"""Whose death it is, as a phrase; any other name is that of a key that was entered and is not in use."""


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
    """The egress address, observed within this poll: as the exchange named it, else as operators agree on it."""
    is_on_sapi: bool = True
    """Whether `/sapi` was asked: only there an unknown key is told from a refused one."""
    retry_after: float = 0.0
    """Seconds that must pass before the next poll."""
    is_first: bool = True
    """Whether it is the first of a run: no row goes on from the run before."""
    is_spaced: bool = False
    """Whether enough time passed since the poll before it. One that is not can end a row, and does not lengthen it."""
    is_control_refused: bool = False
    """Whether Binance refused the current key itself; a time-out or a limit is no refusal."""
    is_covered: bool = False
    """Whether every address that the current key may have been accepted from is on the legacy key's list, as known."""

    @property
    def counts(self) -> bool:
        """Whether it lengthens a row."""
        return self.is_first or self.is_spaced

    @property
    def shows_death(self) -> bool:
        """Whether this poll alone speaks for the death of the legacy key."""
        return self.control_accepted and not self.legacy_accepted and self.legacy_code in DEATH_CODES

    def is_about_address(self, baseline: str) -> bool:
        """Whether another address than the baseline may be why the legacy key is refused.

        The two keys may have different whitelists: that the current key is accepted does not say
        that the legacy key's list has this address.
        """
        return self.legacy_code == REFUSED_KEY and (not self.from_address or self.from_address != baseline)

    @property
    def shows_life(self) -> bool:
        """Whether the legacy key signed successfully, or is still known (a wrong signature says so)."""
        return self.legacy_accepted or self.legacy_code == WRONG_SIGNATURE


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

    @property
    def is_missing(self) -> bool:
        """Whether the key could not be asked about, as its secret is not stored any more."""
        return self.grade is Grade.WEAK and not self.in_a_row


def judge_death(
    polls: Sequence[Poll],
    baseline: str | None,
    name: str = LEGACY,
    *,
    worked_before: bool = False,
    may_be_kept: bool = True,
) -> Death:
    """Grade the death of a key by all polls of this rotation, the oldest first.

    Args:
        polls: What was asked since the switch.
        baseline: The egress address from which it was accepted last in this rotation, empty where that was not known;
            None where it never was. A refusal is compared with it.
        name: Whose death it is, see `LEGACY`.
        worked_before: Whether this site knew it in any rotation, from wherever: a site that knew a key can be
            seen to know it no more, from any address. A refusal after an older acceptance says less: the list on the
            exchange's page may have changed in between.
        may_be_kept: Whether it may be used again where the current key is not accepted; not so where it has leaked.
    """
    if not polls:
        return Death(Grade.INCONCLUSIVE, 0, f"Binance has not been asked about {name} yet.")
    newest, row = polls[-1], _row(polls)
    count = sum(poll.counts for poll in row)
    if newest.shows_life:
        knows = "Binance accepts" if newest.legacy_accepted else "Binance knows"
        if may_be_kept and not newest.control_accepted:
            said = newest.control_said.replace("this key", "the current key")
            return Death(Grade.ALIVE, 0, f"{knows} {name} and does not accept the current key. {said}.")
        return Death(Grade.ALIVE, 0, f"{capitalised(name)} is still alive. {knows} it. Delete it now.")
    if not newest.shows_death:
        whom, said = f"Binance did not judge {name}", newest.legacy_said
        if not newest.control_accepted:
            whom, said = "The current key was not accepted at the same time", newest.control_said
        return Death(Grade.INCONCLUSIVE, 0, f"{whom}, so this proves nothing. {said}.")
    if count < POLLS_IN_A_ROW:
        return Death(
            Grade.INCONCLUSIVE,
            count,
            f"Binance refused {name} and accepted the current one, {count} of {POLLS_IN_A_ROW} times in a row.",
        )
    return replace(_grade(polls, row, baseline, name, worked_before), since=row[-1].at)


def covers(legacy: Sequence[IPv4Network], current: Sequence[IPv4Network]) -> bool:
    """Return whether every address of the current key's list is on the legacy key's; not so where one is not known.

    Where it is so, an address that the current key is accepted from is none that the legacy key is refused for.
    """
    whole = list(collapse_addresses(legacy))
    return bool(current) and all(any(one.subnet_of(network) for network in whole) for one in current)


def judge_missing(current_accepts: bool, name: str = LEGACY) -> Death:
    """Judge a key whose secret is not stored any more: it cannot be asked."""
    control = f"Binance {'accepts' if current_accepts else 'does not accept'} the current key."
    return Death(
        Grade.WEAK,
        0,
        f"Binance cannot be asked about {name}, as its secret is no longer stored. {control}",
        "that it is dead. Look at Binance's page",
    )


def _row(polls: Sequence[Poll]) -> list[Poll]:
    """The polls that show death since one did not, or since this run began, the newest first."""
    row: list[Poll] = []
    for poll in reversed(polls):
        if not poll.shows_death:
            break
        row.append(poll)
        if poll.is_first:
            break
    return row


def _is_unknown(row: Sequence[Poll]) -> bool:
    """Whether `/sapi` did not know the key in the newest polls of a row, those included that do not lengthen it.

    An older refusal does not matter then: the key may have been refused for this address while it lived.
    """
    counted = [number for number, poll in enumerate(row) if poll.counts]
    newest = row[: counted[POLLS_IN_A_ROW - 1] + 1]
    return all(poll.legacy_code == UNKNOWN_KEY and poll.is_on_sapi for poll in newest)


def _came_back_from(polls: Sequence[Poll]) -> frozenset[int]:
    """The codes that the legacy key was refused with before it was seen to live again."""
    lived = [number for number, poll in enumerate(polls) if poll.shows_life]
    before = polls[: lived[-1]] if lived else ()
    return frozenset(poll.legacy_code for poll in before if poll.shows_death and poll.legacy_code is not None)


def _grade(polls: Sequence[Poll], row: Sequence[Poll], baseline: str | None, name: str, worked_before: bool) -> Death:
    count = sum(poll.counts for poll in row)

    def weak(doubt: str, gap: str, place: str = "") -> Death:
        what = f"Binance refuses {name}{place}, {count} times in a row, but {doubt}."
        return Death(Grade.WEAK, count, what, f"that it is dead. {gap}")

    if _came_back_from(polls) & {poll.legacy_code for poll in row}:
        return weak("it did so before and then accepted it again", "The same cause may pass again")
    if (worked_before or baseline is not None) and _is_unknown(row):
        return Death(
            Grade.PROVEN,
            count,
            f"Binance no longer knows {name}, {count} times in a row. It accepted the current key each time.",
            "that nobody copied the key while it worked",
        )
    if baseline is None:
        return weak("it did not accept it before in this job", "Binance may have refused it here before you deleted it")
    elsewhere = next((poll for poll in row if poll.is_about_address(baseline)), None)
    if elsewhere is not None:
        known = "an address that was not observed"
        worked_from = f"it last worked from {baseline or known}"
        return weak(worked_from, "Its list may lack this address", f" from {elsewhere.from_address or known}")
    if not all(poll.is_covered for poll in row if poll.legacy_code == REFUSED_KEY):
        return weak(
            "the address that Binance sees may not be on its list", "Only the current key's list may have that address"
        )
    return Death(
        Grade.STRONG,
        count,
        f"Binance refuses {name}, {count} times in a row. It worked from here before."
        " The current key was accepted each time.",
        "that it was deleted. A disabled key is refused in the same way. So is a key whose list lacks the address that"
        " Binance sees",
    )
