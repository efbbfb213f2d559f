"""Everything that a detection knows of each question, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.egress.answers import Sample
from wizard.egress.detect import EgressReport
from wizard.egress.providers import Provider
from wizard.text import printable

_SHOWN = 300


def tell_details(report: EgressReport) -> Iterator[str]:
    """Yield the route, then per question the service, its URL, what it answered or why that was refused, its note."""
    yield report.route.sentence()
    for sample in report.samples:
        yield from _tell(sample.provider, _answer(sample))
    for provider in report.unfinished:
        yield from _tell(provider, "not waited for: the others had settled the matter, or time was up")


def _tell(provider: Provider, answer: str) -> Iterator[str]:
    yield ""
    yield f"{printable(provider.name)} ({printable(provider.operator)}): {answer}."
    note = f"  {printable(provider.note, _SHOWN)}" if provider.note else ""
    yield f"  {printable(provider.url, _SHOWN)}, read as {provider.parser}.{note}"


def _answer(sample: Sample) -> str:
    if sample.address is None:
        return f"no address after {sample.milliseconds:.0f} ms: {printable(sample.refusal, _SHOWN)}"
    return f"saw {sample.address}, after {sample.milliseconds:.0f} ms"
