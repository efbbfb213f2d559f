"""From Binance's answers to findings with evidence. Pure: what was seen goes in, words come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wizard.core.clock import Clock
from wizard.core.credentials import KeyName
from wizard.core.errors import WizardError, sentences
from wizard.core.unattended import KeyPolicy
from wizard.exchange.diagnosis import CallOutcome, Cause, Diagnosis
from wizard.exchange.responses import Account, ApiRestrictions
from wizard.exchange.skew import ClockSkew
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.permissions import WITHDRAWALS, compare, compare_with_policy, compare_with_proof

DNS = "DNS"
TCP = "TCP"
TLS = "TLS"
REACHABLE = "Binance reachable"
CLOCK = "Clock"
NEW_KEY = "New key"
ACCOUNT = "Account"
IN_A_ROW = "In a row"
IP_RESTRICTION = "IP restriction"
PERMISSIONS = "Permissions"
POLICY = "Policy"
SAME_ACCOUNT = "Same account"
CONTROL = "Current key"
WEBSOCKET_API = "WebSocket API"
MARKET_STREAM = "Market stream"
FUTURES = "Futures"
STORAGE = "Storage"
OTHER_HOSTS = "Other hosts"
CONNECTION, OTHER_ENDPOINTS = "Connection", "Other endpoints"
FOR_BOTS = "A bot that needs BINANCE_API_SECRET cannot use the new key. `exec` sets BINANCE_PRIVATE_KEY instead."
"""What an Ed25519 key in the place of an HMAC one means."""
ACTIVITY_HISTORY = "Look at the API activity history on Binance, if your account has one."
FOREIGN_SOURCE = "An address there that is not on the whitelist means that somebody else has the key. Replace it then."
"""The reminder, in two sentences. What that page shows is not documented (docs/binance.md)."""
GROUPS = {
    STORAGE: (STORAGE,),
    CONNECTION: (DNS, TCP, TLS, REACHABLE),
    CLOCK: (CLOCK,),
    NEW_KEY: (NEW_KEY, ACCOUNT, IN_A_ROW),
    IP_RESTRICTION: (IP_RESTRICTION,),
    PERMISSIONS: (PERMISSIONS, POLICY),
    SAME_ACCOUNT: (SAME_ACCOUNT, CONTROL),
    OTHER_ENDPOINTS: (WEBSOCKET_API, MARKET_STREAM, FUTURES),
    OTHER_HOSTS: (),
}
"""The checks that answer one question, in the order in which they are read; independent ones end in any order.

