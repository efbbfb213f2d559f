"""The journal for those who only read it: no lock, no keyring, and no HTTP library is loaded."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from wizard.clock import Clock
from wizard.rotation.database import JournalUnusable, open_database
from wizard.rotation.journal import Journal
from wizard.settings import Paths


@contextmanager
def read_journal(paths: Paths, clock: Clock = time.time) -> Iterator[Journal]:
    """Open the journal as long as the block runs; an empty one is made where there is none.

    A wizard may write to it in the meantime: every read sees whole transactions.

    Raises:
        wizard.errors.WizardError: it cannot be opened, or not be read to the end.
    """
    if not paths.journal.exists():
        paths.create()
    journal = Journal(open_database(paths.journal), clock)
    try:
        yield journal
    except sqlite3.Error as error:
        raise JournalUnusable(
            f"The journal {paths.journal} cannot be read",
            why=f"The system said: {error}.",
            advice="Nothing was changed. Check the disk; keep the file, and restore it from a backup.",
        ) from None
    finally:
        journal.close()
