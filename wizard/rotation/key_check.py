"""Is the key in use as it was proven, and is every other key dead? Pure: what was seen goes in, findings come out.

Advice to delete a key is given only where the key in use was accepted at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address

from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError, sentences
from wizard.core.settings import Environment
from wizard.custody.errors import CustodyError
from wizard.custody.records import KeyRecord, Slot
from wizard.egress.detection import EgressReport
from wizard.exchange.diagnosis import DEATH_CODES, UNKNOWN_KEY, WRONG_SIGNATURE, Circumstances
from wizard.exchange.responses import ApiRestrictions
from wizard.rotation.current_credentials import NoCurrentKeyError
from wizard.rotation.exchange_calls import SignedAnswer, circumstances
from wizard.rotation.findings import FUTURES, PERMISSIONS, STORAGE, FindingWriter, host_subject
from wizard.rotation.host_proofs import HostProof, ProofOutcome
from wizard.rotation.journal import networks_of
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.permissions import WITHDRAWALS, compare_with_proof

CURRENT_KEY = "Current key"
ACCEPTED = "Accepted"
TRADING = "Trading authority"
WHITELIST = "Whitelist"
LEGACY_KEY = "Legacy key"
UNUSED_KEY = "Unused key"
AGE = "Age"
SOON = 14 * 86400.0
"""Seconds before the end of trading from which on it is a warning."""

Reply = SignedAnswer | WizardError
"""What the exchange said to a key, or why it could not be asked."""


class KeyState(StrEnum):
    """What is known of a key that should be dead."""

    ALIVE = "alive"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    """It could not be asked, or what the exchange said is no answer about this key."""


@dataclass(frozen=True, slots=True)
class OtherKey:
    """A key that should be dead, and what the exchange said to it."""

    key: KeyRecord
    answer: Reply
    was_known: bool = True
    """Whether this site knew the key once."""


@dataclass(frozen=True, slots=True)
class Observations:
    """What one run saw."""

    environment: Environment
    key: KeyRecord
    """The key in use."""
    place: str
    """Where credentials are kept, as a phrase."""
    answer: Reply
    egress: EgressReport | WizardError
    futures: SignedAnswer | None = None
    """What the futures host said; None where the environment does not use it."""
    others: tuple[OtherKey, ...] = ()
    hosts: tuple[str, ...] = ()
    """The other hosts that were to be asked."""
    proofs: tuple[HostProof, ...] = ()
    """What they showed; empty where the key in use was not accepted from here."""
    is_leaked: bool = False
    """Whether the open job is about a key that has leaked: the key in use, or the legacy key once there is one."""

    @property
    def restrictions(self) -> ApiRestrictions | None:
        """What the exchange said of the key in use, if anything."""
        return self.answer.restrictions if isinstance(self.answer, SignedAnswer) else None

    @property
    def is_accepted(self) -> bool:
        """Whether the key in use was accepted."""
        return isinstance(self.answer, SignedAnswer) and self.answer.accepted

    @property
    def is_leak_alive(self) -> bool:
        """Whether Binance accepts the key in use although it has leaked."""
        return self.is_leaked and self.is_accepted and all(one.key.slot is not Slot.LEGACY for one in self.others)

    @property
    def address(self) -> IPv4Address | None:
        """This host's address, where services agree on it."""
        return self.egress.verdict.address if isinstance(self.egress, EgressReport) else None

    def state_of(self, other: OtherKey) -> KeyState:
        """Return what is known of a key that should be dead. Without a control, only -2008 on /sapi is a refusal."""
        answer = other.answer
        if not isinstance(answer, SignedAnswer):
            return KeyState.NO_ANSWER
        if answer.accepted or answer.code == WRONG_SIGNATURE:
            return KeyState.ALIVE
        is_refused = answer.code in DEATH_CODES and (self.is_accepted or _is_unknown(answer))
        return KeyState.REFUSED if is_refused else KeyState.NO_ANSWER


def judge(seen: Observations, writer: FindingWriter, max_age: float) -> tuple[Finding, ...]:
    """Return what was found. `writer` knows the time and this host's address, `max_age` is in seconds."""
    return (
        *_asked(seen, writer),
        *_rights(seen, writer),
        *_futures(seen, writer),
        _covered(seen, writer),
        *(_other(seen, other, writer) for other in seen.others),
        *_hosts(seen, writer),
        _age(seen, writer, max_age),
    )


