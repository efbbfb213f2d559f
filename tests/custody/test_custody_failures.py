from __future__ import annotations

import configparser

import pytest
from jeepney import HeaderFields, new_error, new_method_call
from jeepney.wrappers import DBusErrorResponse
from keyring.errors import InitError, KeyringError, KeyringLocked, NoKeyringError, PasswordSetError
from secretstorage.exceptions import ItemNotFoundException, LockedException, SecretServiceNotAvailableException

from wizard.custody.errors import CustodyError, ItemUnreadableError
from wizard.custody.keyring_errors import failure
from wizard.custody.keyring_worker.protocol import Code, Op, WorkerError, answer_to

SECRET = "a-secret-that-nobody-may-see"


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    error.__cause__ = cause
    return error


class FakeMacError(Exception):
    """keyring.backends.macOS.api.Error, which does not import on other systems."""

    __module__ = "keyring.backends.macOS.api"


class FakeWindowsError(Exception):
    """pywintypes.error, which does not import on other systems."""

    __module__ = "win32ctypes.pywin32.pywintypes"


def dbus_error(name: str) -> DBusErrorResponse:
    from jeepney import DBusAddress

    call = new_method_call(DBusAddress("/o", "a.b", "c.d"), "Method")
    call.header.serial = 1
    reply = new_error(call, name, "s", (SECRET,))
    assert reply.header.fields[HeaderFields.error_name] == name
    return DBusErrorResponse(reply)


ERRORS = [
    (UnicodeEncodeError("utf-8", SECRET + "\ud800", 28, 29, SECRET), Code.NOT_TEXT),
    (KeyringLocked(SECRET), Code.LOCKED),
    (InitError(SECRET), Code.LOST),
    (NoKeyringError(SECRET), Code.NO_BACKEND),
    (WorkerError(Code.NO_BACKEND, kind="builtins.RuntimeError"), Code.NO_BACKEND),
    (ConnectionResetError(104, SECRET), Code.LOST),
    (TimeoutError(SECRET), Code.LOST),
    (configparser.MissingSectionHeaderError("file", 1, SECRET), Code.BAD_CONFIG),
    (TypeError(SECRET), Code.FAILED),
    (dbus_error("org.freedesktop.Secret.Error.IsLocked"), Code.LOCKED),
    (dbus_error("org.freedesktop.DBus.Error.NoReply"), Code.LOST),
    (dbus_error("org.freedesktop.DBus.Error.AccessDenied"), Code.FAILED),
    (raised(SecretServiceNotAvailableException(SECRET), dbus_error("org.freedesktop.DBus.Error.NoReply")), Code.LOST),
    (ItemNotFoundException(SECRET), Code.LOST),
    (LockedException(SECRET), Code.LOCKED),
]


@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_an_exception_becomes_a_code_and_loses_its_text(error: Exception, code: Code) -> None:
    answer = answer_to(error)
    assert answer["code"] == code
    assert SECRET not in repr(answer)


@pytest.mark.parametrize(
    ("error", "number", "code", "advice"),
    [
        (raised(PasswordSetError(SECRET), FakeMacError(-25308, SECRET)), -25308, "locked", "security unlock-keychain"),
        (raised(KeyringError(SECRET), FakeMacError(-25293, SECRET)), -25293, "denied", "Keychain Access"),
        (raised(KeyringLocked(SECRET), FakeMacError(-128, SECRET)), -128, "declined", "allow the access"),
        (FakeWindowsError(1312, "CredWrite", SECRET), 1312, "network-login", "Remote Desktop"),
        (FakeWindowsError(5, "CredWrite", SECRET), 5, "system", "Try again"),
    ],
)
def test_a_system_error_keeps_its_number_and_has_its_advice(
    error: Exception, number: int, code: str, advice: str
) -> None:
    told = answer_to(error)
    assert SECRET not in repr(told)
    shown = failure(Op.WRITE, told)
    assert isinstance(shown, CustodyError)
    assert shown.code == code
    assert str(number) in shown.why
    assert advice in shown.advice


def test_an_error_of_the_operating_system_is_not_taken_for_one_of_the_keychain() -> None:
    assert "number" not in answer_to(raised(KeyringError(), OSError(5, "input/output error")))


@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_every_code_is_told_with_advice(error: Exception, code: Code) -> None:
    told = answer_to(error)
    shown = failure(Op.READ, told)
    assert type(shown) is (ItemUnreadableError if code is Code.NOT_TEXT else CustodyError)
    assert shown.why
    assert shown.advice
    assert "{" not in " ".join(shown.sentences())
