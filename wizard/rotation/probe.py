"""The probe: one run of all checks against a new key, with the current key as the control.

A check is made when the one that it stands on has passed; checks that do not stand on each other
are asked at the same time. What could not be asked is `not run`, never `failed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wizard.core.clock import utc
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import sentences
from wizard.core.unattended import KeyPolicy
from wizard.custody.records import KeyRecord, Slot
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import (
    DEATH_CODES,
    MALFORMED_KEY,
    REFUSED_KEY,
    UNKNOWN_KEY,
    Circumstances,
    Diagnosis,
    Surface,
    diagnose,
)
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.responses import Account, ApiRestrictions
from wizard.exchange.signing import SigningKeyError
from wizard.exchange.skew import ClockSkew, measure_skew
from wizard.exchange.websocket import can_log_on
from wizard.rotation import findings
from wizard.rotation.connection_check import ConnectionCheck, check_connection, describe_connection
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask, ask_futures, named_by_futures
from wizard.rotation.findings import FindingWriter
from wizard.rotation.host_proofs import HOSTS_PROVEN, HostProof, ProofOutcome, hosts_to_prove, prove_from_hosts
from wizard.rotation.model import Finding, Mode, Outcome
from wizard.rotation.steps.egress import EgressStep

PASSES_IN_A_ROW = 3
IMPORTED = "key.imported"
"""The event: whether Binance says that an imported key works from any address."""
MAYBE_SWAPPED = frozenset({REFUSED_KEY, MALFORMED_KEY, UNKNOWN_KEY})
"""What an exchange says to a secret in the place of an API key."""

_ON_THE_KEY = (
    findings.ACCOUNT,
    findings.IN_A_ROW,
    findings.IP_RESTRICTION,
    findings.PERMISSIONS,
    findings.POLICY,
    findings.SAME_ACCOUNT,
    findings.WEBSOCKET_API,
    findings.FUTURES,
)
"""What is only asked when the new key was accepted."""
_ON_THE_EXCHANGE = (findings.CLOCK, findings.NEW_KEY, *_ON_THE_KEY, findings.CONTROL, findings.MARKET_STREAM)
"""What is only asked when the exchange was reached."""
OnFinding = Callable[[Finding], object]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Everything the probe saw, in the order in which it was seen."""

    findings: tuple[Finding, ...]
    item: str
    """The stored item of the key that was probed: what is promoted must be what was proven."""
    restrictions: ApiRestrictions | None = None
    """What the exchange said of the new key's rights; promotion compares it with what it says then."""
    diagnosis: Diagnosis | None = None
    """What the exchange said to the new key; None when it could not be asked."""
    may_be_swapped: bool = False
    """Whether API key and secret in each other's place would explain the refusal.

    It is not tried unasked: where they are in their places, the swapped call would show the
    secret to the exchange, and to whoever reads along.
    """

    hosts: tuple[HostProof, ...] = ()
    """What the other hosts showed."""

    @property
    def is_proven(self) -> bool:
        """Whether the new key may be promoted."""
        return findings.prove(self.findings)

    @property
    def outcome(self) -> Outcome:
        """What all checks come to: a failure speaks louder than a question that is open."""
        if self.is_proven:
            return Outcome.PASSED
        has_failed = any(finding.outcome is Outcome.FAILED for finding in self.findings)
        return Outcome.FAILED if has_failed else Outcome.INCONCLUSIVE

    @property
    def may_change(self) -> bool:
        """Whether the exchange may accept the key later with nothing changed here: a list that does not count yet."""
        return not self.is_proven and self.diagnosis is not None and self.diagnosis.may_change


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one key showed of itself."""

    answer: SignedAnswer
    account: Account | None = None
    not_read: ExchangeError | None = None
    """Why the account could not be read."""


class Probe:
    """One run of the probe of a new key, `pending`, beside the key in use; `on_finding` takes each finding."""

    def __init__(self, context: Context, pending: KeyRecord, current: KeyRecord | None, on_finding: OnFinding) -> None:
        self._context = context
        self._site = context.environment.site
        self._pending = pending
        self._current = current
        self._on_finding = on_finding
        self._findings: list[Finding] = []
        self._named: tuple[str, ...] = ()
        self._hosts: tuple[HostProof, ...] = ()
        self._writer = FindingWriter(context.clock, context.egress)

    async def run(
        self, credentials: Credentials, control: Credentials | None, named: Iterable[str] = ()
    ) -> ProbeReport:
        """Ask everything that can be asked and return what was seen; see `hosts_to_prove` for what is `named`."""
        self._named = tuple(named)
        async with self._context.exchange() as client:
            connection, _ = await _together(self._connect(client), EgressStep(self._context).detect())
            # Both were under way at once: what is told is told from the address of this detection.
            self._writer = FindingWriter(self._context.clock, self._context.egress)
            self._tell(*describe_connection(connection, self._writer))
            if not connection.is_open:
                self._tell_not_run(*_ON_THE_EXCHANGE)
                return ProbeReport(tuple(self._findings), self._pending.item)
            new, other, skew, _ = await _together(
                self._prove(client, credentials, control),
                self._show_control(client, control),
                self._measure_clock(client),
                self._look_at_stream(client),
            )
            said = new.answer
            if said.accepted or said.code is not None:
                self._context.journal.note_answer(
                    self._pending, self._site, self._context.egress, accepted=said.accepted, code=said.code
                )
            if not said.accepted:
                return await self._refusal(client, credentials, new, other, skew)
        self._compare(new, other)
        answer, item = new.answer, self._pending.item
        report = ProbeReport(tuple(self._findings), item, answer.restrictions, answer.diagnose(), hosts=self._hosts)
        if report.is_proven:
            if self._context.rotation.mode is Mode.ADOPT and answer.restrictions:
                self._context.journal.record(
                    self._context.rotation, IMPORTED, {"is_open": answer.restrictions.ip_restricted is False}
                )
            if self._hosts:
                proven = [proof.name for proof in self._hosts if proof.outcome is ProofOutcome.PROVEN]
                self._context.journal.record(self._context.rotation, HOSTS_PROVEN, {"hosts": proven})
            self._mark_proven(self._pending, answer)
        return report

    async def _connect(self, client: ExchangeClient) -> ConnectionCheck:
        context = self._context
        deadline, lookup, stopwatch = context.pace.call, context.lookup, context.stopwatch
        return await check_connection(
            self._site, context.route(), client, deadline=deadline, lookup=lookup, stopwatch=stopwatch
        )

    @property
    def _is_leak(self) -> bool:
        return self._context.rotation.mode is Mode.LEAKED

    def _mark_proven(self, record: KeyRecord, answer: SignedAnswer) -> None:
        told = answer.restrictions
        may = told.permissions if told else None
        self._context.journal.mark_proven(record, self._context.egress, may, site=self._site.name)

    def _tell(self, *findings: Finding) -> None:
        for finding in findings:
            self._findings.append(finding)
            self._on_finding(finding)

    def _note(self, subject: str, outcome: Outcome, observed: str, **more: Any) -> None:
        self._tell(self._writer.note(subject, outcome, observed, **more))

    def _tell_not_run(self, *subjects: str) -> None:
        """Name each check that would have been made in this environment, had an earlier one passed."""
        not_here = {
            findings.SAME_ACCOUNT: self._current is None,
            findings.CONTROL: self._current is None,
            findings.WEBSOCKET_API: not self._site.websocket_api_url,
            findings.MARKET_STREAM: not self._site.stream_url,
            findings.FUTURES: not self._context.environment.uses_futures,
            findings.POLICY: self._context.environment.policy == KeyPolicy() or not self._site.has_sapi,
        }
        self._tell(*self._writer.not_run(*(subject for subject in subjects if not not_here.get(subject))))

    def _has_host(self, subject: str, url: str) -> bool:
        """Whether the site has such a host, as far as is known; that it has none is noted."""
        if not url:
            self._note(subject, Outcome.NOT_APPLICABLE, f"{self._site.name} is not known to have such a host.")
        return bool(url)

    def _known(self) -> Circumstances:
        return self._context.circumstances(self._pending, self._context.whitelist)

    def _diagnose(self, error: ExchangeError, surface: Surface) -> Diagnosis:
        return diagnose(error, replace(self._known(), surface=surface, accepted_on_sapi=self._site.has_sapi))

    async def _prove(self, client: ExchangeClient, credentials: Credentials, control: Credentials | None) -> _Shown:
        """Ask with the new key; where it is accepted, all that stands on this at the same time."""
        answer, took_ms = await self._timed(ask(client, credentials, self._known()))
        if not answer.accepted:
            return _Shown(answer)
        self._tell(self._writer.diagnosis(findings.NEW_KEY, answer.diagnose(), took_ms))
        account, *_ = await _together(
            self._read_account(client, credentials),
            self._repeat(client, credentials),
            self._converse(client, credentials),
            self._ask_futures(client, credentials, control, answer),
            self._ask_hosts(credentials),
        )
        return _Shown(answer, account)

    async def _read_account(self, client: ExchangeClient, credentials: Credentials) -> Account | None:
        try:
            account, took_ms = await self._timed(client.account(credentials))
        except ExchangeError as error:
            self._tell(self._writer.diagnosis(findings.ACCOUNT, self._diagnose(error, "api")))
            return None
        seen = "This key can read the account."
        if account.can_trade:
            self._note(findings.ACCOUNT, Outcome.PASSED, seen, milliseconds=took_ms)
        else:
            seen = f"Binance says canTrade: false for this key. {seen}"
            advice = "If your bot trades with this key, find out on Binance why the account may not trade."
            self._note(findings.ACCOUNT, Outcome.WARNING, seen, advice=advice, milliseconds=took_ms)
        return account

    async def _repeat(self, client: ExchangeClient, credentials: Credentials) -> None:
        for _ in range(PASSES_IN_A_ROW - 1):
            await self._context.pause(self._context.pace.between_passes)
            again = await ask(client, credentials, self._known())
            if not again.accepted:
                self._tell(self._writer.diagnosis(findings.IN_A_ROW, again.diagnose()))
                return
        self._note(findings.IN_A_ROW, Outcome.PASSED, f"Binance accepted {PASSES_IN_A_ROW} signed calls in a row.")

    async def _converse(self, client: ExchangeClient, credentials: Credentials) -> None:
        if not self._has_host(findings.WEBSOCKET_API, self._site.websocket_api_url):
            return
        try:
            _, took_ms = await self._timed(client.websocket_session(credentials))
        except ExchangeError as error:
            self._tell(self._writer.diagnosis(findings.WEBSOCKET_API, self._diagnose(error, "websocket")))
            return
        observed = "session.logon and a signed account.status were accepted."
        if not can_log_on(credentials):
            observed = "A signed account.status was accepted. Only Ed25519 keys can use session.logon."
        self._note(findings.WEBSOCKET_API, Outcome.PASSED, observed, milliseconds=took_ms)

    async def _ask_futures(
        self, client: ExchangeClient, credentials: Credentials, control: Credentials | None, answer: SignedAnswer
    ) -> None:
        if not self._context.environment.uses_futures or not self._has_host(findings.FUTURES, self._site.futures_url):
            return
        try:
            count, took_ms = await self._timed(client.futures_balances(credentials))
        except ExchangeError as error:
            alike = await self._futures_control(client, control) if error.exchange_code == REFUSED_KEY else None
            known = replace(self._known(), surface="fapi", accepted_on_sapi=True, control_accepted=alike)
            self._tell(self._writer.futures(diagnose(error, known), answer.restrictions))
            return
        assets = f"{count} asset{'' if count == 1 else 's'}"
        observed = f"The futures host lists {assets} of the account."
        self._note(findings.FUTURES, Outcome.PASSED, observed, milliseconds=took_ms)

    async def _futures_control(self, client: ExchangeClient, control: Credentials | None) -> bool | None:
        """Return whether the futures host accepts the current key; None where it did not judge one."""
        if control is None or self._is_leak:
            return None
        with suppress(SigningKeyError):
            answer = await ask_futures(client, control, self._known())
            if answer and (answer.accepted or answer.code == REFUSED_KEY):
                return answer.accepted
        return None

    async def _ask_hosts(self, credentials: Credentials) -> None:
        context = self._context
        self._hosts = await prove_from_hosts(
            self._site,
            credentials,
            hosts_to_prove(context.environment, context.journal, context.whitelist, self._named),
            context.environ,
            whitelist=context.whitelist,
            on_result=lambda proof: self._tell(proof.finding(self._writer)),
            deadline=context.pace.other_host,
            clock=context.clock,
            stopwatch=context.stopwatch,
        )

    async def _show_control(self, client: ExchangeClient, control: Credentials | None) -> _Shown | None:
        if self._current is None:
            return None
        trouble = "" if control else f"It is not in {self._context.vault.store.place}."
        if control:
            known = self._context.circumstances(self._current)
            try:
                answer, took_ms = await self._timed(self._ask_twice(client, control, known))
            except SigningKeyError as unusable:
                trouble = " ".join(sentences(unusable.what, unusable.why))
        if control is None or trouble:
            gap = "that the current key is dead. Delete it on Binance's page after the switch"
            observed = f"The current key could not be used. {trouble}"
            self._note(findings.CONTROL, Outcome.FAILED, observed, does_not_prove=gap)
            return None
        if self._is_leak and (answer.accepted or answer.code in DEATH_CODES):
            self._tell(self._writer.leaked(self._current.name, is_accepted=answer.accepted))
        else:
            self._tell(self._writer.diagnosis(findings.CONTROL, answer.diagnose(), took_ms))
        if not answer.accepted:
            return _Shown(answer)
        # The baseline: only a key that was seen to work from here can be seen to die from here.
        self._mark_proven(self._current, answer)
        try:
            return _Shown(answer, await client.account(control))
        except ExchangeError as error:
            return _Shown(answer, not_read=error)

    async def _ask_twice(self, client: ExchangeClient, control: Credentials, known: Circumstances) -> SignedAnswer:
        """One cut connection must not cost the comparison with the current key."""
        answer = await ask(client, control, known)
        if answer.error and answer.error.kind is ErrorKind.NETWORK:
            return await ask(client, control, known)
        return answer

    async def _measure_clock(self, client: ExchangeClient) -> ClockSkew | None:
        try:
            skew, took_ms = await self._timed(measure_skew(client.server_time))
        except ExchangeError as error:
            self._tell(self._writer.error(findings.CLOCK, Outcome.INCONCLUSIVE, error))
            return None
        self._tell(self._writer.skew(skew, took_ms))
        return skew

    async def _look_at_stream(self, client: ExchangeClient) -> None:
        if not self._has_host(findings.MARKET_STREAM, self._site.stream_url):
            return
        try:
            _, took_ms = await self._timed(client.market_stream())
        except ExchangeError as error:
            self._tell(self._writer.error(findings.MARKET_STREAM, Outcome.INCONCLUSIVE, error))
            return
        gap = "anything about a key, as market streams take none"
        observed = "A public market stream answered."
        self._note(findings.MARKET_STREAM, Outcome.PASSED, observed, does_not_prove=gap, milliseconds=took_ms)

    def _compare(self, new: _Shown, other: _Shown | None) -> None:
        if new.answer.restrictions is None:
            why = f" Reason: {self._site.lacks}." if self._site.lacks else ""
            observed = f"{self._site.name} does not say whether the key is restricted.{why}"
            gap = "that the key is bound to the whitelist. Check it on Binance's page"
            self._note(findings.IP_RESTRICTION, Outcome.NOT_APPLICABLE, observed, does_not_prove=gap)
            observed, gap = f"{self._site.name} does not say what the key may do.{why}", "that your bot can trade"
            self._note(findings.PERMISSIONS, Outcome.NOT_APPLICABLE, observed, does_not_prove=gap)
        else:
            is_adopted = self._context.rotation.mode is Mode.ADOPT
            self._tell(self._writer.restriction(new.answer.restrictions.ip_restricted, is_adopted))
            if self._context.rotation.mode is Mode.WHITELIST:
                proven = self._pending.permissions
                self._tell(self._writer.permissions_since_proof(new.answer.restrictions, proven))
            else:
                self._tell(self._compare_permissions(new.answer.restrictions, other))
            # The answer to a key in use that is too old is a new one. Until then it has to be known, with its list.
            is_new = self._context.rotation.mode not in {Mode.ADOPT, Mode.WHITELIST}
            policy = self._context.environment.policy
            self._tell(*self._writer.policy(policy, new.answer.restrictions, is_new=is_new))
        if other and new.account and other.account:
            self._tell(self._writer.same_account(new.account, other.account))
        elif self._current is not None:
            error = other.not_read if other else None
            refused = "The leaked key is refused." if self._is_leak else "The current key was not accepted."
            why = " ".join(sentences(error.what, error.why)) if error else refused
            gap = "that both keys belong to one account"
            self._note(findings.SAME_ACCOUNT, Outcome.INCONCLUSIVE, f"Not compared. {why}", does_not_prove=gap)

    def _compare_permissions(self, new: ApiRestrictions, other: _Shown | None) -> Finding:
        """Compare with what the key in use may do; where Binance does not say that now, with what it said last."""
        current, used = other.answer.restrictions if other else None, self._current
        if current is None and used and used.permissions is not None and used.proven_at:
            finding = self._writer.permissions(new, ApiRestrictions(None, None, used.permissions), has_control=True)
            seen = f"Compared with what {used.name} had at {utc(used.proven_at)}, when it was accepted last."
            return replace(finding, observed=f"{finding.observed} {seen}")
        return self._writer.permissions(new, current, has_control=used is not None)

    async def _refusal(
        self,
        client: ExchangeClient,
        credentials: Credentials,
        new: _Shown,
        other: _Shown | None,
        skew: ClockSkew | None,
    ) -> ProbeReport:
        is_refused = new.answer.code == REFUSED_KEY
        seen_as = await named_by_futures(client, credentials, self._site) if is_refused else None
        # A leaked key is refused on purpose: that says nothing of the list.
        control = None if other is None or (self._is_leak and not other.answer.accepted) else other.answer.accepted
        diagnosis = new.answer.diagnose(control, skew=skew, seen_as=seen_as)
        self._tell(self._writer.diagnosis(findings.NEW_KEY, diagnosis))
        self._tell_not_run(*_ON_THE_KEY)
        is_new = self._pending.slot is Slot.PENDING
        may_be_swapped = is_new and credentials.kind is KeyKind.HMAC and new.answer.code in MAYBE_SWAPPED
        return ProbeReport(tuple(self._findings), self._pending.item, None, diagnosis, may_be_swapped)

    async def _timed(self, call: Awaitable[Result]) -> tuple[Result, float]:
        begun = self._context.stopwatch()
        result = await call
        return result, (self._context.stopwatch() - begun) * 1000


async def _together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Do all at the same time; the first that fails ends the others, and its own error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]
