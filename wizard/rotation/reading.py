"""The journal for those who only read it: no lock, no keyring, and no HTTP library is loaded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from wizard.core.clock import Clock
from wizard.core.settings import Paths
from wizard.rotation.database import read_database
from wizard.rotation.journal import Journal


@contextmanager
def read_journal(paths: Paths, clock: Clock = time.time) -> Iterator[Journal]:
    """Open the journal as long as the block runs, and write nothing; where there is none, an empty one is read.

    A wizard may write to it in the meantime: every read sees whole transactions.

    Raises:
        wizard.core.errors.WizardError: it cannot be opened, or not be read to the end.
    """
    with closing(Journal(read_database(paths.journal), clock)) as journal:
        yield journal
