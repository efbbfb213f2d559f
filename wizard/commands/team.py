"""`key-wizard team`, and `--team` of the wizard: what a team sets up alike, in a file of the form of `config.toml`.

The file holds no secret, and comes from outside. What it adds is shown before it is written, and needs a typed word. An
environment that is there is never changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wizard.commands.console import ArgumentParser, exit_code, print_finding, print_json, print_message, print_result
from wizard.commands.prompts import ask
from wizard.core import settings
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.key_shape import holds_key
from wizard.core.settings import read_settings
from wizard.core.sites import CUSTOM_SETTINGS, CUSTOM_SITE
from wizard.core.text import printable
from wizard.core.toml_file import Section, read_toml, write_values
from wizard.custody.records import Slot
from wizard.exchange.responses import ApiRestrictions
from wizard.rotation.findings import FindingWriter
from wizard.rotation.journal import Journal, networks_of, read_journal
from wizard.rotation.json_records import describe_finding
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.permissions import compare_with_policy
from wizard.whitelist.rendering import written

_LARGEST: Final = 2**16  # characters: a person reads what is added
_LONGEST_LINE: Final = 1000  # characters: the end of a longer one would be overlooked, or not be shown
_TABLES: Final = ("policy", "rules", "environments")
_HARMLESS: Final = frozenset({"site", "host", "uses_futures", "max_minutes_with_two_keys", "max_entries"})
_SHARED: Final = _HARMLESS | {*CUSTOM_SETTINGS, "tolerated_ranges", "bots", "deliver", "rotation", "whitelist"}
"""What an export has of an environment: nothing that is of one machine alone, as its proxy or its hosts."""
_WRITE: Final = "Write it where all is set up:\nkey-wizard team export > team.toml"
_EMAIL: Final = r"\w@[\w-]+\.(?!service|timer|socket|target)[a-z]"
"""Not an instance of a unit, as `bot@1.service`."""
_RANDOM: Final = r"(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{20,}|\b(?=[a-f-]*\d)[\da-f-]{32,}"
"""Such as stands in the address that a hook posts to: Slack's, Telegram's, a UUID."""
Values = Mapping[str, Any]

SUMMARY = "share environments, limits and a policy with your team, without a secret"
EXAMPLES = """\
key-wizard team export > team.toml      your settings for the others, without a secret
key-wizard team export --with-emails    with the email addresses of sub-accounts
key-wizard team check team.toml         what differs from the file on this machine?
key-wizard --team team.toml             take over what it says, then set up or import a key"""
ABOUT = """\
An export has no key, no proxy, no other host and no path of your home directory. It has your whitelists.
Exit codes: 0 fine, 1 something differs, 6 Binance did not show all that the policy names."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("action", choices=("export", "check"), help="write a team file, or compare with one")
    parser.add_argument("file", metavar="FILE", nargs="?", help="the team file to compare with")
    parser.add_argument("--with-emails", action="store_true", help="export the email addresses of sub-accounts too")


def run(options: argparse.Namespace) -> int:
    """Write the file to standard output, or compare with one."""
    if (options.action == "check") is (options.file is None):
        advice = "Write: key-wizard team check FILE, or: key-wizard team export > FILE"
        raise UsageError("check needs a FILE, and export takes none", advice=advice, code="usage")
    if options.file:
        return print_differences(options.file, as_json=options.json)
    paths = settings.paths()
    with read_journal(paths) as journal:
        shared, left_out = _share(_gather(read_toml(paths.config_file), journal), with_emails=options.with_emails)
    if left_out:
        print_message(f"Left out: {', '.join(left_out)}.")
    print_json({"team": shared, "left_out": left_out}) if options.json else print_result(*_toml(shared).split("\n"))
    return Exit.FINE


def print_differences(file: str, *, as_json: bool = False) -> Exit:
    """Say on standard output what differs from a team file; raise WizardError for one that cannot be used."""
    team, paths = _read(Path(file)), settings.paths()
    with read_journal(paths) as journal:
        own = _gather(read_toml(paths.config_file), journal)
        found = tuple(_compare(team, own, journal, FindingWriter(time.time, "")))
    if as_json:
        print_json({"file": file, "fine": not found, "checks": [describe_finding(each) for each in found]})
    elif not found:
        print_result(f"All is as {file} says.")
    for each in () if as_json else found:
        print_finding(each)
    return exit_code(found)


