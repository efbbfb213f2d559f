"""The report: what a finished rotation proved, and what it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wizard.core.clock import duration, utc
from wizard.core.credentials import KeyName
from wizard.rotation.model import Grade


@dataclass(frozen=True, slots=True)
class Report:
    """Secret-free, kept in the journal, shown in the summary and in `key-wizard history`."""

    environment: str
    rotation: int
    started_at: float
    finished_at: float
    current: KeyName
    current_store: str
    whitelist: str
    egress: str
    legacy: KeyName | None
    grade: Grade | None
    """None where there was nothing to retire."""
    proof: str
    does_not_prove: str
    overlap_seconds: float
    """For how long both keys were alive: until the first refusal, not until the purge."""
    still_held: tuple[str, ...] = ()
    """Where the legacy key still stood in plain text, as phrases: files with lines, environment variables."""
    not_looked_at: tuple[str, ...] = ()
    """Where it could not be looked, each with the reason."""

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return the report as label and text, for people."""
        rows = [
            ("Environment", self.environment),
            ("Finished", f"{utc(self.finished_at)}, after {duration(self.finished_at - self.started_at)}"),
            ("Current key", f"{self.current}, in {self.current_store}"),
            ("Egress", self.egress or "not observed"),
            ("Whitelist", self.whitelist or "not composed here"),
        ]
        if self.legacy is None:
            return (*rows, ("Legacy key", "none: there was nothing to retire"))
        return (
            *rows,
            ("Legacy key", f"{self.legacy}, secret purged"),
            ("Overlap", duration(self.overlap_seconds)),
            ("Death", f"{self.grade}: {self.proof}"),
            ("Not proven", self.does_not_prove or "nothing is left open"),
            *([("Remove it from", "; ".join(self.still_held))] if self.still_held else []),
            *([("Not looked at", "; ".join(self.not_looked_at))] if self.not_looked_at else []),
        )


def restore_report(detail: Mapping[str, Any]) -> Report | None:
    """Return the report that was kept as `asdict` in the journal; None where it is not complete."""
    try:
        names = {field: KeyName(**detail[field]) for field in ("current", "legacy") if detail[field]}
        places = {name: tuple(detail.get(name, ())) for name in ("still_held", "not_looked_at")}
        grade = Grade(detail["grade"]) if detail["grade"] else None
        report = Report(**{**detail, **names, **places, "grade": grade})
        # A time that is none cannot be put into words.
        return report if all(isinstance(text, str) for _, text in report.lines()) else None
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
