"""What a host is given to run, and what it wrote, judged as strictly as answers to this host are. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from wizard.core.rules import Rules
from wizard.egress.answers import NoAddress, Sample, read_answer, refuse_status
from wizard.egress.services import EchoService
from wizard.egress.ssh_hosts.model import OUTPUT_LIMIT, Host, HostAnswer, ScriptRun, Trouble
from wizard.egress.ssh_hosts.ssh_errors import (
    NO_CLIENT,
    TOO_MUCH,
    explain_ssh,
    no_address,
    not_understood,
    out_of_time,
)

_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})\b")
_LOCATION = re.compile(rb"^location:[ \t]*(.*?)\r?$", re.IGNORECASE | re.MULTILINE)
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


def compose_script(nonce: str, seconds_each: int, services: Sequence[EchoService]) -> bytes:
    """Return what a host is given: three settings, then `script.sh`. It holds nothing of the user's."""
    urls = " ".join(shlex.quote(service.url) for service in services)
    script = resources.files("wizard.egress.ssh_hosts").joinpath("script.sh").read_text("utf-8")
    return f"NONCE={nonce} SECONDS_EACH={seconds_each}\nset -- {urls}\n{script}".encode()


def end_mark(nonce: str) -> bytes:
    """Return the line with which the script ends."""
    return f"\n{nonce}\tdone\n".encode()


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
    """Return what a run of the script shows."""
    reading = read_output(run.output, nonce, services, rules, milliseconds)
    has_address = any(sample.address for sample in reading.samples)
    return HostAnswer(
        host,
        milliseconds,
        samples=reading.samples,
        trouble=None if has_address else _trouble(run, reading.client, reading.samples, deadline),
        client=reading.client,
        has_proxy=reading.has_proxy,
    )


def _trouble(run: ScriptRun, client: str, samples: Sequence[Sample], deadline: float) -> Trouble:
    if client == "none":
        return NO_CLIENT
    if len(run.output) >= OUTPUT_LIMIT:
        return TOO_MUCH
    if run.is_out_of_time:
        return out_of_time(deadline)
    if client:
        return no_address(tuple(sample.refusal for sample in samples))
    if run.exit_status == 255:
        return explain_ssh(run.errors)
    return not_understood(run.exit_status, run.errors)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the tagged lines of a host say."""

    client: str = ""
    has_proxy: bool = False
    samples: tuple[Sample, ...] = ()


def read_output(
    output: bytes, nonce: str, services: Sequence[EchoService], rules: Rules, milliseconds: float
) -> Reading:
    """Return what the lines tagged with `nonce` say; greetings and everything else between them do not count.

    Args:
        output: What the host wrote, its end possibly missing.
        nonce: The tag, made for this one run.
        services: Whose URLs the host was given, in that order.
        rules: Special ranges that are accepted as addresses.
        milliseconds: How long the run took.
    """
    lines = [words for words in _tagged(output, nonce) if words]
    client = next((words[1] for words in lines if words[0] == "client" and len(words) == 2), "")
    raw: dict[int, bytes] = {}
    for words in lines:
        if words[0] == "answer" and len(words) == 3 and (number := _number(words[1], len(services))) is not None:
            raw.setdefault(number, _unhex(words[2]))
    return Reading(
        client=client if client in {"curl", "wget", "python3", "none"} else "",
        has_proxy=["proxy"] in lines,
        samples=tuple(_sample(services[number], client, raw[number], rules, milliseconds) for number in raw),
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
    except NoAddress as refused:
        return Sample(service, None, str(refused), milliseconds)


def _body(raw: bytes, client: str) -> bytes:
    """Return the body of a response that is an answer; `raw` is the response, a line end, the client's exit status."""
    if len(raw) >= _RESPONSE_LIMIT:
        raise NoAddress("a web page, not an address")
    response, _, status = raw.rpartition(b"\n")
    head, body = _parted(response)
    answered = _STATUS.match(head)
    if answered is None:
        raise NoAddress(_failure(client, status))
    location = _LOCATION.search(head)
    refuse_status(int(answered[1]), location[1].decode("ascii", "replace") if location else "")
    return body


def _parted(response: bytes) -> tuple[bytes, bytes]:
    """Head and body, after interim responses such as 103."""
    while True:
        head, *rest = _HEAD_END.split(response, maxsplit=1)
        body = rest[0] if rest else b""
        answered = _STATUS.match(head)
        if answered is None or not answered[1].startswith(b"1"):
            return head, body
        response = body


def _failure(client: str, status: bytes) -> str:
    if not status.isdigit() or status == b"0":
        return "not an answer of a web server"
    known = _CLIENT_FAILURES.get((client, int(status[:3])))
    return known or f"{client or 'the client'} there failed with exit status {int(status[:3])}"