def join(file: str) -> bool:
    """Write what a team file adds into the settings, once it was shown and a word was typed.

    Returns False where another word was typed. Raises WizardError where a file cannot be used or written.
    """
    team, paths = _read(Path(file)), settings.paths()
    whole = read_toml(paths.config_file)
    with read_journal(paths) as journal:
        own = _gather(whole, journal)
    theirs = {key: team.values.get(key, {}) for key in _TABLES}
    added = {key: {each: values[each] for each in values if each not in own[key]} for key, values in theirs.items()}
    # Both together have to make sense: an environment may need one that has another site here.
    read_settings(Section(team.file, team.text, (), {**own, **{key: {**own[key], **added[key]} for key in _TABLES}}))
    if not any(added.values()):
        return True
    if added["environments"] and not whole.values.get("environments"):  # the usual ones end where one is written
        added["environments"] |= {name: {"site": values["site"]} for name, values in own["environments"].items()}
    risks = [
        f"  {name}.{key} = {_json(value)}"
        for name, values in added["environments"].items()
        for key, value in values.items()
        if key not in _HARMLESS or value == CUSTOM_SITE
    ]
    shown = [*_toml(added).split("\n"), *risks]
    if long := next((line for line in shown if len(line) > _LONGEST_LINE), ""):
        why = f"It has more than {_LONGEST_LINE} characters and begins with {printable(long, 60)}"
        raise UsageError(f"A line of {file} is too long for you to read", why=why, advice="Do not trust this file.")
    print_message(f"The team file adds this to {paths.config_file}:", "", *_toml(added).split("\n"), "")
    if risks:
        decide = "These decide where calls and keys go, who may call, or what runs on this machine:"
        print_message(decide, *risks, "Go on only if you know who wrote them.", "")
    word = "trust" if risks else "add"
    if ask(f"Typing is not shown. Type {word} to go on", "A typed word").reveal().strip() != word:
        print_message("Nothing was written.")
        return False
    try:
        paths.create()
        write_values(paths.config_file, {key: values for key, values in added.items() if values})
    except (OSError, ValueError) as error:
        what, advice = f"{paths.config_file} was not changed", "Write the lines above into it yourself."
        raise WizardError(what, why=f"{error}.", advice=advice, code="team.unwritable") from None
    return True


def _read(file: Path) -> Section:
    """Return what a team file says, or raise WizardError, which names the line."""
    whole = read_toml(file)
    why = "" if whole.values else "It says nothing." if file.exists() else "There is no such file."
    if why := f"It has more than {_LARGEST // 1024} KiB." if len(whole.text) > _LARGEST else why:
        raise UsageError(f"{file} is not a team file", why=why, advice=_WRITE)
    whole.expect_only(_TABLES)
    lines = [f", line {number}" for number, line in enumerate(whole.text.splitlines(), 1) if _is_secret(line)]
    if lines or _is_secret(_json(whole.values)):
        why = "Something looks like a key, or is a URL with a password."
        raise WizardError(f"{file}{''.join(lines[:1])} holds a secret", why=why, code="team.secret")
    read_settings(whole)
    return whole


def _gather(own: Section, journal: Journal) -> dict[str, Any]:
    """Return the settings as written, or the usual environments that are used, with sites and the keys' lists."""
    known, environments = read_settings(own).environments, {}
    seen = journal.overview(known.values())
    used: dict[str, Values] = {one.environment.name: {} for one in seen if one.current or one.open_rotation}
    for name, values in (own.values.get("environments") or used).items():
        key, labels = journal.key_in(name, Slot.CURRENT), journal.labels(name)
        listed = {written(each): labels.get(each, "") for each in networks_of(key.whitelist)} if key else {}
        environments[name] = {"site": known[name].site.name, **values, **({"whitelist": listed} if listed else {})}
    return {"policy": {}, "rules": {}, **own.values, "environments": environments}


def _compare(team: Section, own: Values, journal: Journal, writer: FindingWriter) -> Iterator[Finding]:
    """Yield how this machine differs from the file. What only it has is no difference."""
    known, listed = read_settings(team).environments, team.values.get("environments", {})
    sites = {name: {"site": known[name].site.name, **values} for name, values in listed.items()}
    for path, said in _differ({**team.values, "environments": sites}, own, ()):
        yield writer.note(path[1], Outcome.FAILED, said)
    for name, environment in known.items():
        if (key := journal.key_in(name, Slot.CURRENT)) and key.permissions is not None:
            for each in compare_with_policy(environment.policy, ApiRestrictions(True, None, key.permissions)):
                yield writer.note(name, each.outcome, f"{key.name}: {each.what}", advice=each.advice)


def _differ(theirs: Values, own: Values, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each difference and where. What stands here is not repeated: it may hold a password."""
    for key, value in theirs.items():
        at, is_table = (*path, key), isinstance(value, dict)
        if is_table and isinstance(own.get(key), dict):
            yield from _differ(value, own[key], at)
        elif own.get(key) != value:
            said = "" if is_table else f" The file says {_json(value)}."
            yield at, f"{'.'.join(at)} {'differs' if key in own else 'is not set'} here.{said}"


def _share(own: Values, *, with_emails: bool) -> tuple[dict[str, Any], list[str]]:
    """Return what of the settings is for all, and the names of those that were left out."""
    home = str(settings.home(os.environ)).rstrip("/") or "\0"
    shared, found, left_out = _SHARED | {"sub_account"} if with_emails else _SHARED, {}, []
    private = re.compile(re.escape(home) + rf"|{_EMAIL}" * (not with_emails))
    for name, values in own["environments"].items():
        texts = {key: _json([name, key, value]) for key, value in values.items() if key in shared}
        found[name] = {
            key: values[key] for key, text in texts.items() if not (private.search(text) or _is_secret(text))
        }
        left_out += [f"{name}.{key}" for key in values if key not in found[name]]
    return {**{key: own[key] for key in _TABLES if own[key]}, "environments": found}, left_out


def _is_secret(text: str) -> bool:
    return holds_key(text) or bool(re.search(rf"://[^\s\"'/]*@|{_RANDOM}", text))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _toml(values: Values) -> str:
    import tomlkit  # noqa: PLC0415 - loaded to write alone

    return tomlkit.dumps({key: each for key, each in values.items() if each}).strip()