def change_list(environment: Environment) -> str:
    """Return the command of the job that changes the whitelist, or proves the key again with the same one."""
    return f"key-wizard --env {environment.name} --job whitelist"


def _asked(seen: Observations, writer: FindingWriter) -> Iterator[Finding]:
    key, answer = seen.key, seen.answer
    if isinstance(answer, CustodyError | NoCurrentKeyError):
        subject = STORAGE if isinstance(answer, CustodyError) else CURRENT_KEY
        yield writer.error(subject, Outcome.FAILED, answer)
        yield from writer.not_run(ACCEPTED)
        return
    yield writer.note(CURRENT_KEY, Outcome.PASSED, f"{key.name} was read from {seen.place}.")
    if isinstance(answer, WizardError):
        yield writer.error(ACCEPTED, Outcome.INCONCLUSIVE, answer)
        return
    # A legacy key that is accepted is the control; one that is refused may simply be dead.
    control = any(seen.state_of(other) is KeyState.ALIVE for other in seen.others) or None
    named = seen.futures.named if seen.futures else None
    diagnosis = replace(answer, known=_known(seen, writer, answer)).diagnose(control, seen_as=named)
    finding = writer.diagnosis(ACCEPTED, diagnosis)
    if seen.is_leak_alive:
        observed = f"{key.name} has leaked, and Binance still accepts it."
        advice = f"Delete it on Binance's page. To finish: key-wizard --env {seen.environment.name}"
        finding = replace(finding, outcome=Outcome.FAILED, observed=observed, advice=advice)
    yield finding


def _known(seen: Observations, writer: FindingWriter, answer: SignedAnswer) -> Circumstances:
    is_shared = isinstance(seen.egress, EgressReport) and seen.egress.verdict.is_shared
    site, listed = seen.environment.site, networks_of(seen.key.whitelist)
    known = circumstances(site, writer.egress, listed, seen.key, is_shared=is_shared)
    command, is_hexadecimal = change_list(seen.environment), answer.known.is_hexadecimal
    return replace(known, change_list=command, is_hexadecimal=is_hexadecimal)


def _rights(seen: Observations, writer: FindingWriter) -> Iterator[Finding]:
    """What the key may do, where the site says so."""
    told = seen.restrictions
    if told is None:
        return
    restriction = writer.restriction(told.ip_restricted, is_adopted=not seen.key.whitelist)
    if told.ip_restricted is False:
        restriction = replace(restriction, advice=f"Restrict it to your addresses: {change_list(seen.environment)}")
    yield restriction
    yield _permissions(seen, told, writer)
    yield from writer.policy(seen.environment.policy, told, is_new=False)
    if told.trading_until_ms is not None:
        yield _trading(seen, told.trading_until_ms / 1000, writer)


def _permissions(seen: Observations, told: ApiRestrictions, writer: FindingWriter) -> Finding:
    proven, may_withdraw = seen.key.permissions, told.permissions.get(WITHDRAWALS)
    withdrawals = {True: "Withdrawals are on.", False: "Withdrawals are off.", None: ""}[may_withdraw]
    if proven is None:
        observed = f"{withdrawals} What the key could do when it was proven is not known, so nothing was compared."
        outcome = Outcome.WARNING if may_withdraw else Outcome.NOT_APPLICABLE
        advice = "Switch Enable Withdrawals off on Binance's page, unless your bot withdraws by itself."
        again = f"{advice} To have the permissions watched, prove the key again: {change_list(seen.environment)}"
        return writer.note(PERMISSIONS, outcome, observed.strip(), advice=again if may_withdraw else "")
    changes = compare_with_proof(told.permissions, proven)
    if not changes:
        observed = f"Nothing changed since the key was proven. {withdrawals}".strip()
        return writer.note(PERMISSIONS, Outcome.PASSED, observed)
    advice = " ".join(change.advice for change in changes)
    again = f"If that is what you want, prove the key again: {change_list(seen.environment)}"
    observed = " ".join(change.what for change in changes)
    worst_first = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.WARNING)
    outcome = next(one for one in worst_first if one in {change.outcome for change in changes})
    return writer.note(PERMISSIONS, outcome, observed, advice=f"{advice} {again}")


