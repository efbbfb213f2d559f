"""Many hosts asked at once, within bounds: so many at a time, so long each, so long all together.

What a host is given to run, and what it wrote, judged as strictly as answers to this host are. Why ssh did not get
through is read from OpenSSH's own sentences (sshconnect.c, sshconnect2.c, packet.c, readconf.c), which are not
translated.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shlex
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from wizard.core.rules import Rules
from wizard.core.text import printable
from wizard.egress.services import EchoService, NoAddressError, Parser, Sample, read_answer, refuse_status
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer, Trouble
from wizard.egress.ssh_hosts.openssh import OUTPUT_LIMIT, OpenSsh, ScriptRun

_SHOWN = 120
_BY_HAND = "Log in once by hand: ssh {host}"
MOST_OPERATORS = 4
"""A host asks so many at most, one after the other, and stops when two agree."""
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})\b")
_LOCATION = re.compile(rb"^location:[ \t]*(.*?)\r?$", re.IGNORECASE | re.MULTILINE)
_INTERIM = re.compile(rb"\A(?:HTTP/[0-9.]+ 1[0-9]{2}\b.*?\r?\n\r?\n)+", re.DOTALL)
"""Responses such as 103, which stand before the answer."""
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_RESPONSE_LIMIT = 16384
"""Bytes of a response, with its head, that the script passes on."""

_CURL_FAILURES = {
    6: "the name could not be resolved there",
    7: "no connection over IPv4",
    28: "no answer in time",
    35: "the TLS handshake failed",
    52: "an empty answer",
    56: "the connection broke",
    60: "the certificate could not be verified",
}
_CLIENT_FAILURES = {
    **{(client, status): reason for client in ("curl", "python3") for status, reason in _CURL_FAILURES.items()},
    ("wget", 4): "no connection over IPv4, or no answer in time",
    ("wget", 5): "the certificate could not be verified",
    ("wget", 8): "the server answered with an error or a redirect",
}
"""Exit statuses, from curl(1) and wget(1); the question in Python ends with those of curl."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many hosts at a time, and how long, in seconds."""

    at_a_time: int = 10
    """OpenSSH's servers drop logins from the eleventh unfinished one on (MaxStartups 10:30:100): a jump host would."""
    each: float = 25.0
    together: float = 120.0
    question: int = 4
    """For one echo service, on the host."""


async def ask_hosts(
    hosts: Sequence[Host],
    services: Sequence[EchoService],
    ssh: OpenSsh,
    *,
    rules: Rules,
    bounds: Bounds | None = None,
    on_answer: Callable[[HostAnswer], object] = lambda _: None,
    timer: Callable[[], float] = time.perf_counter,
) -> tuple[HostAnswer, ...]:
    """Return what every host said, in the order of `hosts`; one that is named twice is asked once.

    Each is given one service of every operator, first those that say whether WARP is on. `on_answer` takes each answer
    as it comes in. Raises `WizardError` where ssh cannot be started.
    """
    bounds = bounds or Bounds()
    first: dict[str, EchoService] = {}
    # Two services of one operator would be one voice.
    for service in sorted(services, key=lambda one: one.parser is not Parser.TRACE):
        first.setdefault(service.operator, service)
    voices = tuple(first.values())[:MOST_OPERATORS]
    free = asyncio.Semaphore(bounds.at_a_time)
    answers: dict[Host, HostAnswer] = {}

    async def ask(host: Host) -> None:
        async with free:
            nonce, start = secrets.token_hex(8), timer()
            script = compose_script(nonce, bounds.question, voices)
            run = await ssh.run(host.name, script, f"\n{nonce}\tdone\n".encode(), bounds.each)
            took = (timer() - start) * 1000
        answers[host] = judge_run(host, run, nonce, voices, rules=rules, deadline=bounds.each, milliseconds=took)
        on_answer(answers[host])

    each = dict.fromkeys(hosts)
    await _within(bounds.together, map(ask, each))
    for host in each:
        if host not in answers:
            reason = f"not asked, as the {bounds.together:g} s for all hosts were over"
            answers[host] = HostAnswer(host, 0.0, trouble=Trouble("not-asked", reason, "Ask it again."))
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


def compose_script(nonce: str, seconds_each: int, services: Sequence[EchoService]) -> bytes:
    """Return what a host is given: three settings, then `script.sh`. It holds nothing of the user's."""
    urls = " ".join(shlex.quote(service.url) for service in services)
    script = resources.files("wizard.egress.ssh_hosts").joinpath("script.sh").read_text("utf-8")
    return f"NONCE={nonce} SECONDS_EACH={seconds_each}\nset -- {urls}\n{script}".encode()


def judge_run(
    host: Host,
    run: ScriptRun,
    nonce: str,
    services: Sequence[EchoService],
    *,
    rules: Rules,
    deadline: float,
    milliseconds: float,
) -> HostAnswer:
    """Return what the lines tagged with `nonce` say; `services` are those that the host was given, in that order."""
    lines = [words for words in _tagged(run.output, nonce) if words]
    client = next((words[1] for words in lines if words[0] == "client" and len(words) == 2), "")
    client = client if client in {"curl", "wget", "python3", "none"} else ""
    raw: dict[int, bytes] = {}
    for words in lines:
        if words[0] == "answer" and len(words) == 3 and (number := _number(words[1], len(services))) is not None:
            raw.setdefault(number, _unhex(words[2]))
    samples = tuple(_sample(services[number], client, raw[number], rules, milliseconds) for number in raw)
    trouble = None if any(sample.address for sample in samples) else _trouble(run, client, samples, deadline)
    has_proxy = ["proxy"] in lines
    return HostAnswer(host, milliseconds, samples, trouble, client, has_proxy)


