"""Many hosts asked at once, within bounds: so many at a time, so long each, so long all together."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

from wizard.egress.answers import Sample
from wizard.egress.hosts.model import Host, HostAnswer, Trouble
from wizard.egress.hosts.openssh import OUTPUT_LIMIT, Conversation
from wizard.egress.hosts.reading import end_mark, read_output
from wizard.egress.hosts.troubles import (
    NO_CLIENT,
    TOO_MUCH,
    explain_ssh,
    no_address,
    not_asked,
    not_understood,
    out_of_time,
)
from wizard.egress.providers import Provider
from wizard.rules import Rules

MOST_OPERATORS = 4
"""A host asks so many at most, one after the other, and stops when two agree."""


class Asker(Protocol):
    """Holds a conversation with a host. `wizard.egress.hosts.openssh.OpenSsh` is one."""

    async def converse(self, host: Host, script: bytes, end: bytes, deadline: float) -> Conversation:
        """Have the host run the script; return what it wrote."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many hosts at a time, and how long, in seconds."""

    at_a_time: int = 10
    """OpenSSH's servers drop logins from the eleventh unfinished one on (MaxStartups 10:30:100): a jump host would."""
    each: float = 25.0
    together: float = 120.0
    question: int = 4
    """For one echo service, on the host."""


def _ignore(_: HostAnswer) -> None:
    pass


async def ask_hosts(
    hosts: Sequence[Host],
    providers: Sequence[Provider],
    asker: Asker,
    *,
    rules: Rules,
    bounds: Bounds | None = None,
    on_answer: Callable[[HostAnswer], object] = _ignore,
    timer: Callable[[], float] = time.perf_counter,
) -> tuple[HostAnswer, ...]:
    """Return what every host said, in the order of `hosts`; one that is named twice is asked once.

    Args:
        hosts: Who is asked.
        providers: The echo services; each host is given the first of every operator.
        asker: The way to the hosts.
        rules: Special ranges that are accepted as addresses.
        bounds: How many at a time, and how long.
        on_answer: Called with each answer as it comes in, for a live display.
        timer: A monotonic clock in seconds, for the answers' milliseconds.

    Raises:
        wizard.egress.hosts.openssh.OpenSshMissing: ssh cannot be started.
    """
    bounds = bounds or Bounds()
    voices = one_per_operator(providers)
    free = asyncio.Semaphore(bounds.at_a_time)
    answers: dict[Host, HostAnswer] = {}

    async def ask(host: Host) -> None:
        async with free:
            answer = await _ask(host, voices, asker, rules=rules, bounds=bounds, timer=timer)
        answers[host] = answer
        on_answer(answer)

    each = dict.fromkeys(hosts)
    await _within(bounds.together, map(ask, each))
    for host in each:
        if host not in answers:
            answers[host] = HostAnswer(host, 0.0, trouble=not_asked(bounds.together))
            on_answer(answers[host])
    return tuple(answers[host] for host in each)


async def _within(seconds: float, questions: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all questions, but no longer; those that are left then are cancelled, and have ended."""
    tasks = [asyncio.create_task(question) for question in questions]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def one_per_operator(providers: Sequence[Provider]) -> tuple[Provider, ...]:
    """Return the services that a host is given: two of one operator would be one voice."""
    first: dict[str, Provider] = {}
    for provider in providers:
        first.setdefault(provider.operator, provider)
    return tuple(first.values())[:MOST_OPERATORS]


async def _ask(
    host: Host,
    providers: Sequence[Provider],
    asker: Asker,
    *,
    rules: Rules,
    bounds: Bounds,
    timer: Callable[[], float],
) -> HostAnswer:
    nonce = secrets.token_hex(8)
    start = timer()
    conversation = await asker.converse(
        host, compose_script(nonce, bounds.question, providers), end_mark(nonce), bounds.each
    )
    milliseconds = (timer() - start) * 1000
    return judge_conversation(
        host, conversation, nonce, providers, rules=rules, deadline=bounds.each, milliseconds=milliseconds
    )


def compose_script(nonce: str, seconds_each: int, providers: Sequence[Provider]) -> bytes:
    """Return what a host is given: three settings, then `script.sh`. It holds nothing of the user's."""
    urls = " ".join(shlex.quote(provider.url) for provider in providers)
    script = resources.files("wizard.egress.hosts").joinpath("script.sh").read_text("utf-8")
    return f"NONCE={nonce} SECONDS_EACH={seconds_each}\nset -- {urls}\n{script}".encode()


def judge_conversation(
    host: Host,
    conversation: Conversation,
    nonce: str,
    providers: Sequence[Provider],
    *,
    rules: Rules,
    deadline: float,
    milliseconds: float,
) -> HostAnswer:
    """Return what a conversation shows. Pure."""
    reading = read_output(conversation.output, nonce, providers, rules, milliseconds)
    has_address = any(sample.address for sample in reading.samples)
    return HostAnswer(
        host,
        milliseconds,
        samples=reading.samples,
        trouble=None if has_address else _trouble(conversation, reading.client, reading.samples, deadline),
        client=reading.client,
        has_proxy=reading.has_proxy,
    )


def _trouble(conversation: Conversation, client: str, samples: Sequence[Sample], deadline: float) -> Trouble:
    if client == "none":
        return NO_CLIENT
    if len(conversation.output) >= OUTPUT_LIMIT:
        return TOO_MUCH
    if conversation.is_out_of_time:
        return out_of_time(deadline)
    if client:
        return no_address(tuple(sample.refusal for sample in samples))
    if conversation.exit_status == 255:
        return explain_ssh(conversation.errors)
    return not_understood(conversation.exit_status, conversation.errors)