def _trading(seen: Observations, until: float, writer: FindingWriter) -> Finding:
    left, when = until - writer.clock(), f"Binance says that trading with it ends at {utc(until)}."
    advice = "Look at the key's trading permission on Binance's page."
    advice += f" If it stays so, replace the key: key-wizard --env {seen.environment.name}"
    if left <= 0:
        observed = f"The key may not trade any more, since {duration(-left)}. {when}"
        return writer.note(TRADING, Outcome.FAILED, observed, advice=advice)
    if left <= SOON:
        observed = f"The key may trade for {duration(left)} more. {when}"
        return writer.note(TRADING, Outcome.WARNING, observed, advice=advice)
    return writer.note(TRADING, Outcome.PASSED, when)


def _futures(seen: Observations, writer: FindingWriter) -> Iterator[Finding]:
    if not seen.environment.uses_futures:
        return
    site = seen.environment.site
    if not site.futures_url:
        yield writer.note(FUTURES, Outcome.NOT_APPLICABLE, f"{site.name} is not known to have such a host.")
    elif seen.futures is None or not seen.is_accepted:
        yield from writer.not_run(FUTURES)
    else:
        answer = replace(
            seen.futures, known=replace(_known(seen, writer, seen.futures), surface="fapi", accepted_on_sapi=True)
        )
        yield writer.futures(answer.diagnose(), seen.restrictions)


def _covered(seen: Observations, writer: FindingWriter) -> Finding:
    whitelist, egress, command = seen.key.whitelist, seen.egress, change_list(seen.environment)
    if isinstance(egress, WizardError):
        return writer.error(WHITELIST, Outcome.INCONCLUSIVE, egress)
    if not whitelist and seen.restrictions and seen.restrictions.ip_restricted is False:
        return writer.note(WHITELIST, Outcome.NOT_APPLICABLE, "The key has no list to compare the address with.")
    if not whitelist:
        last = f" Binance accepted the key from {seen.key.proven_from} last." if seen.key.proven_from else ""
        observed = f"The list of {seen.key.name} is not known here, so nothing was compared. {egress.sentence()}{last}"
        advice = f"Compose the list once, and it is compared from then on: {command}"
        return writer.note(WHITELIST, Outcome.WARNING, observed, advice=advice)
    if (address := seen.address) is None:
        advice = egress.verdict.advice or "To see each answer, run: key-wizard egress"
        return writer.note(WHITELIST, Outcome.INCONCLUSIVE, egress.sentence(), advice=advice)
    if any(address in network for network in networks_of(whitelist)):
        observed = f"{egress.sentence()} The whitelist stored with the key covers it."
        return writer.note(WHITELIST, Outcome.PASSED, observed, does_not_prove="that Binance has the same list")
    observed = f"{egress.sentence()} The whitelist stored with the key does not cover it: {whitelist}."
    advice = f"Add {address} to the whitelist of {seen.key.name}: {command}"
    return writer.note(WHITELIST, Outcome.FAILED, observed, advice=advice)