def _trouble(run: ScriptRun, client: str, samples: Sequence[Sample], deadline: float) -> Trouble:
    if client == "none":
        return NO_CLIENT
    if len(run.output) >= OUTPUT_LIMIT:
        return TOO_MUCH
    if run.is_out_of_time:
        return Trouble("time-out", f"no answer within {deadline:g} s", f"{_BY_HAND}. See where it waits.")
    if client:
        reasons = ", ".join(dict.fromkeys(sample.refusal for sample in samples)) or "it was cut off"
        return Trouble(
            "no-address",
            f"it got no address ({reasons})",
            "Can {host} reach the internet over https? If only through a proxy, its address is the proxy's.",
        )
    if run.exit_status == 255:
        return explain_ssh(run.errors)
    status = "" if run.exit_status in {0, None} else f", and ended with exit status {run.exit_status}"
    words = _last_words(run.errors.decode("utf-8", "replace"))
    return Trouble(
        "not-understood",
        f"the login works, but it did not run the question{status}{words}",
        "{host} needs a POSIX shell (sh) for this login. A git server or a forced command has none.",
    )


def _tagged(output: bytes, nonce: str) -> Iterator[list[str]]:
    for line in output.decode("ascii", "replace").replace("\r", "").split("\n"):
        tag, tab, said = line.partition("\t")
        if tab and tag == nonce:
            yield said.split(" ")


def _number(text: str, count: int) -> int | None:
    return int(text) - 1 if text in {str(number) for number in range(1, count + 1)} else None


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _sample(service: EchoService, client: str, raw: bytes, rules: Rules, milliseconds: float) -> Sample:
    try:
        return Sample(service, read_answer(service, _body(raw, client), rules), "", milliseconds)
    except NoAddressError as refused:
        return Sample(service, None, str(refused), milliseconds, refused.is_shared)


def _body(raw: bytes, client: str) -> bytes:
    """Return the body of a response that is an answer; `raw` is the response, a line end, the client's exit status."""
    if len(raw) >= _RESPONSE_LIMIT:
        raise NoAddressError("a web page, not an address")
    response, _, status = raw.rpartition(b"\n")
    head, *body = _HEAD_END.split(_INTERIM.sub(b"", response), maxsplit=1)
    answered = _STATUS.match(head)
    if answered is None:
        raise NoAddressError(_failure(client, status))
    location = _LOCATION.search(head)
    refuse_status(int(answered[1]), location[1].decode("ascii", "replace") if location else "")
    return b"".join(body)


def _failure(client: str, status: bytes) -> str:
    if not status.isdigit() or status == b"0":
        return "not an answer of a web server"
    known = _CLIENT_FAILURES.get((client, int(status[:3])))
    return known or f"{client or 'the client'} there failed with exit status {int(status[:3])}"


_SSH_SAYS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed",
        "changed-host-key",
        "its host key has changed, as another machine answers or it was set up again",
        "Find out why before anyone logs in there. Compare the fingerprint with the one on the host's console."
        " Only then remove the old key: ssh-keygen -R HOST",
    ),
    (
        r"marked as revoked|key .*revoked|HOST IDENTIFICATION.*REVOKED",
        "revoked-host-key",
        "its host key is marked as revoked",
        "Do not log in there. Ask whoever revoked the key.",
    ),
    (
        r"Host key verification failed|host key is known for",
        "unknown-host-key",
        "its host key is not known here",
        f"{_BY_HAND}. Compare the fingerprint with the one on the host's console, and accept it only if they are equal."
        " The wizard never accepts a host key for you.",
    ),
    (
        r"Permission denied|Too many authentication failures|No supported authentication methods",
        "login-refused",
        "the login was refused",
        "Load your key with ssh-add, or set User and IdentityFile for this host in ~/.ssh/config. {host} must let you"
        " in without a password.",
    ),
    (
        r"Could not resolve hostname",
        "name-not-found",
        "no address was found for its name",
        "Correct the name, or give it a HostName in ~/.ssh/config.",
    ),
    (
        r"[Tt]imed out|[Tt]imeout,? server",
        "time-out",
        "its ssh server did not answer in time",
        f"Is it running, and does a firewall let you through? {_BY_HAND}",
    ),
    (
        r"Connection refused",
        "connection-refused",
        "the connection was refused, as nothing listens on that port",
        "Is its ssh server running, and is the port in ~/.ssh/config the right one?",
    ),
    (
        r"No route to host|Network is unreachable|Network is down|Host is down",
        "unreachable",
        "no network route leads to it",
        "Is the VPN up? Does it need a ProxyJump in ~/.ssh/config?",
    ),
    (
        r"Connection (closed|reset) by|Connection closed|kex_exchange_identification|Broken pipe",
        "hung-up",
        "its ssh server hung up before the login",
        "It may limit logins (MaxStartups), or have banned this address. Try again in some minutes.",
    ),
)


def explain_ssh(errors: bytes, *first: tuple[str, str, str, str]) -> Trouble:
    """Return what the end of ssh means by what it wrote to standard error; `first` is looked for before all else."""
    text = errors.decode("utf-8", "replace")
    for pattern, kind, reason, advice in (*first, *_SSH_SAYS):
        if re.search(pattern, text):
            return Trouble(kind, reason, advice)
    return Trouble("other", f"ssh failed{_last_words(text)}", f"{_BY_HAND}. See what it says.")


NO_CLIENT = Trouble(
    "no-client",
    "it has no curl, no GNU wget and no python3",
    "Install curl on {host}, or read its address there by hand.",
)
TOO_MUCH = Trouble(
    "not-understood",
    "it wrote much more than an answer",
    "{host} did not run the question. Is it a host with a POSIX shell?",
)


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f" ({printable(lines[-1], _SHOWN)})" if lines else ""
