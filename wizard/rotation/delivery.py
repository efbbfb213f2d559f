"""The current key is written where bots read it: each target is announced, written, read back, compared, confirmed.

Invariants: a secret goes to a target over standard input or TLS, never in an argument or a variable. The journal says
which key a target was seen to have; whatever ends this in between leaves the target due, and the next run reads it
first. The journal holds no digest of a secret.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import DIGITS, Secret
from wizard.core.settings import Environment
from wizard.core.targets import Target
from wizard.custody.custodian import load_openbao
from wizard.custody.records import KeyRecord, Slot
from wizard.egress.ssh_hosts.openssh import find_openssh
from wizard.egress.ssh_hosts.remote_detection import explain_ssh
from wizard.rotation.bots import CommandRun, child_environ, run_command
from wizard.rotation.context import Context
from wizard.rotation.journal import Journal
from wizard.rotation.model import Event, Finding, Outcome

DELIVERY = "key.delivery"
"""The event: how far a key came to a target, as one of these stages."""
ANNOUNCED, CONFIRMED, REFUSED, UNREACHED, WITHDRAWN = "announced", "confirmed", "refused", "unreached", "withdrawn"
DEADLINE = 20.0
"""Seconds for one question to a target."""
AT_THE_END = 60.0
"""Seconds for all targets before a job finishes, and for a restart."""
_SAYS_NO = ("deliver.refused", "permission", "occupied")
_REFUSALS = {
    40: "What it was sent did not arrive whole.",
    41: "A directory or link on the way to the file belongs to another user.",
    42: "Other users can write into a directory on the way to the file.",
    43: "Its directory does not exist.",
    44: "The file is not an ordinary file.",
    45: "Key Wizard did not write the file. Move it away.",
    46: "The file cannot be written.",
}
"""What the exit codes of delivery.sh mean."""
_HOLDS = re.compile(r"holds (?:nothing|([0-9a-f]{32}))")


Ask = Callable[..., Awaitable[str]]
"""Has a target `read`, `write` a text or `withdraw` a key, and returns the digest of what it holds then, if anything.
Raises `WizardError` where that is not done."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of one target: how far the current key came, when, and why it failed, as sentences.

    `stage` is empty where nothing was tried. `dead` has the fingerprints of dead keys that it may still hold.
    """

    target: Target
    key: KeyRecord
    stage: str = ""
    at: float = 0.0
    trouble: str = ""
    dead: tuple[str, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether the target is not known to have the current key."""
        return self.stage != CONFIRMED

    @property
    def finding(self) -> Finding:
        """What is known, as a check that was made at that time."""
        name, place = self.target.name, self.target.place
        has = f"does not have {self.key.name} yet" if self.is_due else f"has {self.key.name}"
        dead = "It may still hold a dead key." if self.dead else ""
        said = " ".join(filter(None, (f"{name} {has}, at {place}.", dead, self.trouble)))
        if not (self.is_due or dead):
            return Finding(f"Target {name}", Outcome.PASSED, said, self.at, "", "that nobody changed it since")
        outcome = Outcome.INCONCLUSIVE if self.stage in (UNREACHED, CONFIRMED) else Outcome.FAILED
        advice = f"Deliver it: key-wizard deliver {self.key.environment}"
        return Finding(f"Target {name}", outcome, said, self.at, advice=advice)


def deliveries(environment: Environment, journal: Journal) -> tuple[Delivery, ...]:
    """Return what is known of each target; nothing where no key is in use."""
    current = journal.key_in(environment.name, Slot.CURRENT) if environment.targets else None
    if current is None:
        return ()
    alive = {key.name.fingerprint for key in journal.kept_keys(environment.name)}
    noted = journal.events(kind=DELIVERY, environment=environment.name)
    return tuple(_judge(target, current, alive, noted) for target in environment.targets)


def _judge(target: Target, current: KeyRecord, alive: Iterable[str], noted: Iterable[Event]) -> Delivery:
    here = [each for each in noted if each.detail["target"] == _identity(target)]
    stages = {str(each.detail["fingerprint"]): each.detail["stage"] for each in here}
    dead = tuple(key for key, stage in stages.items() if stage != WITHDRAWN and key not in alive)
    tries = [each for each in here if each.detail["stage"] != WITHDRAWN]
    if not tries or tries[-1].detail["fingerprint"] != current.name.fingerprint:
        return Delivery(target, current, dead=dead)
    last = tries[-1].detail
    return Delivery(target, current, str(last["stage"]), tries[-1].at, str(last["trouble"]), dead)


def _identity(target: Target) -> list[str]:
    """A target that moved, or is written in another format, is another one."""
    return [target.name, target.place, target.names.key if target.names else ""]


def render(credentials: Credentials, target: Target) -> Secret:
    """Return what is written to a target, the same each time. It has the mark by which it is known as ours."""
    name, fields = credentials.name.fingerprint, dict[str, object]()
    if target.names:
        fields |= target.names.variables(credentials)
    else:
        signing = "secret" if credentials.kind is KeyKind.HMAC else "private_key"
        fields |= {"schema": 1, "written_by": "key-wizard", "kind": credentials.kind, "fingerprint": name}
        fields |= {"api_key": credentials.api_key.reveal(), signing: credentials.signing.reveal()}
    if target.openbao or not target.names:
        return Secret(json.dumps(fields, sort_keys=True))
    # As shells and systemd (systemd.exec(5), EnvironmentFile=) read it.
    quoted = {variable: re.sub(r'([$`"\\])', r"\\\1", str(value)) for variable, value in fields.items()}
    lines = [f'{variable}="{value}"\n' for variable, value in quoted.items()]
    return Secret("".join([f"# Written by key-wizard, {name}\n", *lines]))


