"""The report: what a finished rotation proved, what it did not, and what is left for the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from wizard.core.addresses import read_ipv4
from wizard.core.clock import duration, utc
from wizard.core.credentials import KeyName
from wizard.core.text import capitalised, counted, harmless
from wizard.rotation.findings import ACTIVITY_HISTORY
from wizard.rotation.journal import networks_of
from wizard.rotation.model import Grade, Mode
from wizard.whitelist.rendering import diff, render

Row = tuple[str, str]
"""A label and its text."""
STAYS = "stays"
"""How a key is settled that was never used and that the user wants to live."""


@dataclass(frozen=True, slots=True)
class UnusedKey:
    """What became of a key that was entered and is not in use."""

    name: KeyName
    end: str
    """A `Grade`, or `STAYS`."""
    proof: str
    is_stored: bool = False
    """Whether its secret is stored, so that it is still asked about."""


_NEVER_KNOWN = "Binance does not know {}, so its secret is deleted. If you created another key, delete it on Binance."


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
    undelivered: tuple[str, ...] = ()
    """Which delivery targets lack the key or may hold a dead one, as sentences."""
    proven_hosts: tuple[str, ...] = ()
    """From which other hosts the key was proven, as `198.51.100.7 (bot-1)`."""
    whitelist_before: str | None = None
    """The list that the key had before, empty where that is not known; None in a job that is not about the list."""
    job: Mode | None = None
    """None where an older version wrote it."""
    unused: tuple[UnusedKey, ...] = ()
    """Keys that were entered and are not in use."""
    never_known: int = 0
    """How many entered keys the exchange does not know; their secrets are deleted."""
    accepted_until: float | None = None
    """When Binance accepted the legacy key last, where it had leaked and that is known."""
    refused_since: float | None = None
    """When Binance refused it first, of a key that had leaked."""
    was_list_read: bool = False
    """Whether Binance showed the list of the key in this job, as it does for a sub-account's."""
    is_open: bool = False
    """Whether Binance says that the key works from any address."""

    @property
    def verdict(self) -> str:
        """What the rotation came to, in one or two sentences."""
        if self.job is Mode.WHITELIST:
            return f"{self.current} works from here. Its new whitelist is recorded."
        if self.job is Mode.RETIRE and self.legacy is None:
            left = any(key.is_stored for key in self.unused)
            return f"{self.current} stays in use. {'Not all' if left else 'All'} keys that were left are settled."
        if self.legacy is None:
            return f"{self.current} is stored and works from here."
        end = {
            Grade.PROVEN: "The legacy key is dead and its secret is deleted.",
            Grade.STRONG: "Binance refuses the legacy key from here, and its secret is deleted.",
        }.get(self.grade or Grade.WEAK, "The legacy key was given up without proof that it is dead.")
        leaked = ", which had leaked" if self.job is Mode.LEAKED else ""
        return f"{self.current} replaced {self.legacy}{leaked}. {end}"

    def rows(self) -> tuple[Row, ...]:
        """Return what was done and proven, and at the end what was not."""
        unknown = "none, so it works from any address" if self.is_open else "not known yet, as Binance never shows it"
        rows = [
            ("Key" if self.legacy is None else "New key", f"{self.current}, in {self.current_store}"),
            ("Whitelist", self.whitelist.replace(",", ", ") or unknown),
            *([("Changed", self._change())] if self.whitelist_before is not None else []),
            ("Proven from", ", ".join((self.egress or "an address that was not observed", *self.proven_hosts))),
        ]
        if self.legacy is not None:
            is_dead = self.grade in (Grade.PROVEN, Grade.STRONG)
            alive = f"{'' if is_dead else 'at least '}{duration(self.overlap_seconds)}"
            rows += [("Legacy key", f"{self.legacy}. {self.proof} The secret of {self.legacy} is no longer stored.")]
            rows += self._leak() if self.job is Mode.LEAKED else [("Both alive", alive)]
        for key in (key for key in self.unused if not key.is_stored):
            end = "It stays on Binance, as you said." if key.end == STAYS else key.proof
            said = f"{key.name} was entered and is not in use. {end} The secret of {key.name} is deleted."
            rows.append(("Unused key", said))
        others = self._others()
        is_unseen = self.job is Mode.WHITELIST and not self.was_list_read
        on_binance = "which list Binance has, as it never shows it" if is_unseen else ""
        gaps = (self.does_not_prove or on_binance, f"that the key works from {others}" if others else "")
        return (*rows, *(("Not proven", gap) for gap in gaps if gap))

    def _leak(self) -> list[Row]:
        until, since = (utc(at) if at is not None else "not known" for at in (self.accepted_until, self.refused_since))
        return [("Accepted until", until), ("Refused since", since)]

    @property
    def left(self) -> tuple[str, ...]:
        """What is left for the user, as sentences."""
        whose, remove = "The legacy key", "Remove it there"
        if self.legacy is None:
            whose, remove = str(self.current), "Remove it there when your bot runs under exec"
        on_binance = f"Check on Binance that {self.legacy} is deleted." if self.grade is not Grade.PROVEN else ""
        anywhere = f"{self.current} works from any address. Give it a list on Binance."
        return (
            *([anywhere] if self.is_open else []),
            *([f"{ACTIVITY_HISTORY} Look for addresses that are not yours."] if self.job is Mode.LEAKED else []),
            *([on_binance] if self.legacy and on_binance else []),
            *filter(None, map(_left, self.unused)),
            *([_NEVER_KNOWN.format(counted(self.never_known, "entered key"))] if self.never_known else []),
            *(f"{said}\nkey-wizard deliver {self.environment}" for said in self.undelivered),
            *(f"{whose} is still in {place}. {remove}." for place in self.still_held),
            *(
                f"Look for {whose[:1].lower()}{whose[1:]} yourself. {capitalised(reason)}."
                for reason in self.not_looked_at
            ),
        )

    @property
    def from_now_on(self) -> tuple[Row, ...]:
        """What is done from now on, each with its command."""
        to_enter = ("Enter the list", f"key-wizard --env {self.environment} --job whitelist")
        return (
            *([] if self.whitelist else [to_enter]),
            ("Run your bot", f"key-wizard exec {self.environment} -- python bot.py"),
            ("Check daily", f"key-wizard check {self.environment}"),
        )

    def lines(self) -> tuple[Row, ...]:
        """Return the whole report as label and text, for people."""
        took = duration(self.finished_at - self.started_at)
        head = (("Environment", self.environment), ("Finished", f"{utc(self.finished_at)}, after {took}"))
        return (*head, *self.rows(), *(("Left for you", each) for each in self.left))

    def markdown(self) -> str:
        """Return the whole report as Markdown, to be copied or saved."""
        rows = [row for row in self.lines() if row[0] != "Left for you"]
        parts = [
            f"# {_inline(self.environment)}: report of rotation {self.rotation}",
            _inline(self.verdict),
            "\n".join(["| | |", "|---|---|", *(f"| {label} | {_inline(text)} |" for label, text in rows)]),
        ]
        if self.left:
            parts += ["## Left for you", "\n".join(f"- {_inline(each)}" for each in self.left)]
        parts.append("## From now on")
        parts += [f"{label}:\n\n    {command}" for label, command in self.from_now_on]
        return "\n\n".join(parts) + "\n"

    def _change(self) -> str:
        """Say what was added to the list of the key, and what was removed."""
        if not self.whitelist_before:
            return "not known, as the list before was not known here"
        change = diff(networks_of(self.whitelist_before), networks_of(self.whitelist))
        words = {"added": change.added, "removed": change.removed}
        said = [f"{render(networks).replace(',', ', ')} {word}" for word, networks in words.items() if networks]
        return ", ".join(said) or "nothing"

    def _others(self) -> str:
        """Return the entries of the list that the proof was not made from."""
        try:
            here = IPv4Address(self.egress)
        except ValueError:
            return ""  # nothing is known of where it was made from, and that is said
        entries = self.whitelist.split(",") if self.whitelist else []
        elsewhere = (read_ipv4(each.partition(" ")[0]) for each in self.proven_hosts)
        proven = [here, *filter(None, elsewhere)]
        return ", ".join(each for each in entries if not any(address in IPv4Network(each) for address in proven))


