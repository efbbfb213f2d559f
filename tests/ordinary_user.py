"""What an ordinary user sees, where the tests run as root, whom no right of a file stops."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDINARY = 65534
"""Nobody, who owns nothing."""
only_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become an ordinary user")


@contextmanager
def ordinary_python() -> Iterator[str]:
    """Yield an interpreter that an ordinary user may run, with the packages of this one, or skip the test."""
    base = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        made = base and not subprocess.run([base, "-m", "venv", "--without-pip", directory], check=False).returncode
        site = Path(directory, "lib", f"python{version}", "site-packages")
        if not made or not site.is_dir():
            pytest.skip(f"the system has no Python {version} that an ordinary user may run")
        (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
        python = f"{directory}/bin/python3"
        trial = as_ordinary(python, "-c", "import keyring, wizard.custody")
        if subprocess.run(trial, cwd=ROOT, check=False, capture_output=True).returncode:
            pytest.skip("an ordinary user cannot read this checkout")
        yield python


def as_ordinary(*command: str) -> list[str]:
    """Return the command that runs another one as an ordinary user."""
    return ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--", *command]
