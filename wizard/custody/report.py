"""What was found out about the keyring, for the home screen and the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wizard.custody.backends import Judgement, first_secure
from wizard.custody.errors import CustodyError
from wizard.custody.providers import collection_name, provider_name
from wizard.custody.remedies import Service
from wizard.custody.worker.protocol import SECRET_SERVICE_BACKENDS, Origin


@dataclass(frozen=True, slots=True)
class Choice:
    """What the keyring library would use here, and why."""

    origin: Origin
    place: str
    """The variable or the file that names it; empty where the library's own order decides."""
    backends: tuple[Judgement, ...]
    """In order of use; more than one where the library would chain them."""
    fault: str = ""
    """The error with which a named backend does not load here; else empty."""

    @property
    def pinned(self) -> Judgement | None:
        """The one backend that the wizard would use; None where none may hold a secret."""
        return first_secure(self.backends)


@dataclass(frozen=True, slots=True)
class KeyringReport:
    """The keyring as it was found."""

    outcome: Judgement | CustodyError
    """The backend that can be used, or why none can."""
    choice: Choice | None
    """What the library would use; None where the question was not answered."""
    service: Service | None
    """The Secret Service; None where it did not answer, and on macOS and Windows, which have none."""
    found_bus: str
    """The bus address that the login was not told about and that is used all the same; else empty."""
    environ: Mapping[str, str] = field(repr=False)
    """The environment in which the keyring was looked for, `found_bus` included."""

    @property
    def problem(self) -> CustodyError | None:
        """Why the keyring cannot be used; None where it can."""
        return self.outcome if isinstance(self.outcome, CustodyError) else None

    @property
    def label(self) -> str:
        """The keyring in words, or what is wrong with it."""
        if isinstance(self.outcome, CustodyError):
            return self.outcome.what
        if self.service is None or self.outcome.backend not in SECRET_SERVICE_BACKENDS:
            return self.outcome.reason
        bus = f", over the bus at {self.found_bus.removeprefix('unix:path=')}" if self.found_bus else ""
        provider, collection = provider_name(self.service.provider), collection_name(self.service.collection)
        return f"{provider}, collection {collection}, unlocked{bus}"
