"""Other hosts, each a real sshd in a network namespace of its own, whose calls leave by an address of its own.

A namespace has nothing but its own loopback. There a gateway stands in for the host's way out: what calls the
exchange's port there leaves this machine's loopback from another address, so that the embedded exchange sees
another host.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.egress.lab import SSHD, Lab

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET."""


@dataclass
class Bot:
    """One host; `passed` is what went through it to the exchange and back."""

    name: str
    process: subprocess.Popen[bytes]
    passed: bytearray = field(default_factory=bytearray)

    @property
    def namespace(self) -> str:
        return f"/proc/{self.process.pid}/ns/net"


def are_possible() -> bool:
    """Whether this user may make network namespaces."""
    if sys.platform != "linux" or os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("nsenter")):
        return False
    tried = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], check=False, capture_output=True)
    return tried.returncode == 0


def section(lab: Lab, bot: Bot, *, key: str = "good", known: str = "known", sshd: str = "", first: str = "") -> str:
    """The bot in the client's configuration; `first` is what happens before it is connected, `sleep 1; ` perhaps."""
    daemon = f"nsenter --net={bot.namespace} {SSHD} -i -q -f {lab.directory / (sshd or 'sshd_config')}"
    command = f"/bin/sh -c '{first}exec {daemon}'"
    return f"{lab.host(bot.name, key=key, known=known)}  ProxyCommand {command}\n"


@asynccontextmanager
async def start_bots(names: Sequence[str], port: int) -> AsyncIterator[dict[str, Bot]]:
    """Start a bot for each name; its address is 127.0.1.N, counted from 1."""
    bots: dict[str, Bot] = {}
    servers: list[asyncio.Server] = []
    try:
        for number, name in enumerate(names, 1):
            bots[name] = bot = Bot(name, _hold_namespace())
            listener = await asyncio.to_thread(_listen_in, bot.namespace, port)
            servers.append(await _gateway(bot, listener, f"127.0.1.{number}", port))
        yield bots
    finally:
        for server in servers:
            server.close()
        for bot in bots.values():
            bot.process.kill()
            bot.process.wait(10)
        await asyncio.sleep(0)


def _hold_namespace() -> subprocess.Popen[bytes]:
    script = "ip link set lo up && echo ready && exec sleep 600"
    process = subprocess.Popen(["unshare", "-n", "sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


def _listen_in(namespace: str, port: int) -> socket.socket:
    """Return a socket that listens there. A socket stays where it was made, so that a thread that ends may make it."""
    made: list[socket.socket] = []

    def enter_and_listen() -> None:
        with Path(namespace).open("rb") as entrance:
            if ctypes.CDLL(None, use_errno=True).setns(entrance.fileno(), _NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "setns")
        made.append(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=enter_and_listen)
    thread.start()
    thread.join()
    return made[0]


async def _gateway(bot: Bot, listener: socket.socket, source: str, port: int) -> asyncio.Server:
    async def lead_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            out_reader, out = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
            await asyncio.gather(_pump(bot, reader, out), _pump(bot, out_reader, writer))
        writer.close()

    return await asyncio.start_server(lead_out, sock=listener)


async def _pump(bot: Bot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(4096):
            bot.passed += data
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
