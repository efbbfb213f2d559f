"""Keys of a sub-account: made, restricted and deleted with the master account's key, each settled after a lost answer.

Invariants: a call that makes or deletes a key is announced in the journal first. What became of it is found out by
asking, never by repeating it blindly: a key is known by the name that it was announced with. Whatever was announced is
looked for until it is stored, deleted or refused. No key is deleted while the one in use was not just accepted from
here, and the key in use and the master's key never are. Only Ed25519: the private key is stored before the key is made.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeVar

from wizard.core.addresses import read_ipv4
from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError, sentences
from wizard.core.secret import Secret
from wizard.core.settings import SubAccountSettings
from wizard.core.text import counted
from wizard.core.unattended import FLAGS
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import REFUSED_KEY, UNKNOWN_KEY
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.responses import ApiRestrictions
from wizard.exchange.signing import RECEIVE_WINDOW_MS
from wizard.exchange.sub_accounts import (
    MOST_ADDRESSES,
    SYMBOLS_NOT_SEEN,
    Pacer,
    Restriction,
    SubAccountClient,
    SubAccountKey,
    grantable,
    parameters,
)
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask
from wizard.rotation.exchange_calls import circumstances as circumstances_of
from wizard.rotation.findings import FindingWriter
from wizard.rotation.model import Event, Finding, Mode, Outcome, Step
from wizard.rotation.permissions import LABELS, WITHDRAWALS, compare_with_policy
from wizard.rotation.steps.credentials import CredentialsStep
from wizard.rotation.unused_keys import SETTLED

CREATING = "sub-account.creating"
CREATED = "sub-account.created"
NOT_CREATED = "sub-account.not-created"
RESTRICTING = "sub-account.restricting"
RESTRICTED = "sub-account.restricted"
DELETING = "sub-account.deleting"
DELETED = "sub-account.deleted"
SUB_ACCOUNT = "Sub-account"
MASTER_KEY = "Master key"
_MOVES_MONEY = (WITHDRAWALS, "enableInternalTransfer")
"""A master key with one of these could take the money out: it is not used."""
_TRADING = "enableSpotAndMarginTrading"
_LATE = RECEIVE_WINDOW_MS / 1000 + 5
"""Seconds after which the exchange refuses a request that is still on its way: its time has passed."""
_UNLISTED = "Binance does not list it"
_LISTED_LATE = 86_400.0
"""Seconds for which a key that was given up, as it was not listed, is looked for in each run."""
_TRIES = 3
"""How often a list is asked for that a network or server fault kept back."""
Answer = TypeVar("Answer")


class SubAccountKeys:
    """The keys of one environment's sub-account. Its methods raise `WizardError` where Binance or a place refuses."""

    def __init__(self, context: Context, settings: SubAccountSettings, credentials: CredentialsStep) -> None:
        self._context = context
        self.settings = settings
        self._credentials = credentials
        self._pacer = context.pacer or Pacer(context.stopwatch, context.pause)

    # --- before anything changes ---------------------------------------------------------------

    async def check_master(self) -> Finding:
        """See that the master's key is fit, and the sub-account too; nothing changes."""
        async with self._master() as (client, master):
            answer = await ask(client, master, circumstances_of(self.settings.master.site, self._context.egress))
            if answer.error and answer.error.kind is not ErrorKind.REFUSED:
                raise answer.error  # it says nothing of the key
            if not answer.accepted:
                said = answer.diagnose()
                raise _unfit("Binance refuses the key of the master account", " ".join(sentences(said.what, said.why)))
            may = answer.restrictions.permissions if answer.restrictions else {}
            if bad := [LABELS[name] for name in _MOVES_MONEY if may.get(name)]:
                why = f"It has the permission {' and '.join(bad)}. Whoever has the key can move the money out."
                raise _unfit("The key of the master account may do too much", why, "Switch that off on Binance's page.")
            if answer.restrictions is None or not answer.restrictions.ip_restricted:
                advice = f"Change its whitelist: key-wizard --env {self.settings.master.name} --job whitelist"
                raise _unfit("The key of the master account works from everywhere", "It has no whitelist.", advice)
            if not may.get(_TRADING):
                why = f"Binance asks for {LABELS[_TRADING]} to change a sub-account's keys."
                raise _unfit("The key of the master account may not do enough", why, "Switch it on on Binance's page.")
            await self._read(SubAccountClient(client, master, self.settings.email, self._pacer).account)
            observed = f"Binance accepts {master.name}, which is restricted and cannot withdraw."
        return self._writer.note(MASTER_KEY, Outcome.PASSED, observed)

    async def permissions(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what a new key gets: what the current key has, else what the policy says; and what is not known of it.

        Raises `WizardError` where the current key has what the API cannot grant, or Binance does not say what it has.
        """
        current, policy = self._context.key(Slot.CURRENT), self._context.environment.rotation
        may = dict.fromkeys(policy.permissions, True)
        if current:
            answer = await self._credentials.ask_permissions()
            if answer and answer.error and answer.error.kind is not ErrorKind.REFUSED:
                raise answer.error  # what it had when it was proven may be more than it has now
            told = answer.restrictions.permissions if answer and answer.restrictions else current.permissions
            if told is None:
                why = f"Binance does not say what {current.name} may do, and never said it before."
                raise _refusal("A new key would have other permissions", why, "Probe the current key first.")
            may = dict(told)
        grant = grantable(may)
        if grant.ungrantable:
            why = f"It has {_labelled(grant.ungrantable)}, which Binance's API cannot grant."
            advice = "Create the key on Binance's page."
            raise _refusal("A new key could not do all that this one can", why, advice, "sub-account.ungrantable")
        flags = {name: may.get(name, name == "enableReading") for name in FLAGS}
        if breaches := compare_with_policy(self._context.environment.policy, ApiRestrictions(True, None, flags)):
            why = " ".join(each.what for each in breaches)
            raise _refusal("A new key would break your policy", why, "Change one of both.", "policy.broken")
        doubtful = f"Whether the new key gets {_labelled(grant.doubtful)} is not known."
        return grant.granted, (doubtful,) * bool(grant.doubtful) + (SYMBOLS_NOT_SEEN,) * bool(current)

    # --- what an interrupted run left ----------------------------------------------------------

    @property
    def unsettled(self) -> tuple[Event, ...]:
        """The creations that were announced and whose end is not known, the oldest first."""
        name = self._context.environment.name
        return self._context.journal.unended(name, CREATING, (CREATED, NOT_CREATED), "api_name")

    async def settle(self) -> tuple[str, ...]:
        """Find out what became of creations whose answer was lost; return what was done, as sentences.

        A key that the open job can use is stored; any other is deleted, also one that Binance lists late.
        """
        unsettled, since = self.unsettled, self._context.clock() - _LISTED_LATE
        late = [one for one in self._events(NOT_CREATED) if one.detail["reason"] == _UNLISTED and one.at > since]
        names = {one.detail["api_name"] for one in (*unsettled, *late)}
        said: list[str] = []
        if not names:
            return ()
        # Where they were announced: the settings may name another sub-account since.
        for email in {str(one.detail["email"]): 0 for one in self._events(CREATING) if one.detail["api_name"] in names}:
            async with self._open(email) as accounts:
                said += [await self._settle(accounts, one) for one in unsettled if one.detail["email"] == email]
                said += await self._delete_strays(accounts, await self._read(accounts.keys))
        return tuple(said)

    async def _settle(self, accounts: SubAccountClient, announced: Event) -> str:
        name = str(announced.detail["api_name"])
        # Not longer where the clock was set back since.
        await self._context.pause(max(0.0, min(_LATE, announced.at + _LATE - self._context.clock())))
        rows = await self._rows(accounts, name)
        if not rows:
            self._note(NOT_CREATED, api_name=name, reason=_UNLISTED)
            return f"Binance made no key {name}."
        if any(row.api_key is None for row in rows):
            why = f"Binance lists a key called {name} and hides which one it is."
            advice = f"Delete the key called {name} on Binance's page. Then try again."
            raise _refusal("A key was made that the wizard does not hold", why, advice, "sub-account.masked")
        stored = {key.name.fingerprint for key in self._keys() if key.holding is Holding.STORED}
        kept = next((row for row in rows if row.name and row.name.fingerprint in stored), None)
        if kept is None and (public := await self._draft(announced)):
            kept = rows[0]
            assert kept.api_key is not None  # noqa: S101 - masked rows ended above
            await self._credentials.store_pair(kept.api_key, public)
        others = [row.api_key for row in rows if row is not kept and row.api_key]
        if others and not await self._may_delete():
            return f"Binance made a key {name}. It is deleted once the key in use is accepted from here."
        for api_key in others:
            await self._remove(accounts, api_key)
        if kept is None or kept.name is None:
            self._note(NOT_CREATED, api_name=name, reason="it was deleted unused")
            return f"Binance had made a key {name}. It was never used, and is deleted."
        self._note(CREATED, api_name=name, fingerprint=kept.name.fingerprint)
        return f"Binance had made {kept.name}. It is stored."

    async def _draft(self, announced: Event) -> str:
        """Return the public half that a key was announced with, where the open job waits for it; else nothing."""
        rotation = self._context.journal.open_rotation(self._context.environment.name)
        is_same = announced.detail["email"] == self.settings.email
        if rotation is None or rotation.step is not Step.CREDENTIALS or not is_same:
            return ""
        return await self._credentials.drafted(str(announced.detail["public"]))

    async def _delete_strays(self, accounts: SubAccountClient, rows: Collection[SubAccountKey]) -> list[str]:
        """Delete keys of a name that was announced here, and that are not the one which was stored under it.

        Returns a sentence for each.
        """
        known = {key.name.fingerprint for key in self._keys()} | self._masters
        known |= {str(each.detail["fingerprint"]) for each in self._context.journal.events(kind=SETTLED)}
        unknown = [row for row in rows if row.name and row.name.fingerprint not in known]
        announced = {str(each.detail["api_name"]) for each in self._events(CREATING)} if unknown else set()
        strays = [row for row in unknown if row.api_name in announced]
        if not strays or not await self._may_delete():
            return []
        for row in strays:
            assert row.api_key is not None  # noqa: S101 - it has a name
            await self._remove(accounts, row.api_key)
        return [f"Binance had made {row.name}. It was never used, and is deleted." for row in strays]

    async def _may_delete(self) -> bool:
        """Whether the key in use, if there is one, is accepted from here: what seems unused may else be what works."""
        answer = await self._credentials.ask_permissions()
        return answer.accepted if answer else self._context.key(Slot.CURRENT) is None

    # --- make, restrict, delete ----------------------------------------------------------------

    async def create(self) -> Finding:
        """Make the key at the Credentials step, with the composed list; store it, and read its list back.

        A key that this job made before is taken. One whose list cannot be set right is deleted again.
        """
        wanted = self._wanted()
        granted, _ = await self.permissions()
        await self.settle()
        async with self._open() as accounts:
            await self._read(accounts.account)
            pending = self.made
            if pending and not await self._comes_to_be_listed(accounts, pending):
                # Its list could not be set: it was deleted, and the program ended before it was purged. Or it is late.
                await self._context.vault.purge(pending, "Binance no longer lists it")
                for one in self._context.journal.events(kind=CREATED, about=pending.name.fingerprint):
                    self._note(NOT_CREATED, api_name=one.detail["api_name"], reason=_UNLISTED)
                pending = None
            if pending is None:
                await self._create(accounts, wanted, granted)
                pending = self.made
            if pending is None:
                raise _refusal("The key was made and could not be stored", "", "Try again.")
            async with self._context.credentials(pending) as made:
                if made is None:
                    raise self._not_stored(pending)
                try:
                    await self._match(accounts, made.api_key, wanted)
                except ExchangeError:
                    raise
                except WizardError:
                    await self._remove(accounts, made.api_key)
                    await self._context.vault.purge(pending, "its list could not be set, and Binance deleted it")
                    raise
        observed = f"Binance made {pending.name}. Its list is {_shown(wanted)}, read back."
        does_not_prove = "that Binance accepts it, which the probe finds out"
        return self._writer.note(SUB_ACCOUNT, Outcome.PASSED, observed, does_not_prove=does_not_prove)

    async def _create(self, accounts: SubAccountClient, wanted: frozenset[str], granted: Collection[str]) -> None:
        public = await self._credentials.make_pair()
        # Letters and digits: what else a name may hold is not documented.
        name = f"kw{int(self._context.clock())}{secrets.token_hex(3)}"
        about: dict[str, Any] = {"public": Secret(public).fingerprint(), "email": self.settings.email}
        self._note(CREATING, api_name=name, **about, addresses=sorted(wanted), permissions=parameters(granted))
        try:
            made = await self._patiently(lambda: accounts.create(name, granted, wanted, public))
        except ExchangeError as error:
            if not error.is_outcome_unknown:
                self._note(NOT_CREATED, api_name=name, reason=f"Binance refused it ({error.exchange_code})")
                raise
            await self._settle(accounts, self.unsettled[-1])
            if self.made is None:
                raise
            return
        with made:
            fingerprint = made.fingerprint()
            await self._credentials.store_pair(made, public)
        self._note(CREATED, api_name=name, fingerprint=fingerprint)

    async def listed(self, record: KeyRecord) -> tuple[IPv4Address, ...]:
        """Return the list of a stored key as Binance has it now; a `WizardError` where it is open to every address."""
        async with self._context.credentials(record) as found, self._open() as accounts:
            if found is None:
                raise self._not_stored(record)
            has = await self._restriction(accounts, found.api_key)
        if not has.is_restricted:
            what = f"{record.name} is not restricted to addresses"
            raise _refusal(what, "Binance says so.", "Change its whitelist.", "sub-account.open")
        if blocks := [entry for entry in has.addresses if not read_ipv4(entry)]:
            what, why = f"The API cannot set the list of {record.name}", f"It holds {', '.join(blocks)}."
            raise _refusal(what, why, "Change the list on Binance's page.")
        return tuple(sorted(map(IPv4Address, has.addresses)))

    async def apply(self) -> Finding:
        """Give the current key the composed list, read it back, and take off what is not on it."""
        current, wanted = self._context.key(Slot.CURRENT), self._wanted()
        async with self._context.credentials(current) as found, self._open() as accounts:
            if current is None or found is None:
                raise self._not_stored(current)
            about: dict[str, Any] = {"fingerprint": current.name.fingerprint, "addresses": sorted(wanted)}
            self._note(RESTRICTING, **about)
            await self._match(accounts, found.api_key, wanted)
            self._note(RESTRICTED, **about)
        return self._writer.note(SUB_ACCOUNT, Outcome.PASSED, f"The list of {current.name} is {_shown(wanted)}.")

    async def delete(self, record: KeyRecord) -> Finding:
        """Delete a key that is not in use, where the one in use was accepted from here just before."""
        current = self._context.key(Slot.CURRENT)
        if current is None or record.slot not in (Slot.LEGACY, Slot.UNUSED):
            raise _refusal(f"{record.name} is not to be deleted", "No other key is in use.", "Replace it first.")
        async with self._context.credentials(current) as control:
            if control is None:
                raise self._not_stored(current)
            return await self._delete(record, control)

    async def delete_leaked(self) -> Finding:
        """Delete the key in use, which has leaked, at the Delete step: that is what the user asked for."""
        current, rotation = self._context.key(Slot.CURRENT), self._context.rotation
        if current is None or rotation.mode is not Mode.LEAKED or rotation.step is not Step.DELETE:
            raise _refusal(
                "No leaked key is to be deleted", "The job is another one.", "Begin it from the home screen."
            )
        return await self._delete(current, None)

    async def _delete(self, record: KeyRecord, control: Credentials | None) -> Finding:
        """Delete a key. It is compared with those that must live by the journal and by what is stored."""
        async with self._context.credentials(record) as doomed, self._open() as accounts:
            if doomed is None:
                raise self._not_stored(record)
            alive = self._masters | ({control.name.fingerprint} if control else set())
            if alive & {record.name.fingerprint, doomed.name.fingerprint}:
                raise _refusal(f"{record.name} is not deleted", "It is a key that is in use.", "Nothing was changed.")
            rows = await self._read(accounts.keys)
            await self._delete_strays(accounts, rows)
            about: dict[str, Any] = {"fingerprint": doomed.name.fingerprint}
            self._note(DELETING, **about)
            is_listed = _lists(rows, doomed.name.fingerprint)
            said = None if is_listed else await self._ask(doomed)
            if said is None or said.accepted or (is_listed is None and said.code != UNKNOWN_KEY):
                await self._remove(accounts, doomed.api_key, control)
            self._note(DELETED, **about)
        observed = f"Binance no longer lists {record.name}."
        if is_listed is None:
            observed = f"Binance took the deletion of {record.name}. It hides which keys it lists."
        return self._writer.note(SUB_ACCOUNT, Outcome.PASSED, observed)

    async def _expect_accepted(self, control: Credentials | None) -> None:
        if control is not None and not (answer := await self._ask(control)).accepted:
            said = answer.diagnose()
            why = f"Binance does not accept {control.name} from here. {said.what}."
            raise _refusal("The deletion was stopped", why, "Keep the legacy key until the current one works.")

    async def _ask(self, control: Credentials) -> SignedAnswer:
        async with self._context.exchange() as client:
            return await ask(client, control, self._context.circumstances(self._context.key(Slot.CURRENT)))

    async def _remove(self, accounts: SubAccountClient, api_key: Secret, control: Credentials | None = None) -> None:
        """Have a key deleted, and see that it is not listed any more; where the first answer was lost, once more.

        Each call waits for its turn, and then for `control` to be accepted.
        """
        fingerprint = api_key.fingerprint()
        for is_last in (False, True):
            error: ExchangeError | None = None
            try:
                await self._patiently(lambda: accounts.delete(api_key, lambda: self._expect_accepted(control)))
            except ExchangeError as lost:
                error = lost
            is_listed = await self._is_still_listed(accounts, fingerprint)
            if is_listed is False or (is_listed is None and error is None):
                return
            if error and (is_last or not error.is_outcome_unknown):
                raise error
        what = f"Binance still lists …{api_key.last_four()}"
        raise _refusal(what, "It answered that the key is deleted.", "Look at the key on Binance's page.")

    async def _comes_to_be_listed(self, accounts: SubAccountClient, record: KeyRecord) -> bool:
        """Ask until a key is listed, or Binance hides which keys it lists; False where it is not in time."""
        name = record.name.fingerprint
        return _lists(await self._listing(accounts, lambda rows: _lists(rows, name) is not False), name) is not False

    async def _is_still_listed(self, accounts: SubAccountClient, fingerprint: str) -> bool | None:
        """Ask until a key is not listed any more; None where Binance hides which keys it lists."""
        return _lists(await self._listing(accounts, lambda rows: _lists(rows, fingerprint) is not True), fingerprint)

    async def _listing(
        self, accounts: SubAccountClient, is_awaited: Callable[[Collection[SubAccountKey]], bool]
    ) -> Collection[SubAccountKey]:
        """Return the keys once they are what is awaited, or as they are when the time has run out."""
        until = self._context.stopwatch() + self._context.pace.listing
        while not is_awaited(rows := await self._read(accounts.keys)) and self._context.stopwatch() < until:
            await self._context.pause(self._context.pace.between_polls)
        return rows

    async def _match(self, accounts: SubAccountClient, api_key: Secret, wanted: frozenset[str]) -> None:
        """Make the list of a key the one that is wanted; whether Binance adds to a list or replaces it is not known."""
        has = await self._restriction(accounts, api_key)
        if not (has.is_restricted and wanted <= has.addresses):
            await self._unless_lost(lambda: accounts.restrict(api_key, wanted))
            has = await self._restriction(
                accounts, api_key, lambda one: bool(one.is_restricted) and wanted <= one.addresses
            )
        if has.is_restricted and wanted < has.addresses:
            extra = has.addresses - wanted
            await self._unless_lost(lambda: accounts.remove(api_key, extra))
            has = await self._restriction(accounts, api_key, lambda one: one.addresses == wanted)
        if not has.is_restricted or has.addresses != wanted:
            why = f"Binance shows {_shown(has.addresses)} in place of {_shown(wanted)}."
            if not has.is_restricted:
                why = "Binance shows that the key works from everywhere."
            raise _refusal(f"The list of …{api_key.last_four()} is not the one that was sent", why, "Try again.")

    async def _restriction(
        self,
        accounts: SubAccountClient,
        api_key: Secret,
        is_awaited: Callable[[Restriction], bool] = lambda _: True,
    ) -> Restriction:
        """Return the restriction of a key once it is what is awaited, or as it is when the time has run out.

        How long a change takes until it shows is not known. A key that is not found may be too new.
        """
        until = self._context.stopwatch() + self._context.pace.listing
        while True:
            try:
                has = await self._read(lambda: accounts.restriction(api_key))
                if is_awaited(has) or self._context.stopwatch() >= until:
                    return has
            except ExchangeError as error:
                if error.kind is not ErrorKind.REFUSED or self._context.stopwatch() >= until:
                    raise
            await self._context.pause(self._context.pace.between_polls)

    async def _rows(self, accounts: SubAccountClient, name: str) -> list[SubAccountKey]:
        """Return the keys of this name; a key that was just made may be listed late."""
        rows = await self._listing(accounts, lambda rows: any(row.api_name == name for row in rows))
        return [row for row in rows if row.api_name == name]

    # --- one call ------------------------------------------------------------------------------

    async def _read(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call that changes nothing; once more where a network or server fault kept the answer back."""
        for _ in range(_TRIES - 1):
            try:
                return await self._patiently(call)
            except ExchangeError as error:
                if not error.is_outcome_unknown:
                    raise
                await self._context.pause(self._context.pace.between_polls)
        return await self._patiently(call)

    async def _unless_lost(self, call: Callable[[], Awaitable[None]]) -> None:
        """Make a call whose effect is read back: a lost answer says nothing."""
        try:
            await self._patiently(call)
        except ExchangeError as error:
            if not error.is_outcome_unknown:
                raise

    async def _patiently(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call, and make it again where Binance only asked to slow down: it was not carried out then."""
        until = self._context.stopwatch() + self._context.pace.patience
        while True:
            try:
                return await call()
            except ExchangeError as error:
                if error.exchange_code == REFUSED_KEY:
                    error.why = " ".join(sentences(error.what, error.why))
                    error.what = f"Binance refuses the key of {self.settings.master.name} for this"
                    error.advice = "Check its whitelist, and Reading and Spot & Margin Trading."
                wait = error.retry_after or self._context.pace.between_questions
                if error.kind is not ErrorKind.RATE_LIMIT or self._context.stopwatch() + wait > until:
                    raise
                await self._context.pause(wait)

    @asynccontextmanager
    async def _master(self) -> AsyncIterator[tuple[ExchangeClient, Credentials]]:
        """Lend the key in use of the master's environment, and a client that goes that environment's way."""
        master, vault = self.settings.master, self._context.vault
        context = replace(self._context, environment=master, vault=replace(vault, environment=master.name))
        async with context.credentials(context.key(Slot.CURRENT)) as found:
            if found is None:
                why = f"The settings say that the environment {master.name} holds it."
                advice = f"Import it: key-wizard import {master.name}"
                raise _refusal("No key of the master account is stored", why, advice, "sub-account.no-master")
            async with context.exchange() as client:
                yield client, found

    @asynccontextmanager
    async def _open(self, email: str = "") -> AsyncIterator[SubAccountClient]:
        async with self._master() as (client, master):
            yield SubAccountClient(client, master, email or self.settings.email, self._pacer)

    # --- what is known -------------------------------------------------------------------------

    def _wanted(self) -> frozenset[str]:
        """The composed list as single addresses: blocks are mentioned nowhere in the documents of this API."""
        networks: tuple[IPv4Network, ...] = self._context.whitelist
        if sum(block.num_addresses for block in networks) > MOST_ADDRESSES:
            why = f"It takes {MOST_ADDRESSES} single addresses at most, and no blocks."
            raise _refusal("Binance's API cannot take this list", why, "Take blocks off the list.", "sub-account.list")
        return frozenset(str(address) for block in networks for address in block)

    @property
    def made(self) -> KeyRecord | None:
        """The new key, if this job had Binance make it."""
        rotation, pending = self._context.rotation, self._credentials.pending
        made = {event.detail["fingerprint"] for event in self._context.journal.events(rotation, CREATED)}
        return pending if pending and pending.name.fingerprint in made else None

    @property
    def _masters(self) -> set[str]:
        """The fingerprints of the master account's own keys, as far as they are known here."""
        return {key.name.fingerprint for key in self._context.journal.keys(self.settings.master.name)}

    def _keys(self) -> tuple[KeyRecord, ...]:
        return self._context.journal.kept_keys(self._context.environment.name)

    def _events(self, kind: str) -> tuple[Event, ...]:
        return self._context.journal.events(kind=kind, environment=self._context.environment.name)

    def _note(self, kind: str, **detail: Any) -> None:
        environment = self._context.environment.name
        rotation = self._context.journal.open_rotation(environment)
        self._context.journal.record(rotation, kind, {"environment": environment, **detail})

    @property
    def _writer(self) -> FindingWriter:
        return FindingWriter(self._context.clock, self._context.egress)

    def _not_stored(self, record: KeyRecord | None) -> WizardError:
        name = record.name if record else "The current key"
        return _refusal(f"{name} is not in {self._context.vault.store.place}", "", "Open the place that stored it.")


def _lists(rows: Collection[SubAccountKey], fingerprint: str) -> bool | None:
    """Return whether a key is listed; None where it is not, and some row hides which key it is."""
    if any(row.name and row.name.fingerprint == fingerprint for row in rows):
        return True
    return None if any(row.name is None for row in rows) else False


def _labelled(names: Collection[str]) -> str:
    return ", ".join(LABELS.get(name, name) for name in names)


def _shown(addresses: Collection[str]) -> str:
    return ", ".join(sorted(addresses)) or counted(0, "address")


def _refusal(what: str, why: str, advice: str, code: str = "sub-account.refused") -> WizardError:
    return WizardError(what, why=why, advice=advice, code=code)


def _unfit(what: str, why: str, advice: str = "Nothing was changed.") -> WizardError:
    return _refusal(what, why, advice, "sub-account.master-unfit")
