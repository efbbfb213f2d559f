"""A session bus of the wizard's own, for a login that has none.

The bus starts the keyring's program when it is asked for, and both end with this process, however it ends. What
they print goes nowhere, and they know of no display, so that no dialog can open. No other program sees the bus.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from wizard.custody.bus_directory import BusDirectory, remove_left_over
from wizard.custody.errors import BusNotStarted
from wizard.custody.worker.protocol import BUS_VARIABLE
from wizard.threads import in_abandonable_thread

_PROGRAM: Final = "dbus-daemon"
_PATIENCE: Final = 2.0
"""Seconds for the bus to end when it is asked to."""
_DISPLAYS: Final = frozenset({"DISPLAY", "WAYLAND_DISPLAY"})
# PR_SET_PDEATHSIG (prctl(2)) outlives exec; asked for too late, it would never come.
_UNTIL_THE_PARENT_ENDS: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


def can_be_started() -> bool:
    """Return whether a bus of one's own can be had on this system."""
    return sys.platform == "linux" and shutil.which(_PROGRAM) is not None


class OwnBus:
    """A running bus. Start it from the main thread: the system ends it with the thread that started it.

    Args:
        environ: Where the keyring's files are, and all else that the keyring's program is to know.

    Raises:
        BusNotStarted: it cannot be started.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        # A runtime directory of its own, so that no other login's keyring is found there in its place.
        remove_left_over()
        self._directory = BusDirectory()
        runtime = str(self._directory.path)
        self.address = f"unix:path={runtime}/bus"
        known = {name: value for name, value in environ.items() if name not in _DISPLAYS}
        self.environ: Mapping[str, str] = {**known, "XDG_RUNTIME_DIR": runtime, BUS_VARIABLE: self.address}
        self._ready, tell = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-c", _UNTIL_THE_PARENT_ENDS, str(os.getpid())),
                    *(_PROGRAM, "--session", "--nofork", "--nopidfile"),
                    *(f"--address={self.address}", f"--print-address={tell}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self.environ,
                pass_fds=(tell,),
                start_new_session=True,
            )
        except OSError as error:
            self._forget()
            raise _not_started(f"The system said: {error.strerror}.") from None
        finally:
            os.close(tell)

    async def ready(self) -> None:
        """Return once it accepts connections.

        Raises:
            BusNotStarted: it ended instead.
        """
        if not await in_abandonable_thread(lambda: os.read(self._ready, 1)):
            self.close()
            raise _not_started(f"{_PROGRAM} ended at once.")

    def close(self) -> None:
        """End it, and with it the keyring's program that it started."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _forget(self) -> None:
        os.close(self._ready)
        self._directory.remove()


def _not_started(why: str) -> BusNotStarted:
    return BusNotStarted(
        "A session bus of the wizard's own cannot be started",
        why=why,
        advice="Install dbus (Debian: `apt-get install dbus gnome-keyring`), or choose the encrypted file.",
    )