def _other(seen: Observations, other: OtherKey, writer: FindingWriter) -> Finding:
    """What is known of a key that should be dead. One that works is a failure, whatever else is fine."""
    if other.answer is seen.answer:  # the credentials of no key could be read
        return writer.not_run(_subject(other))[0]
    state = seen.state_of(other)
    if state is KeyState.REFUSED:
        return _refused(seen, other, writer)
    name, answer, advice = other.key.name, other.answer, f"Look for it on Binance's page. {_finish(seen, other)}"
    age, late = "", False
    if other.key.slot is Slot.LEGACY:
        overlap = max(0.0, writer.clock() - seen.key.stored_at)
        late = seen.environment.too_long(overlap) > 0
        age = f" {seen.key.name} took its place {duration(overlap)} ago."
        age += f" Both may work for {duration(seen.environment.two_keys_limit)}." if late else ""
    elif state is KeyState.ALIVE:
        age = " It was entered and is not in use."
    if state is KeyState.ALIVE:
        accepts = isinstance(answer, SignedAnswer) and answer.accepted
        observed = f"{name} is still alive. Binance {'accepts' if accepts else 'knows'} it.{age}"
        advice = f"Delete {name} on Binance's page. {_finish(seen, other)}"
        if not (seen.is_accepted or seen.is_leaked):
            advice = f"Do not delete {name} now, as Binance did not accept {seen.key.name}. {_finish(seen, other)}"
        return writer.note(_subject(other), Outcome.FAILED, observed, advice=advice)
    error = answer if isinstance(answer, WizardError) else answer.diagnose()
    observed = " ".join(sentences(f"It is not known whether {name} is dead", error.what))
    observed += "" if seen.is_accepted else f" Binance did not accept {seen.key.name} at the same time."
    outcome = Outcome.FAILED if late else Outcome.INCONCLUSIVE
    return writer.note(_subject(other), outcome, observed + age, advice=advice)


def _refused(seen: Observations, other: OtherKey, writer: FindingWriter) -> Finding:
    """What a refusal says: -2015 speaks of the death of a key only from where it was accepted before."""
    name, last, finish = other.key.name, other.key.proven_from, _finish(seen, other)
    is_unknown = isinstance(other.answer, SignedAnswer) and _is_unknown(other.answer)
    if is_unknown and other.was_known:
        return writer.note(_subject(other), Outcome.PASSED, f"Binance no longer knows {name}.", advice=finish)
    observed = f"Binance refuses {name}" + (f" and accepts {seen.key.name}." if seen.is_accepted else ".")
    outcome, advice = Outcome.PASSED, finish
    if is_unknown or not last or last != writer.egress:
        worked = f"It worked from {last} before." if last else "It was never seen to work from here."
        observed, outcome = f"{observed} {worked}", Outcome.INCONCLUSIVE
        advice = f"Look for it on Binance's page, and delete it there. {finish}"
    gap = "that it was deleted. A disabled key, or one whose list lacks this address, is refused too"
    return writer.note(_subject(other), outcome, observed, does_not_prove=gap, advice=advice)


def _subject(other: OtherKey) -> str:
    return LEGACY_KEY if other.key.slot is Slot.LEGACY else UNUSED_KEY


def _finish(seen: Observations, other: OtherKey) -> str:
    job = "" if other.key.slot is Slot.LEGACY else " --job retire"
    return f"To finish: key-wizard --env {seen.environment.name}{job}"


def _is_unknown(answer: SignedAnswer) -> bool:
    return answer.code == UNKNOWN_KEY and answer.known.surface == "sapi"


def _hosts(seen: Observations, writer: FindingWriter) -> Iterator[Finding]:
    if not seen.proofs:
        yield from writer.not_run(*map(host_subject, seen.hosts))
    for proof in seen.proofs:
        finding = proof.finding(writer)
        # A bot on that host fails, and this is asked for to find out.
        is_refused = proof.outcome is ProofOutcome.REFUSED
        yield replace(finding, outcome=Outcome.FAILED) if is_refused else finding


def _age(seen: Observations, writer: FindingWriter, max_age: float) -> Finding:
    """Judge the older of two dates: a key that was adopted is older than its stored item."""
    key, told = seen.key, seen.restrictions
    created = told.created_ms / 1000 if told and told.created_ms is not None else None
    is_dated = created is not None and created < key.stored_at
    since = created if created is not None and is_dated else key.stored_at
    age, said = writer.clock() - since, "Binance created the key" if is_dated else "The key was stored here"
    if age < 0:
        observed = "The key's age is not known. It was stored at a time that is in the future of this host's clock."
        return writer.note(AGE, Outcome.INCONCLUSIVE, observed, advice="Let the system set its clock (NTP).")
    observed = f"{said} {duration(age)} ago. The limit is {duration(max_age)}."
    if age <= max_age:
        gap = "" if created is not None else "that it is not older, because Binance did not say when it was created"
        return writer.note(AGE, Outcome.PASSED, observed, does_not_prove=gap)
    return writer.note(AGE, Outcome.FAILED, observed, advice=f"Replace it: key-wizard --env {key.environment}")
