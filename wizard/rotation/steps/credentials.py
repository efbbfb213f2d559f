"""Step 3: the new credentials, into `pending` and read back.

An Ed25519 key pair made here goes to the keyring before its public half is shown: if the wizard
dies while the user is on the exchange's page, the private key of the new API key is not lost.
"""

from __future__ import annotations

from wizard.credentials import Credentials, KeyKind
from wizard.errors import WizardError
from wizard.exchange.keys import generate_ed25519, public_pem
from wizard.rotation.context import Context
from wizard.rotation.findings import STORAGE
from wizard.rotation.model import Finding, KeyRecord, Outcome, Slot
from wizard.secret import Secret


class DraftMissing(WizardError):
    """The key pair made here is no longer in the keyring."""


class AlreadyStored(WizardError):
    """The API key is one that this environment has had before."""


class CredentialsStep:
    """Stores what the exchange's page gave."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def pending(self) -> KeyRecord | None:
        """The new key, if it is stored and was read back."""
        return self._key(Slot.PENDING)

    async def public_key(self) -> str:
        """Return the public half of the pair that waits for its API key, made now if there is none."""
        found = await self._pair()
        if found is None:
            return await self._make_pair()
        try:
            return public_pem(found.signing)
        finally:
            found.wipe()

    async def store_hmac(self, api_key: Secret, secret: Secret) -> Finding:
        """Store an API key with its HMAC secret."""
        return await self._store_pending(Credentials(KeyKind.HMAC, api_key, secret))

    async def store_ed25519(self, api_key: Secret) -> Finding:
        """Store an API key with the private key that was made here for it.

        Raises:
            DraftMissing: the key pair is not in the keyring any more.
        """
        found = await self._pair()
        if found is None:
            raise DraftMissing(
                "The private key made for this API key is not in the keyring any more",
                advice="Delete this API key on the exchange's page and start this step again with a new pair.",
            )
        finding = await self._store_pending(Credentials(KeyKind.ED25519, api_key, found.signing))
        if draft := self._key(Slot.DRAFT):
            await self._context.keeping.purge(draft, "the pair is stored together with its API key")
        return finding

    async def swap(self) -> Finding:
        """Store the pending key again with API key and secret exchanged."""
        pending = self.pending
        found = await self._context.keeping.fetch(pending) if pending else None
        if pending is None or found is None:
            raise WizardError("There is no stored key to swap", advice="Enter the key and its secret again.")
        finding = await self._store_pending(Credentials(found.kind, found.signing, found.api_key))
        # What was shown as the API key's last characters belonged to the secret.
        self._context.journal.hide_last_four(pending)
        return finding

    async def _store_pending(self, credentials: Credentials) -> Finding:
        await self._context.keeping.recover()
        self._refuse_known(credentials)
        whitelist = self._context.journal.whitelist_of(self._context.rotation)
        record = await self._context.keeping.store(credentials, Slot.PENDING, whitelist=whitelist)
        return Finding(
            subject=STORAGE,
            outcome=Outcome.PASSED,
            observed=f"{record.name} was written to {record.store}, read back and is the same.",
            at=self._context.clock(),
            does_not_prove="that the exchange accepts it; the probe finds out",
        )

    def _refuse_known(self, credentials: Credentials) -> None:
        fingerprint, own = credentials.name.fingerprint, self._context.environment.name
        for record in self._context.journal.keys(own):
            if record.name.fingerprint == fingerprint and record.slot in (Slot.CURRENT, Slot.LEGACY):
                raise AlreadyStored(
                    "This is the key that is to be replaced, not the new one",
                    why=f"{record.name} is stored already as the {record.slot} key of this environment.",
                    advice="Copy the API key that the exchange's page showed when the new key was created.",
                )
        if others := [name for name in self._context.journal.environments_with(fingerprint) if name != own]:
            raise AlreadyStored(
                f"This key belongs to another environment: {', '.join(others)}",
                why="A key is never shared between environments: each has its own, with its own whitelist.",
                advice=f"Create a key for {own} alone and enter that one.",
            )

    async def _pair(self) -> Credentials | None:
        """Return the pair made here: as a draft, or within the pending key when its API key was mistyped."""
        for slot in (Slot.DRAFT, Slot.PENDING):
            record = self._key(slot)
            if record is not None and record.kind is KeyKind.ED25519:
                return await self._context.keeping.fetch(record)
        return None

    async def _make_pair(self) -> str:
        pair = generate_ed25519()
        label = Secret(f"public key {Secret(pair.public_pem).fingerprint()}")
        await self._context.keeping.recover()
        await self._context.keeping.store(Credentials(KeyKind.ED25519, label, pair.private_pem), Slot.DRAFT)
        return pair.public_pem

    def _key(self, slot: Slot) -> KeyRecord | None:
        return self._context.journal.key_in(self._context.environment.name, slot)
