"""A disk that is full when a test wants it to be."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a disk of its own, or skip the test."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", place]
        if (
            os.name != "posix"
            or os.geteuid() != 0
            or subprocess.run(mount, check=False, capture_output=True).returncode
        ):
            pytest.skip("only root can mount a disk, where the system lets it")
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def fill_up(place: Path) -> Path:
    """Leave no room on the disk; return what to remove to have some again."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 512, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast
