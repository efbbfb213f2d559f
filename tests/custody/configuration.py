"""What a person may have set up for the keyring library, good and bad."""

from __future__ import annotations

from pathlib import Path

_PLUGIN = """
import os, sys
from keyring.backend import KeyringBackend

print("hello")
os.system("echo hello; echo hello >&2")
try:
    input("password? ")
except EOFError:
    open(__file__.replace("stranger.py", "asked"), "w").close()

class Keyring(KeyringBackend):
    priority = {priority}

    def get_password(self, service, username):
        return None

    def set_password(self, service, username, password):
        open(__file__.replace("stranger.py", "written"), "w").close()
"""


def configure(login: dict[str, str], text: str) -> Path:
    """Write keyring's configuration file for a login, and return its path."""
    file = Path(login["XDG_CONFIG_HOME"], "python_keyring", "keyringrc.cfg")
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def install_plugin(login: dict[str, str], priority: float) -> Path:
    """Install a backend `stranger.Keyring` that prints and asks, and return the directory it leaves traces in."""
    directory = Path(login["HOME"], "plugins")
    distribution = directory / "stranger-1.dist-info"
    distribution.mkdir(parents=True)
    (directory / "stranger.py").write_text(_PLUGIN.replace("{priority}", str(priority)))
    (distribution / "METADATA").write_text("Name: stranger\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text("[keyring.backends]\nstranger = stranger\n")
    configure(login, f"[backend]\nkeyring-path={directory}\n")
    return directory
