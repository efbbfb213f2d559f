"""Does a key work from the other hosts on its list? One signed read-only call leaves from each, signed here.

A refusal speaks of the address that the call left from, as the key itself was accepted from here. Whatever else goes
wrong on the way leaves the question open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Network
from typing import cast
from urllib.parse import urlsplit

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.destinations import read_destination
from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.egress.ssh_hosts.hosts import Trouble
from wizard.egress.ssh_hosts.openssh import find_openssh
from wizard.egress.ssh_hosts.passage import open_passage
from wizard.exchange.diagnosis import REFUSED_KEY, CallOutcome, Cause
from wizard.exchange.errors import ErrorKind
from wizard.net.route import Route
from wizard.net.trace import Phase
from wizard.rotation.exchange_calls import SignedAnswer, ask, circumstances, open_exchange
from wizard.rotation.findings import FindingWriter, host_subject
from wizard.rotation.journal import Journal
from wizard.rotation.model import Finding, Outcome, RotationRecord

AT_A_TIME = 20
"""As many as a list has entries."""
AGAIN_AT_A_TIME = 4
"""Those that an ssh server hung up on: a jump host drops logins from the eleventh unfinished one on."""
DEADLINE = 20.0
"""Seconds for one host, from the start of ssh to the answer."""
HOSTS_PROVEN = "hosts.proven"
"""The kind of the event that keeps from where a key was proven."""
_ELSEWHERE = {
    Cause.RATE_LIMIT: "Binance asks its address to slow down",
    Cause.FIREWALL: "Binance's firewall blocks its address",
    Cause.LOCATION: "Binance does not serve its location",
    Cause.IPV6: "its calls use IPv6",
}
"""What leaves the question open for a host, where the diagnosis speaks of this one."""


class ProofOutcome(StrEnum):
    """What a call from another host came to."""

    PROVEN = "proven"
    REFUSED = "refused"
    """The exchange judged the call and said no."""
    NOT_TRIED = "not tried"
    """No call came through, or the exchange did not judge the key."""


@dataclass(frozen=True, slots=True)
class HostProof:
    """What one other host showed of a key."""

    host: str
    address: str
    """The host's egress address as echo services saw it last; empty where it is not known."""
    outcome: ProofOutcome
    trouble: Trouble | None = None
    """Why it is not proven, or what is odd about it."""
    milliseconds: float = 0.0
    """From the start of ssh to the answer."""

    @property
    def name(self) -> str:
        """The address with its host, as far as it is known: `198.51.100.7 (bot-1)`."""
        return f"{self.address} ({self.host})" if self.address else self.host

    @property
    def advice(self) -> str:
        """What to do about it; nothing where there is nothing to do."""
        return self.trouble.advice.replace("{host}", self.host) if self.trouble else ""

    def sentence(self) -> str:
        """Return what was found, for people, without a full stop."""
        reason = f", {self.trouble.reason}" if self.trouble else ""
        if self.outcome is ProofOutcome.PROVEN:
            return f"Proven from {self.host}{f' ({self.address})' if self.address else ''}{reason}"
        return f"{self.host} {self.outcome}{reason}"

    def finding(self, writer: FindingWriter) -> Finding:
        """Return it as a check. A refusal is a warning: the key works from here, and only that host is shut out."""
        outcome, gap = Outcome.WARNING, f"that the key works from {self.host}"
        if self.outcome is ProofOutcome.PROVEN:
            outcome, gap = Outcome.WARNING if self.trouble else Outcome.PASSED, "that its bot calls from this address"
        elif self.outcome is ProofOutcome.NOT_TRIED:
            outcome = Outcome.INCONCLUSIVE
        writer = replace(writer, egress=self.address)
        took = self.milliseconds or None
        return writer.note(
            host_subject(self.host),
            outcome,
            f"{self.sentence()}.",
            does_not_prove=gap,
            advice=self.advice,
            milliseconds=took,
        )


def hosts_to_prove(
    environment: Environment, journal: Journal, whitelist: Sequence[IPv4Network] = (), named: Iterable[str] = ()
) -> dict[str, str]:
    """Return the other hosts that use the key by name, each with the address it was seen with last, else nothing.

    They are those of the settings, those that are `named` besides, and those that were ever asked and whose address is
    on `whitelist`. In a rehearsal there are none, as no real host is called for it.
    """
    if environment.is_rehearsal:
        return {}
    seen = journal.addresses_of_hosts(environment.name)
    listed = sorted(name for name, address in seen.items() if any(address in block for block in whitelist))
    return {name: str(seen.get(name, "")) for name in (*environment.hosts, *named, *listed)}


