"""Hosts of bots: a real sshd for each, on loopback addresses, each with a home directory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.egress.lab import SSHD, Lab, start_lab


@dataclass
class BotHost:
    """One host; its bot reads `file`."""

    name: str
    home: Path
    address: str
    lab: Lab
    process: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        return self.home / "bot" / "binance.json"

    @property
    def files(self) -> list[Path]:
        return sorted(each for each in self.home.rglob("*") if each.is_file())

    @property
    def restart(self) -> tuple[str, ...]:
        """A restart that says which file it found, and never what is in it."""
        return ("sh", "-c", f"echo again >> '{self.home}/restarted'")

    def start(self) -> None:
        """Start its sshd, and wait until it lets somebody in."""
        text = (self.lab.directory / "sshd_config").read_text()
        config = self.home.with_suffix(".sshd")
        config.write_text(text.replace("ListenAddress 127.0.0.1:", f"ListenAddress {self.address}:"))
        assert SSHD
        self.process = subprocess.Popen([SSHD, "-D", "-q", "-f", config], start_new_session=True)
        words, until = [self.lab.wrapper, "-o", "BatchMode=yes", self.name, "true"], time.monotonic() + 20
        while subprocess.run(words, check=False, timeout=10, stderr=subprocess.DEVNULL).returncode:
            assert self.process.poll() is None, "sshd has ended"
            assert time.monotonic() < until, "no login works"
            time.sleep(0.05)

    def stop(self) -> None:
        """End its sshd, and with it the connections that were not there yet."""
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def kill(self) -> int:
        """Kill all that runs for connections to it, as a power cut does; return how many there were."""
        assert self.process
        doomed, parents = [self.process.pid], dict[int, int]()
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        for one in doomed:
            doomed += [child for child, parent in parents.items() if parent == one]
        for one in doomed[1:]:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        return len(doomed) - 1


def start_hosts(directory: Path, *names: str) -> dict[str, BotHost]:
    """Start a host for each name; the first one's lab has the keys of all, and its ssh knows them."""
    lab = start_lab(directory)
    lab.stop()
    hosts = {}
    for number, name in enumerate(names, 11):
        home = directory / name
        (home / "bot").mkdir(parents=True, mode=0o700)
        hosts[name] = BotHost(name, home, f"127.0.0.{number}", lab)
    sections = (lab.host(one.name).replace("HostName 127.0.0.1", f"HostName {one.address}") for one in hosts.values())
    lab.configure(*sections)
    for one in hosts.values():
        one.start()
    return hosts
