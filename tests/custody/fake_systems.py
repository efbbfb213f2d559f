"""keyring's own classes for Windows and macOS over stand-ins for those systems' functions.

What is faked are the system calls alone; from the backend's class up everything is the real code, called
in this process, because a child would not see the stand-ins.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from wizard.core.secret import Secret
from wizard.custody.keyring import KeyringStore
from wizard.custody.keyring_errors import failure
from wizard.custody.keyring_process import Facts, KeyringProcess
from wizard.custody.keyring_worker.main import respond
from wizard.custody.keyring_worker.protocol import Code, Op

WINDOWS = "keyring.backends.Windows.WinVaultKeyring"
MACOS = "keyring.backends.macOS.Keyring"


class InProcess(KeyringProcess):
    """Does in this process what the worker does in its own, over the same JSON."""

    async def call(self, operation: Op, *, value: Secret | None = None, **names: str) -> Facts:
        secret = {} if value is None else {"value": value.reveal()}
        request = json.loads(json.dumps({"op": operation, **names, **secret}))
        answer: Facts = json.loads(json.dumps(respond(request)))
        if answer["code"] != Code.OK:
            raise failure(operation, answer)
        return {**answer, "value": Secret(answer["value"])} if answer.get("value") is not None else answer


def in_process_store(backend: str) -> KeyringStore:
    return KeyringStore(backend, "a keyring over stand-ins", InProcess(os.environ))


class FakeWindows:
    """CredRead, CredWrite and CredDelete as wincred.h has them; `refusal` is the error of every call, if set."""

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_ENTERPRISE = 3

    class error(Exception):  # noqa: N801 - pywintypes' own name
        __module__ = "win32ctypes.pywin32.pywintypes"

        def __init__(self, number: int, name: str) -> None:
            super().__init__(number, name, "text of the system")
            self.winerror, self.funcname = number, name

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.refusal = 0

    def CredRead(self, Type: int, TargetName: str) -> dict[str, Any]:  # noqa: N802, N803
        self._enter("CredRead")
        if TargetName not in self.items:
            raise self.error(1168, "CredRead")
        return self.items[TargetName]

    def CredWrite(self, credential: dict[str, Any], flags: int) -> None:  # noqa: N802
        self._enter("CredWrite")
        blob = credential["CredentialBlob"].encode("utf-16-le")
        if len(blob) > 2560:
            raise self.error(1783, "CredWrite")
        self.items[credential["TargetName"]] = {**credential, "CredentialBlob": blob}

    def CredDelete(self, Type: int, TargetName: str) -> None:  # noqa: N802, N803
        self._enter("CredDelete")
        if self.items.pop(TargetName, None) is None:
            raise self.error(1168, "CredDelete")

    def _enter(self, name: str) -> None:
        if self.refusal:
            raise self.error(self.refusal, name)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let keyring's Windows module import these."""
        top, below = ModuleType("win32ctypes"), ModuleType("win32ctypes.pywin32")
        below.win32cred = SimpleNamespace(  # type: ignore[attr-defined]
            __name__="win32cred",
            CRED_TYPE_GENERIC=self.CRED_TYPE_GENERIC,
            CRED_PERSIST_ENTERPRISE=self.CRED_PERSIST_ENTERPRISE,
            CredRead=self.CredRead,
            CredWrite=self.CredWrite,
            CredDelete=self.CredDelete,
        )
        below.pywintypes = SimpleNamespace(error=self.error)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "win32ctypes", top)
        monkeypatch.setitem(sys.modules, "win32ctypes.pywin32", below)
        module = importlib.import_module("keyring.backends.Windows")
        importlib.reload(module)


class FakeKeychain:
    """The functions of keyring.backends.macOS.api; `refusal` is the OSStatus of every call, if set."""

    class Error(Exception):
        __module__ = "keyring.backends.macOS.api"

    class NotFound(Error):
        __module__ = "keyring.backends.macOS.api"

    class KeychainDenied(Error):
        __module__ = "keyring.backends.macOS.api"

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}
        self.refusal = 0

    def set_generic_password(self, keychain: str | None, service: str, username: str, password: str) -> None:
        self._enter()
        self.items[service, username] = password.partition("\0")[0]

    def find_generic_password(self, keychain: str | None, service: str, username: str) -> str:
        self._enter()
        if (service, username) not in self.items:
            raise self.NotFound(-25300, "text of the system")
        return self.items[service, username]

    def delete_generic_password(self, keychain: str | None, service: str, username: str) -> None:
        self._enter()
        if self.items.pop((service, username), None) is None:
            raise self.NotFound(-25300, "text of the system")

    def _enter(self) -> None:
        if self.refusal:
            kind = self.KeychainDenied if self.refusal == -128 else self.Error
            raise kind(self.refusal, "text of the system")

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put these in the place of the module that loads Apple's Security framework."""
        module = importlib.import_module("keyring.backends.macOS")
        monkeypatch.setattr(module, "api", self, raising=False)
        monkeypatch.setattr(module, "platform", SimpleNamespace(system=lambda: "Darwin"))
