"""A stand-in for a Secret Service whose dialog nobody answers: locked, and `Unlock` returns a prompt for ever.

Run as a program; prints READY once it owns the name. Should anybody run the prompt, it ends itself with status 3.
With an argument it takes that name in the process table, as GNOME keyring's own it is offered to be unlocked from here.
With the word `later` after it, it has no default collection when it is asked for the first time; with `plain` it takes
secrets without encryption alone, and ends itself with status 4 where a password comes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection

COLLECTION = "/org/freedesktop/secrets/collection/login"
ANSWERS = {
    "ReadAlias": ("o", (COLLECTION,)),
    "Get": ("v", (("b", True),)),
    "Unlock": ("aoo", ([], "/org/freedesktop/secrets/prompt/p1")),
    "OpenSession": ("vo", (("ay", b"\x02"), "/org/freedesktop/secrets/session/s1")),
    "Dismiss": (None, ()),
}


def main() -> None:
    if sys.argv[1:]:
        Path("/proc/self/comm").write_text(sys.argv[1])
    connection = open_dbus_connection("SESSION")
    bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    connection.send_and_get_reply(new_method_call(bus, "RequestName", "su", ("org.freedesktop.secrets", 4)))
    print("READY", flush=True)
    first = {"ReadAlias": ("o", ("/",))} if sys.argv[2:] == ["later"] else {}
    is_plain = sys.argv[2:] == ["plain"]
    while True:
        call = connection.receive()
        if call.header.message_type is not MessageType.method_call:
            continue
        member = call.header.fields[HeaderFields.member]
        if member == "Prompt":
            sys.exit(3)
        if member == "UnlockWithMasterPassword":
            if is_plain:
                sys.exit(4)
            continue  # as a dialog that nobody sees
        if member == "OpenSession" and is_plain:
            if call.body[0] == "plain":
                connection.send(new_method_return(call, "vo", (("s", ""), "/org/freedesktop/secrets/session/s1")))
            else:
                connection.send(new_error(call, "org.freedesktop.DBus.Error.NotSupported"))
            continue
        if member in ANSWERS:
            connection.send(new_method_return(call, *first.pop(member, ANSWERS[member])))
        else:
            connection.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))


if __name__ == "__main__":
    main()