Other hosts have a check for each, see `host_subject`.
"""

MUST_PASS = frozenset({REACHABLE, NEW_KEY, ACCOUNT, IN_A_ROW, IP_RESTRICTION})
"""Without each of these there is no proof."""
MUST_NOT_FAIL = MUST_PASS | {PERMISSIONS, POLICY, SAME_ACCOUNT, WEBSOCKET_API, FUTURES}
"""These may stay open, but must not speak against the new key."""

_FROM = "From "
_WORST_FIRST = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.WARNING, Outcome.NOT_APPLICABLE)
_OUTCOMES = {
    CallOutcome.ACCEPTED: Outcome.PASSED,
    CallOutcome.REJECTED: Outcome.FAILED,
    CallOutcome.INCONCLUSIVE: Outcome.INCONCLUSIVE,
}


def host_subject(host: str) -> str:
    """Return the subject of what another host showed; no other check has such a one."""
    return f"{_FROM}{host}"


def in_group(title: str, subject: str) -> bool:
    """Return whether a check belongs to a group of `GROUPS`."""
    return subject in GROUPS[title] or (title == OTHER_HOSTS and subject.startswith(_FROM))


def prove(findings: Iterable[Finding]) -> bool:
    """Say whether findings prove a new key: all that must pass did, and nothing speaks against it."""
    outcomes = {finding.subject: finding.outcome for finding in findings}
    passed = {Outcome.PASSED, Outcome.WARNING, Outcome.NOT_APPLICABLE}
    # A missing permission would stop the software that changes keys. Only a current key that is of no
    # use any more may leave that open; one that just did not answer can be asked again.
    if outcomes.get(PERMISSIONS) is Outcome.INCONCLUSIVE and outcomes.get(CONTROL) is not Outcome.FAILED:
        return False
    if outcomes.get(POLICY) is Outcome.INCONCLUSIVE:
        return False
    return all(outcomes.get(subject) in passed for subject in MUST_PASS) and not any(
        outcomes.get(subject) is Outcome.FAILED for subject in MUST_NOT_FAIL
    )


@dataclass(frozen=True, slots=True)
class FindingWriter:
    """Writes findings with the time and the egress address they were made at."""

    clock: Clock
    egress: str

    def note(
        self,
        subject: str,
        outcome: Outcome,
        observed: str,
        *,
        does_not_prove: str = "",
        advice: str = "",
        milliseconds: float | None = None,
    ) -> Finding:
        """Return one finding, observed now, from here."""
        return Finding(subject, outcome, observed, self.clock(), self.egress, does_not_prove, advice, milliseconds)

    def error(self, subject: str, outcome: Outcome, error: WizardError) -> Finding:
        """What an error says."""
        return self.note(subject, outcome, " ".join(sentences(error.what, error.why)), advice=error.advice)

    def diagnosis(self, subject: str, diagnosis: Diagnosis, milliseconds: float | None = None) -> Finding:
        """What a signed call came to."""
        gap = "that it may trade, as only reading was tried" if diagnosis.is_accepted else ""
        outcome, observed = _OUTCOMES[diagnosis.outcome], " ".join(sentences(diagnosis.what, diagnosis.why))
        advice = diagnosis.advice
        return self.note(subject, outcome, observed, does_not_prove=gap, advice=advice, milliseconds=milliseconds)

    def not_run(self, *subjects: str) -> tuple[Finding, ...]:
        """Checks that could not be asked because an earlier one did not pass."""
        observed = "Not run, because an earlier check did not pass."
        return tuple(self.note(subject, Outcome.NOT_RUN, observed) for subject in subjects)

    def skew(self, skew: ClockSkew, milliseconds: float | None = None) -> Finding:
        """How far this host's clock is from the exchange's."""
        outcome = Outcome.PASSED if skew.is_good else Outcome.WARNING
        advice = "" if outcome is Outcome.PASSED else "Let the system set its clock (NTP). Do not raise recvWindow."
        return self.note(CLOCK, outcome, skew.sentence(), advice=advice, milliseconds=milliseconds)

    def restriction(self, is_restricted: bool | None, is_adopted: bool) -> Finding:
        """Whether Binance binds the key to a whitelist. It does not say which one."""
        if is_restricted:
            gap = "which addresses are on the list, as Binance does not say"
            return self.note(IP_RESTRICTION, Outcome.PASSED, "Binance says ipRestrict: true.", does_not_prove=gap)
        advice = "Edit the key on Binance's page. Restrict access to trusted IPs, and paste the whitelist."
        if is_restricted is None:
            observed = "Binance does not say whether this key is restricted."
            return self.note(IP_RESTRICTION, Outcome.INCONCLUSIVE, observed, advice=advice)
        outcome = Outcome.WARNING if is_adopted else Outcome.FAILED
        observed = "This key works from anywhere. Binance says ipRestrict: false."
        return self.note(IP_RESTRICTION, outcome, observed, advice=advice)

    def permissions(self, new: ApiRestrictions, current: ApiRestrictions | None, *, has_control: bool) -> Finding:
        """How the new key's permissions compare with the current key's, where that one could be asked."""
        differences = compare(new, current)
        observed = [difference.what for difference in differences]
        outcomes = {difference.outcome for difference in differences}
        if current is None:
            not_compared = "Not compared, because Binance did not accept the current key from here."
            observed.append(not_compared if has_control else "There is no other key to compare with.")
            outcomes.add(Outcome.INCONCLUSIVE if has_control else Outcome.NOT_APPLICABLE)
        elif not any(difference.permissions for difference in differences):
            observed.append("Nothing is missing and nothing was added.")
        if new.permissions.get(WITHDRAWALS) is False:
            observed.append("Withdrawals are off.")
        outcome = min(outcomes, key=_WORST_FIRST.index, default=Outcome.PASSED)
        advice = [difference.advice for difference in differences]
        advice += ["Retry, or compare both keys on Binance's page."] if current is None and has_control else []
        return self.note(PERMISSIONS, outcome, " ".join(observed), advice=" ".join(advice))

    def policy(self, policy: KeyPolicy, told: ApiRestrictions, *, is_new: bool) -> tuple[Finding, ...]:
        """Whether a key keeps to the policy, if there is one. How old a key in use may be is judged elsewhere."""
        age = self.clock() - told.created_ms / 1000 if is_new and told.created_ms else 0.0
        breaches = compare_with_policy(policy, told, age)
        outcome = min((each.outcome for each in breaches), key=_WORST_FIRST.index, default=Outcome.PASSED)
        observed = " ".join(each.what for each in breaches) or "The key keeps to your policy."
        finding = self.note(POLICY, outcome, observed, advice=" ".join(each.advice for each in breaches))
        return () if policy == KeyPolicy() else (finding,)

    def futures(self, diagnosis: Diagnosis, restrictions: ApiRestrictions | None) -> Finding:
        """What the futures host said to a key that was accepted elsewhere at the same time."""
        finding = self.diagnosis(FUTURES, diagnosis)
        if diagnosis.cause is Cause.FUTURES_ACCOUNT and diagnosis.outcome is CallOutcome.INCONCLUSIVE:
            return replace(finding, outcome=Outcome.WARNING)  # the current key is refused alike
        if diagnosis.is_accepted or not restrictions or restrictions.permissions.get("enableFutures") is not False:
            return finding
        return replace(
            finding,
            outcome=Outcome.FAILED,
            observed=f"{finding.observed} Binance says enableFutures: false for this key.",
            advice="Switch Enable Futures on for this key on Binance's page. A key that is older than the"
            " futures account cannot have it (documented). Make a new key then.",
        )

    def permissions_since_proof(self, now: ApiRestrictions, proven: Mapping[str, bool] | None) -> Finding:
        """How a key's permissions changed since it was accepted last. A look is enough: it may have been wanted."""
        changes = () if proven is None else compare_with_proof(now.permissions, proven)
        observed = [change.what for change in changes] or ["Nothing changed since the key was accepted last."]
        if proven is None:
            observed = ["Nothing was compared. What the key could do before is not known."]
        if now.permissions.get(WITHDRAWALS) is False:
            observed.append("Withdrawals are off.")
        outcome = Outcome.WARNING if changes else Outcome.NOT_APPLICABLE if proven is None else Outcome.PASSED
        advice = " ".join(change.advice for change in changes)
        return self.note(PERMISSIONS, outcome, " ".join(observed), advice=advice)

    def leaked(self, key: KeyName, *, is_accepted: bool) -> Finding:
        """What became of a key that leaked and is to be deleted before the new one is made."""
        if is_accepted:
            advice = f"Delete {key} on Binance now."
            return self.note(CONTROL, Outcome.WARNING, f"Binance still accepts {key}, which has leaked.", advice=advice)
        observed = f"Binance refuses {key}, which you deleted on purpose."
        gap = "that it is dead, which Retire finds out"
        return self.note(CONTROL, Outcome.NOT_APPLICABLE, observed, does_not_prove=gap)

    def same_account(self, new: Account, current: Account) -> Finding:
        """Whether both keys belong to one account, by its uid."""
        if new.uid is None or current.uid is None:
            return self.note(SAME_ACCOUNT, Outcome.INCONCLUSIVE, "Binance gave no account number to compare.")
        if new.uid != current.uid:
            observed = "The new key belongs to another account than the current key."
            advice = "Log in to the account of the current key and create the new key there."
            return self.note(SAME_ACCOUNT, Outcome.FAILED, observed, advice=advice)
        return self.note(SAME_ACCOUNT, Outcome.PASSED, "Both keys have the same account number.")
