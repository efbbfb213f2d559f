"""A stand-in for KeePassXC: its collection is open, and it asks its user before a program may read an item.

Run as a program; prints READY once it owns the name. Its user agrees at once.
"""

from __future__ import annotations

from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_call, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection

COLLECTION = "/org/freedesktop/secrets/collection/own"
ITEM = f"{COLLECTION}/1"
PROMPT = "/org/freedesktop/secrets/prompt/p1"
SESSION = "/org/freedesktop/secrets/session/s1"
SECRET = "what the item holds"


def answer(member: str, path: str, body: tuple[Any, ...], *, is_allowed: bool) -> tuple[str | None, tuple[Any, ...]]:
    """Return the signature and the body of the answer to a call."""
    if member == "Get":
        return "v", (("b", path == ITEM and not is_allowed) if body[1] == "Locked" else ("s", "own"),)
    return {
        "ReadAlias": ("o", (COLLECTION,)),
        "SearchItems": ("ao", ([ITEM],)),
        "Unlock": ("aoo", (body[0], "/") if is_allowed or body[0] != [ITEM] else ([], PROMPT)),
        "OpenSession": ("vo", (("s", ""), SESSION)),
        "GetSecret": ("(oayays)", ((SESSION, b"", SECRET.encode(), "text/plain"),)),
        "Prompt": (None, ()),
    }[member]


def main() -> None:
    connection = open_dbus_connection("SESSION")
    bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    connection.send_and_get_reply(new_method_call(bus, "RequestName", "su", ("org.freedesktop.secrets", 4)))
    print("READY", flush=True)
    is_allowed = False
    while True:
        call = connection.receive()
        if call.header.message_type is not MessageType.method_call:
            continue
        member, path = (call.header.fields[name] for name in (HeaderFields.member, HeaderFields.path))
        if member == "OpenSession" and call.body[0] != "plain":
            connection.send(new_error(call, "org.freedesktop.DBus.Error.NotSupported"))
            continue
        if member == "Prompt":
            is_allowed = True
        signature, body = answer(member, path, call.body or ((),), is_allowed=is_allowed)
        connection.send(new_method_return(call, signature, body))
        if member == "Prompt":
            emitter = DBusAddress(PROMPT, interface="org.freedesktop.Secret.Prompt")
            connection.send(new_signal(emitter, "Completed", "bv", (False, ("ao", [ITEM]))))


if __name__ == "__main__":
    main()
