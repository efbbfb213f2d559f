"""Step 3: the new credentials, into `pending` and read back.

An Ed25519 key pair made here is stored before its public half is shown: if the wizard
dies while the user is on the exchange's page, the private key of the new API key is not lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.threads import in_daemon_thread
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.exchange.signing import KeyPair, generate_ed25519, generate_rsa, public_pem
from wizard.intake.copies import Copies, copies_of
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask
from wizard.rotation.findings import STORAGE
from wizard.rotation.model import SWAP_WORD, Finding, Mode, Outcome

MADE_HERE = "public key"
IMPORTED = "imported public key"
"""What stands in a draft in place of the API key, before the public key's fingerprint."""
READ_FROM = "key.read-from"
"""The event that names the file from which a key in use was read."""
SEARCH_DEADLINE = 5.0
"""Seconds to look for copies: a file on a network disk must not hold up a purge."""


class CredentialsStep:
    """Stores what the exchange's page gave."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.stored: Finding | None = None
        """What was seen when a key was stored last, by this program."""

    @property
    def pending(self) -> KeyRecord | None:
        """The new key, if it is stored and was read back."""
        return self._context.key(Slot.PENDING)

    async def public_key(self, kind: KeyKind = KeyKind.ED25519) -> str:
        """Return the public half of the pair that waits for its API key; it is stored by then, made where none is."""
        pending = self.pending  # it has the pair when its API key was mistyped
        for record in [*reversed(self._drafts()), *([pending] if pending else [])]:
            if record.kind is kind:
                async with self._context.credentials(record) as found:
                    if found and not found.api_key.reveal().startswith(IMPORTED):
                        return public_pem(found.signing)
        return await self.make_pair(kind)

    async def make_pair(self, kind: KeyKind = KeyKind.ED25519) -> str:
        """Make and store a pair that waits for its API key; return its public half."""
        # In a thread: an RSA key of 4096 bits takes seconds.
        pair = await asyncio.to_thread(generate_rsa if kind is KeyKind.RSA else generate_ed25519)
        await self._keep_draft(pair, MADE_HERE)
        return pair.public_pem

    async def drafted(self, fingerprint: str) -> str:
        """Return the public half of this fingerprint whose pair waits for its API key; nothing where none does."""
        label = Secret(f"{MADE_HERE} {fingerprint}").fingerprint()
        draft = next((draft for draft in self._drafts() if draft.name.fingerprint == label), None)
        async with self._context.credentials(draft) as found:
            return public_pem(found.signing) if found else ""

    async def stored_public_key(self) -> str:
        """Return the public half of the new key that is stored already; nothing where it is HMAC or not there."""
        async with self._context.credentials(self.pending) as found:
            return public_pem(found.signing) if found and found.kind is not KeyKind.HMAC else ""

    async def import_pair(self, pair: KeyPair) -> None:
        """Put a private key that was made elsewhere into the place of the credentials, before its API key is known."""
        label = _label(IMPORTED, pair.public_pem).fingerprint()
        if all(draft.name.fingerprint != label for draft in self._drafts()):
            await self._keep_draft(pair, IMPORTED)

    async def ask_permissions(self) -> SignedAnswer | None:
        """Ask Binance what the current key may do, None where there is none; a `WizardError` where it cannot."""
        context = self._context
        current = context.key(Slot.CURRENT)
        async with context.credentials(current) as found:
            if found is None:
                return None
            async with context.exchange() as client:
                return await ask(client, found, context.circumstances(current))

    async def store_hmac(self, api_key: Secret, secret: Secret) -> Finding:
        """Store an API key with its HMAC secret."""
        return await self.store(Credentials(KeyKind.HMAC, api_key, secret))

    async def store_pair(self, api_key: Secret, public: str) -> Finding:
        """Store an API key with the private key of the half `public`; a `WizardError` where that is not stored."""
        made, imported = (_label(origin, public).fingerprint() for origin in (MADE_HERE, IMPORTED))
        drafts = [draft for draft in self._drafts() if draft.name.fingerprint in (made, imported)]
        known = self._context.journal.keys(self._context.environment.name, imported)
        is_imported = self._context.rotation.mode is Mode.ADOPT or bool(known)
        found = await self._fetch_pair(public, drafts)
        if found is None:
            again = "Delete this API key on Binance's page and start this step again with a new pair."
            raise WizardError(
                f"The private key of this API key is no longer in {self._context.vault.store.place}",
                advice="Import it once more, then store it." if is_imported else again,
                code="credentials.pair-missing",
            )
        with found:
            finding = await self.store(Credentials(found.kind, api_key, found.signing), is_imported=is_imported)
        for draft in drafts:
            await self._context.vault.purge(draft, "the pair is stored together with its API key")
        return finding

    async def _fetch_pair(self, public: str, drafts: Sequence[KeyRecord]) -> Credentials | None:
        """Return the pair from its draft, or from the pending key when its API key was mistyped."""
        pending = self.pending
        for record in (*drafts, *([pending] if pending and pending.kind is not KeyKind.HMAC else [])):
            found = await self._context.vault.fetch(record)
            if found and public_pem(found.signing) == public:
                return found
            if found:
                found.wipe()
        return None

    async def swap(self, typed: str) -> Finding:
        """Store the new key with API key and secret exchanged; a `WizardError` where `typed` is not `SWAP_WORD`."""
        if typed.lower() != SWAP_WORD:
            advice = f"Type {SWAP_WORD} where you are asked for it."
            raise WizardError("API key and secret were not swapped", advice=advice, code="credentials.not-swapped")
        pending = self.pending
        found = await self._context.vault.fetch(pending) if pending else None
        if pending is None or found is None:
            raise WizardError("There is no stored key to swap", advice="Enter the key and its secret again.")
        with found:
            finding = await self.store(Credentials(found.kind, found.signing, found.api_key))
        # What was shown as the API key's last characters belonged to the secret.
        self._context.journal.hide_last_four(pending)
        return finding

    async def store(self, credentials: Credentials, *, is_imported: bool = False) -> Finding:
        """Store a whole key as the new one; the caller wipes it."""
        await self._context.vault.recover()
        self.refuse_known(credentials)
        for record in self._keys():
            is_idle = record.slot in (Slot.PENDING, Slot.UNUSED)
            if is_idle and record.name.fingerprint == credentials.signing.fingerprint():  # it was a secret
                self._context.journal.hide_last_four(record)
        whitelist = self._context.journal.whitelist_of(self._context.rotation)
        record = await self._context.vault.put(credentials, Slot.PENDING, whitelist=whitelist)
        is_from_outside = is_imported or self._context.rotation.mode is Mode.ADOPT
        copies = await self.find_copies(credentials) if is_from_outside else Copies()
        place = self._context.vault.store.place
        remove = f"Remove it there when your bot reads {place}. The wizard looks again when it retires this key."
        self.stored = Finding(
            subject=STORAGE,
            outcome=Outcome.WARNING if copies else Outcome.PASSED,
            observed=f"{record.name} was written to {record.store}, read back and compared.",
            at=self._context.clock(),
            does_not_prove="that Binance accepts it, which the probe finds out",
            advice=" ".join([*copies.sentences(), *([remove] if copies.found else [])]),
        )
        return self.stored

    def note_source(self, path: str) -> None:
        """Remember a file from which a key was read, to look there again when the key is retired."""
        if path and path not in self._sources():
            detail = {"environment": self._context.environment.name, "path": path}
            self._context.journal.record(self._context.rotation, READ_FROM, detail)

    async def find_copies(self, credentials: Credentials) -> Copies:
        """Return the files and variables of this host that hold the API key or its secret in plain text now."""
        look = partial(copies_of, credentials, self._context.environ, self._sources())
        try:
            return await in_daemon_thread(look, SEARCH_DEADLINE)
        except TimeoutError:
            return Copies(unknown=(f"the usual files could not be read within {SEARCH_DEADLINE:.0f} s",))

    def _sources(self) -> tuple[str, ...]:
        own = self._context.environment.name
        return tuple(str(one.detail["path"]) for one in self._context.journal.events(kind=READ_FROM, environment=own))

    def refuse_known(self, credentials: Credentials) -> None:
        """Raise `WizardError` where this API key is in use: here, or in another environment."""
        fingerprint, own = credentials.name.fingerprint, self._context.environment.name
        for record in self._keys():
            if record.name.fingerprint == fingerprint and record.slot in (Slot.CURRENT, Slot.LEGACY):
                raise WizardError(
                    "This is the key that you want to replace, not the new one",
                    why=f"{record.name} is already stored as the {record.slot} key of this environment.",
                    advice="Copy the API key that Binance showed when you created the new key.",
                    code="credentials.already-stored",
                )
        if others := [name for name in self._context.journal.environments_with(fingerprint) if name != own]:
            raise WizardError(
                f"This key belongs to the environment {', '.join(others)}",
                why="Each environment has a separate key with a separate whitelist.",
                advice=f"Create a key for {own} alone and enter that one.",
                code="credentials.already-stored",
            )

    async def _keep_draft(self, pair: KeyPair, origin: str) -> None:
        await self._context.vault.recover()
        await self._context.vault.put(
            Credentials(pair.kind, _label(origin, pair.public_pem), pair.private_pem), Slot.DRAFT
        )

    def _drafts(self) -> list[KeyRecord]:
        return [key for key in self._keys() if key.slot is Slot.DRAFT and key.holding is Holding.STORED]

    def _keys(self) -> tuple[KeyRecord, ...]:
        return self._context.journal.kept_keys(self._context.environment.name)


def is_placeholder(api_key: Secret) -> bool:
    """Return whether it stands in a draft in place of an API key that is not known yet."""
    return api_key.reveal().startswith((MADE_HERE, IMPORTED))


def _label(origin: str, public: str) -> Secret:
    """Return what stands in a draft in place of the API key."""
    return Secret(f"{origin} {Secret(public).fingerprint()}")