class Deliveries:
    """Delivers the current key of one environment, and withdraws dead ones."""

    def __init__(self, context: Context) -> None:
        self._context, self._turn = context, asyncio.Lock()

    @property
    def states(self) -> tuple[Delivery, ...]:
        """What is known of each target."""
        return deliveries(self._context.environment, self._context.journal)

    @property
    def due(self) -> tuple[Delivery, ...]:
        """The targets that are not known to have the current key."""
        return tuple(one for one in self.states if one.is_due)

    async def run(self, *again: str, within: float | None = None) -> tuple[Delivery, ...]:
        """Deliver to what is due and to the targets named, withdraw what is dead, and return what is known then.

        What a target says becomes its state, and what is not done `within` seconds stays due. Raises `WizardError`
        where the current key cannot be read, or the journal cannot be written.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._turn:
                chosen = [one for one in self.states if one.is_due or one.dead or one.target.name in again]
                async with self._context.credentials(chosen[0].key if chosen else None) as credentials:
                    if chosen and credentials is None:
                        what = f"{chosen[0].key.name} is not in {self._context.vault.store.place}"
                        raise WizardError(what, advice="Open the place that stored it.", code="deliver.no-key")
                    serving = (self._serve(one, credentials, again) for one in chosen if credentials)
                    for failed in await asyncio.gather(*serving, return_exceptions=True):
                        if failed:
                            raise failed
        return self.states

    async def _serve(self, one: Delivery, credentials: Credentials, again: Sequence[str]) -> None:
        target, key, has_key = one.target, one.key.name.fingerprint, not (one.is_due or one.target.name in again)
        try:
            if not has_key:
                with render(credentials, target) as text:
                    self._note(target, key, ANNOUNCED)
                    await _bring(await self._opened(target), text)
                if target.restart:
                    run = await _run(target, target.restart, self._context.environ, AT_THE_END)
                    _expect(run.is_good, f"The restart of {target.name} failed", run)
                self._note(target, key, CONFIRMED)
                has_key = True
            for dead in one.dead:
                await (await self._opened(target))("withdraw", fingerprint=dead)
                self._note(target, dead, WITHDRAWN)
        except WizardError as error:
            stage = CONFIRMED if has_key else REFUSED if error.code in _SAYS_NO else UNREACHED
            self._note(target, key, stage, " ".join(error.sentences()))

    def _note(self, target: Target, key: str, stage: str, trouble: str = "") -> None:
        detail = {"target": _identity(target), "fingerprint": key, "stage": stage, "trouble": trouble}
        name, journal = self._context.environment.name, self._context.journal
        journal.record(journal.open_rotation(name), DELIVERY, {"environment": name, **detail})

    async def _opened(self, target: Target) -> Ask:
        if not target.openbao:
            return partial(_ask_program, target, self._context.environ)
        if (server := self._context.environment.openbao) is None:
            what, advice = f"The settings name no server for {target.name}", "Write url below [custody.openbao]."
            raise WizardError(what, advice=advice, code=_SAYS_NO[0])
        mount, _, path = target.openbao.partition("/")
        chosen, module = replace(server, mount=mount, path=path), await load_openbao()
        return partial(module.OpenBaoPath.ask, module.OpenBaoPath(chosen, DEADLINE, self._context.environ))


async def _bring(ask: Ask, text: Secret) -> None:
    """Write the text where it is not there yet, as after a lost answer, and read it back."""
    if (wanted := text.fingerprint(DIGITS)) != await ask("read"):
        await ask("write", digest=wanted, text=text.reveal())
        if await ask("read") != wanted:
            what, why = "What was read back is not what was written", "Another program may write there too."
            raise WizardError(what, why=why, code=_SAYS_NO[0])


async def _ask_program(target: Target, environ: Mapping[str, str], action: str, **given: str) -> str:
    """Have our script do it, on a host or here, or the user's own program."""
    words, said, refusals = target.command, "\n".join(given.values()), dict[int, str]()
    if words:
        said = json.dumps({"schema": 1, "action": action, "target": target.name, **given})
    else:
        script = resources.files("wizard.rotation").joinpath("delivery.sh").read_text("utf-8")
        words, refusals = ("sh", "-c", script, "sh", action, target.file, target.credential), _REFUSALS
    run = await _run(target, words, environ, DEADLINE, said)
    found = _HOLDS.fullmatch(run.output[-1]) if run.output else None
    what = f"{target.name} does not do what it was asked to ({action})"
    _expect(found and run.is_good, what, run, refusals.get(run.exit or 0, ""))
    return (found and found[1]) or ""


def _expect(is_good: object, what: str, run: CommandRun, why: str = "") -> None:
    # The journal keeps the reason, so it has nothing of what the program wrote.
    if not is_good:
        why = why or f"It came to {run.phrase}."
        raise WizardError(what, why=why, code="deliver.unreached" if run.exit is None else _SAYS_NO[0])


async def _run(
    target: Target, words: Sequence[str], environ: Mapping[str, str], deadline: float, given: str = ""
) -> CommandRun:
    """Run a program where the target is, with `given` as its input; a `WizardError` where its host is not reached."""
    if not target.host:
        return await run_command(tuple(words), child_environ(environ), deadline, given.encode())
    ssh = find_openssh(environ)
    run = await run_command((*ssh.command(target.host), shlex.join(words)), ssh.environ, deadline, given.encode())
    if run.exit == 255:
        trouble, what = explain_ssh("\n".join(run.output).encode()), f"{target.host} is not reached"
        advice = trouble.advice.replace("{host}", target.host)
        reason = "ssh failed" if trouble.kind == "other" else trouble.reason  # that quotes what was written
        raise WizardError(what, why=f"{reason}.", advice=advice, code="deliver.unreached")
    return run