def proven_hosts(journal: Journal, rotation: RotationRecord) -> tuple[str, ...]:
    """Return from which other hosts the newest proof of a job was made, each with its address (`HostProof.name`)."""
    newest = journal.events(rotation, HOSTS_PROVEN)[-1:]
    return tuple(name for event in newest for name in cast("list[str]", event.detail["hosts"]))


async def prove_from_hosts(
    site: Site,
    credentials: Credentials,
    hosts: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    whitelist: Sequence[IPv4Network] = (),
    on_result: Callable[[HostProof], object] = lambda _: None,
    deadline: float = DEADLINE,
    clock: Clock = time.time,
    stopwatch: Clock = time.perf_counter,
) -> tuple[HostProof, ...]:
    """Sign one read-only call for each of `hosts` here, send it from there, and return what each showed.

    It is for a key that was accepted from here. `hosts` are names for ssh with their addresses (`hosts_to_prove`),
    `whitelist` is the list that the key is meant to have, `deadline` is for each host in seconds. They are asked at the
    same time, and `on_result` takes each proof as it comes in. No failure is raised, as each is a proof's `trouble`.
    """
    turns = (asyncio.Semaphore(AT_A_TIME), asyncio.Semaphore(AGAIN_AT_A_TIME))

    async def ask_from(name: str, address: str) -> tuple[ProofOutcome, Trouble | None]:
        ssh, host = find_openssh(environ), read_destination(name)
        async with open_passage(ssh, host, _host_and_port(site.rest_url)) as passage:
            route = Route(f"ssh {name}", "another host", socket=str(passage.path))
            async with open_exchange(site, route, timeout=deadline, clock=clock, stopwatch=stopwatch) as client:
                answer = await ask(client, credentials, circumstances(site, address, whitelist))
            error = answer.error
            if error is None or error.kind is not ErrorKind.NETWORK:
                return _judge(answer)
            if error.phase is Phase.TIMEOUT:  # ssh still runs, so that it has nothing to say
                late = f"no answer within {deadline:g} s"
                return ProofOutcome.NOT_TRIED, Trouble("time-out", late, "Log in once by hand: ssh {host}")
            unreached = Trouble("network", _phrase(error.what), error.advice)
            return ProofOutcome.NOT_TRIED, await passage.trouble() or unreached

    async def prove_once(name: str, address: str) -> HostProof:
        begun = stopwatch()
        try:
            outcome, trouble = await ask_from(name, address)
        except WizardError as error:  # no ssh, no socket, or a key that cannot sign
            outcome, trouble = ProofOutcome.NOT_TRIED, Trouble(error.code, _phrase(error.what), error.advice)
        return HostProof(name, address, outcome, trouble, (stopwatch() - begun) * 1000)

    async def prove(name: str, address: str) -> HostProof:
        for turn in turns:
            async with turn:
                proof = await prove_once(name, address)
            if proof.trouble is None or proof.trouble.kind != "hung-up":
                break
        on_result(proof)
        return proof

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(prove(name, address)) for name, address in hosts.items()]
    return tuple(task.result() for task in tasks)


def _judge(answer: SignedAnswer) -> tuple[ProofOutcome, Trouble | None]:
    said = answer.diagnose()
    if said.is_accepted:
        odd = Trouble("not-listed", "though its address is not on the list you composed", said.advice)
        return ProofOutcome.PROVEN, odd if said.advice else None
    if said.outcome is CallOutcome.INCONCLUSIVE:
        reason = _ELSEWHERE.get(said.cause, _phrase(said.what))
        return ProofOutcome.NOT_TRIED, Trouble(said.cause.value, reason, said.advice)
    if said.cause is Cause.ADDRESS:
        add = f"Add {said.unlisted} to the key's list on Binance's page." if said.unlisted else said.advice
        return ProofOutcome.REFUSED, Trouble("not-listed", "not on the list", add)
    advice = said.advice
    if said.code == REFUSED_KEY:
        advice = "The key works from here. Check that the list on Binance's page has the address of {host}."
    return ProofOutcome.REFUSED, Trouble(said.cause.value, f"code {said.code}", advice)


def _phrase(sentence: str) -> str:
    """Return the beginning of a sentence as what stands within one."""
    return sentence if sentence.startswith("Binance") else sentence[:1].lower() + sentence[1:]


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