def _left(key: UnusedKey) -> str:
    """Return what is left to do about a key that was never used; nothing where it is proven dead, or stays."""
    if key.end in (STAYS, Grade.PROVEN):
        return ""
    if key.end == Grade.ALIVE:
        return f"{key.name} is still active on Binance. Delete it there."
    if not key.name.last_four:  # its name is a fingerprint, which no page of Binance shows
        return f"Binance does not know an entered key ({key.name}). If you created another key, delete it on Binance."
    return f"{key.name} is not in use, and is not proven dead. Check on Binance that it is deleted."


def _inline(text: str) -> str:
    """Return a text that Markdown shows as it is: paths and names may hold its marks."""
    return "".join(f"\\{character}" if character in "\\`*_|<>[]" else character for character in harmless(text))


def restore_report(detail: Mapping[str, Any]) -> Report | None:
    """Return the report that was kept as `asdict` in the journal; None where it is not complete."""
    try:
        names = {field: KeyName(**detail[field]) for field in ("current", "legacy") if detail[field]}
        unused = tuple(UnusedKey(**{**key, "name": KeyName(**key["name"])}) for key in detail.get("unused", ()))
        places = {
            name: tuple(detail.get(name, ())) for name in ("still_held", "not_looked_at", "undelivered", "proven_hosts")
        }
        grade = Grade(detail["grade"]) if detail["grade"] else None
        job = Mode(detail["job"]) if detail.get("job") else None
        report = Report(**{**detail, **names, **places, "grade": grade, "job": job, "unused": unused})
        # A time that is none cannot be put into words, nor a list that is none.
        return report if all(isinstance(text, str) for _, text in report.lines()) else None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None
