"""The Whitelist step: the list is said, checked entry by entry, mended or typed again, and shown as text to paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network

from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.plain.stage import Stage
from wizard.plain.talk import Command, Menu, Talk
from wizard.rotation.model import Step
from wizard.steps.whitelist import CHANGES, changes
from wizard.whitelist.entries import LONGEST_LABEL, Entries, parse
from wizard.whitelist.findings import ListFinding
from wizard.whitelist.fixes import first_fix, label_entry
from wizard.whitelist.rendering import Difference, Form, render
from wizard.whitelist.validation import Validation

_FORMS = {Form.COMMAS: "With commas", Form.SPACES: "With spaces", Form.LINES: "In lines"}
_MENU = {
    "keep": "keep this list and go on.",
    **{word: CHANGES[word] for word in ("fix", "block", "fix-all")},
    "edit": "type the list anew.",
    "add": "type entries that are added to it.",
    "delete": "take one entry out.",
    "label": "say whose an entry is; labels are kept here and never pasted.",
    **{word: CHANGES[word] for word in ("expand", "collapse")},
    "undo": "go back to the list before the last change.",
}
"""All answers, in their order; those that make no sense for a list are left out."""
_DONE = {
    "fix": "The first suggestion was applied.",
    "block": "The entry is the block now.",
    "fix-all": "All suggestions that need no look were applied.",
    "expand": "Blocks were written as their addresses.",
    "collapse": "Neighbours were joined.",
}


async def take(stage: Stage) -> bool:
    """Start from the proposal and ask until a list without errors is kept."""
    stage.introduce(Step.WHITELIST)
    entries, past = stage.flow.whitelist.proposal(), stage.flow.whitelist.past
    while True:
        validation = stage.flow.whitelist.validate(entries)
        stage.talk.say(*_said(validation, stage.flow.whitelist.difference(validation)))
        offered = changes(stage.flow, entries)
        default = "keep" if validation.is_valid else "fix" if "fix" in offered else "edit"
        answer = await stage.talk.choose("What about this list?", _menu(offered, validation, past), default)
        if answer == Command.BACK:
            return stage.back()
        if answer == "keep" and _is_kept(stage, entries):
            return stage.on()
        if answer == "undo" and past:
            entries = past.pop()
        elif (changed := await _changed(stage.talk, answer, entries, offered)) != entries:
            past.append(entries)
            entries = changed
        stage.flow.whitelist.draft = entries


def _menu(changed: Mapping[str, Entries], validation: Validation, past: Sequence[Entries]) -> Menu:
    is_possible = {
        **{word: word in changed for word in _DONE},
        **dict.fromkeys(("delete", "label"), bool(validation.entries)),
        "undo": bool(past),
    }
    return {word: does for word, does in _MENU.items() if is_possible.get(word, True)}


def _is_kept(stage: Stage, entries: Entries) -> bool:
    try:
        finding = stage.flow.whitelist.settle(entries)
    except WizardError as error:
        stage.talk.tell(error)
        return False
    stage.talk.say(f"The list is kept. Not proven: {finding.does_not_prove}.")
    return True


async def _changed(talk: Talk, answer: str, entries: Entries, offered: Mapping[str, Entries]) -> Entries:
    if answer in offered:
        talk.say(_DONE[answer])
        return offered[answer]
    if answer in {"delete", "label"}:
        return await _entry_changed(talk, answer, entries)
    if answer not in {"edit", "add"}:
        return entries
    typed = parse(await _lines(talk))
    if not typed:
        talk.say("Nothing was typed. The list stays as it was.")
        return entries
    return typed if answer == "edit" else (*entries, *typed)


async def _entry_changed(talk: Talk, answer: str, entries: Entries) -> Entries:
    """Delete or label the entry whose number is typed."""
    number = await talk.line(f"Number of the entry, 1 to {len(entries)}")
    if number == Command.BACK:
        return entries
    if not (number.isascii() and number.isdecimal() and 1 <= int(number[:9]) <= len(entries)):
        talk.say("There is no entry with this number. The list stays as it was.")
        return entries
    place = int(number) - 1
    if answer == "delete":
        return entries[:place] + entries[place + 1 :]
    label = await talk.line("Whose it is (nothing removes the label)")
    return entries if label == Command.BACK else label_entry(entries, place, printable(label.strip(), LONGEST_LABEL))


async def _lines(talk: Talk) -> str:
    """Return the lines typed until an empty one that ends the paste as well; nothing after `back`."""
    talk.say("", "Type or paste addresses and blocks, as many lines as you like. An empty line ends.")
    lines: list[str] = []
    # The rest of a paste would answer the next question, and a second empty line would keep half a list.
    while (line := await talk.line(f"Line {len(lines) + 1}")) or await talk.has_more():
        if line == Command.BACK:
            return ""
        lines.append(line)
    return "\n".join(lines).strip()


def _said(validation: Validation, difference: Difference) -> Iterable[str]:
    yield ""
    yield "The list:" if validation.entries else "The list has no entries."
    for number, checked in enumerate(validation.entries, start=1):
        label = f"  {printable(checked.label, LONGEST_LABEL)}" if checked.label else ""
        yield f"  {number}: {printable(checked.entry.text) or '(empty field)'}{label}"
    yield validation.sentence() if validation.is_valid else f"Not ready: {len(validation.errors)} to mend."
    yield from _findings(validation)
    if validation.is_valid:
        yield from _changes(difference)
        yield from _to_paste(validation.networks)


def _findings(validation: Validation) -> Iterable[str]:
    fixed, how = _first_fix(validation)
    for finding in (*(each for checked in validation.entries for each in checked.findings), *validation.findings):
        yield f"  {finding.severity.capitalize()}: {finding.message}{how if finding is fixed else ''}"


def _first_fix(validation: Validation) -> tuple[ListFinding | None, str]:
    """Return what `fix` would change, and how, in words."""
    fix = first_fix(validation)
    if fix is None:
        return None, ""
    shown = _shown(fix.finding)
    if fix.place is None:
        return fix.finding, f" fix adds {shown}."
    other = f", block makes it {fix.finding.alternative}" if fix.finding.alternative else ""
    return fix.finding, f" fix makes it {shown}{other}." if shown else " fix removes it."


def _shown(finding: ListFinding) -> str:
    return printable(finding.suggestion or "", limit=40)


def _changes(difference: Difference) -> Iterable[str]:
    if difference.kept or difference.removed:
        added, removed = _listed(difference.added), _listed(difference.removed)
        yield f"Against the list in use: added {added}; removed {removed}; kept {len(difference.kept)}."


def _listed(networks: tuple[IPv4Network, ...]) -> str:
    return render(networks, Form.COMMAS).replace(",", ", ") or "nothing"


def _to_paste(networks: tuple[IPv4Network, ...]) -> Iterable[str]:
    if len(networks) == 1:
        yield f"Text to paste: {render(networks)}"
        return
    yield "Text to paste, in three forms. The exchange's page takes one of them."
    for form, caption in _FORMS.items():
        yield f"{caption}:"
        yield from render(networks, form).splitlines()
