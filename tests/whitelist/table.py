"""Inputs that people paste, what is said about each, and the text that fixes it.

Run as a program it checks itself with nothing but the standard library, so that every interpreter
on the machine can be asked whether it judges the same: `python tests/whitelist/table.py`.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from ipaddress import IPv4Address
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from wizard.whitelist.entries import parse
from wizard.whitelist.findings import ListContext
from wizard.whitelist.validation import CheckedEntry, Validation, validate

EGRESS = (IPv4Address("93.184.1.42"), "this host")

# One entry → the severity and code of its only finding, and the suggestion: "" removes the entry, None is none.
ENTRIES: list[tuple[str, str, str, str | None]] = [
    ("01.2.3.4", "error", "leading-zero", "1.2.3.4"),
    ("1.2.3.04", "error", "leading-zero", "1.2.3.4"),
    ("010.8.8.8", "error", "private", "93.184.1.42"),
    ("1.2.3.00", "error", "leading-zero", "1.2.3.0"),
    ("001.002.003.004/32", "error", "leading-zero", "1.2.3.4/32"),
    ("1.2.3.0999", "error", "leading-zero", None),
    ("0.0.0.0/0", "error", "wildcard", "93.184.1.42"),
    ("/0", "error", "wildcard", "93.184.1.42"),
    ("0/0", "error", "wildcard", "93.184.1.42"),
    ("::/0", "error", "wildcard", "93.184.1.42"),
    ("*", "error", "wildcard", "93.184.1.42"),
    ("＊", "error", "wildcard", "93.184.1.42"),
    ("any", "error", "wildcard", "93.184.1.42"),
    ("ALL", "error", "wildcard", "93.184.1.42"),
    ("*.*.*.*", "error", "wildcard", "93.184.1.42"),
    ("1.2.*.*", "error", "wildcard", "93.184.1.42"),
    ("1.2.3.4/0", "error", "wildcard", "1.2.3.4"),
    ("1.2.3.*", "error", "wildcard", "1.2.3.0/24"),
    ("2001:db8::1", "error", "ipv6", "93.184.1.42"),
    ("2001:db8::/32", "error", "ipv6", "93.184.1.42"),
    ("[2001:db8::1]", "error", "ipv6", "93.184.1.42"),
    ("[2001:db8::1]:443", "error", "ipv6", "93.184.1.42"),
    ("fe80::1%eth0", "error", "ipv6", "93.184.1.42"),
    ("::1", "error", "ipv6", "93.184.1.42"),
    ("::ffff:5.6.7.8", "error", "ipv4-mapped", "5.6.7.8"),
    ("::ffff:506:708", "error", "ipv4-mapped", "5.6.7.8"),
    ("5.6.7.8/24", "error", "host-bits", "5.6.7.8"),
    ("5.6.7.8/8", "error", "host-bits", "5.6.7.8"),
    ("5.6.7.9/31", "error", "host-bits", "5.6.7.9"),
    ("5.6.7.8/33", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8/", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.0/024", "error", "bad-prefix", "5.6.7.0/24"),
    ("5.6.7.0/+24", "error", "bad-prefix", "5.6.7.0"),
    ("5.6.7.0/255.255.255.0", "error", "netmask", "5.6.7.0/24"),
    ("5.6.7.0/0.0.0.255", "error", "netmask", "5.6.7.0/24"),
    ("5.6.7.8/255.255.255.0", "error", "netmask", "5.6.7.8"),
    ("5.6.7.8/255.255.255.255", "error", "netmask", "5.6.7.8"),
    ("5.6.7.8/0.0.0.0", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8/255.0.255.0", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8/24/24", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8/" + "0" * 5000 + "24", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8:443", "error", "port", "5.6.7.8"),
    ("5.6.7.8：443", "error", "port", "5.6.7.8"),
    ("https://5.6.7.8/", "error", "url", "5.6.7.8"),
    ("http://5.6.7.8:8080/path", "error", "url", "5.6.7.8"),
    ("https://user:word@5.6.7.8", "error", "url", "5.6.7.8"),
    ("https://bot.example.com/", "error", "url", None),
    ("5.6.7.8-11", "error", "range", "5.6.7.8,5.6.7.9,5.6.7.10,5.6.7.11"),
    ("5.6.7.8-5.6.7.9", "error", "range", "5.6.7.8,5.6.7.9"),
    ("5.6.7.8–5.6.7.9", "error", "range", "5.6.7.8,5.6.7.9"),
    ("5.6.7.0-5.6.7.255", "error", "range", "5.6.7.0/24"),
    ("5.6.7.9-5.6.7.8", "error", "range", None),
    ("5.6.7.8-x", "error", "malformed", None),
    ("5.6.7.8-256", "error", "range", None),
    ("0.0.0.1-255.255.255.254", "error", "too-wide", "93.184.1.42"),
    ("5.6.7.256", "error", "malformed", None),
    ("5.6.7.99999999999", "error", "malformed", None),
    ("5.6.7", "error", "malformed", None),
    ("5.6.7.8.9", "error", "malformed", None),
    ("84281096", "error", "malformed", None),
    ("0x05060708", "error", "malformed", None),
    ("bot.example.com", "error", "host-name", None),
    ("localhost", "error", "malformed", None),
    ("5.6.7.8.", "error", "trailing-dot", "5.6.7.8"),
    ("5..7.8", "error", "malformed", None),
    ("-5.6.7.8", "error", "malformed", None),
    ("+5.6.7.8", "error", "malformed", None),
    ("5.6.7.²", "error", "malformed", None),
    ("5.6.7.①", "error", "malformed", None),
    ("٥.٦.٧.٨", "error", "malformed", None),
    ("5.6.7.8\x00", "error", "malformed", None),
    ("\u202e5.6.7.8", "error", "malformed", None),
    ("5.6.7.8/２４x", "error", "bad-prefix", "5.6.7.8"),
    ("10.0.0.1", "error", "private", "93.184.1.42"),
    ("172.16.0.1", "error", "private", "93.184.1.42"),
    ("192.168.1.0/24", "error", "private", "93.184.1.42"),
    ("100.64.1.2", "error", "cgnat", "93.184.1.42"),
    ("127.0.0.1", "error", "loopback", "93.184.1.42"),
    ("169.254.169.254", "error", "link-local", "93.184.1.42"),
    ("224.0.0.1", "error", "multicast", "93.184.1.42"),
    ("255.255.255.255", "error", "reserved", "93.184.1.42"),
    ("192.88.99.1", "error", "reserved", "93.184.1.42"),
    ("192.0.0.8", "error", "reserved", "93.184.1.42"),
    ("0.0.0.0", "error", "wildcard", "93.184.1.42"),
    ("198.18.0.5", "error", "benchmarking", "93.184.1.42"),
    ("203.0.113.42", "warning", "documentation", None),
    ("8.0.0.0/7", "error", "too-wide", None),
    ("93.184.0.0/23", "error", "too-wide", "93.184.1.42"),
    ("93.184.4.0/23", "error", "too-wide", None),
    ("93.184.0.0/16", "error", "too-wide", "93.184.1.42"),
    ("5.6.7.0/24", "warning", "block", None),
    ("5.6.7.0/30", "warning", "block", "5.6.7.0,5.6.7.1,5.6.7.2,5.6.7.3"),
    ("5.6.7.8/31", "warning", "block", "5.6.7.8,5.6.7.9"),
    ("５．６．７．８", "error", "lookalike", "5.6.7.8"),
    ("5。6。7。8", "error", "lookalike", "5.6.7.8"),
    ("5.6.7.0／24", "error", "lookalike", "5.6.7.0/24"),
    ("１０.0.0.1", "error", "private", "93.184.1.42"),
    ("５.6.7.8:443", "error", "port", "5.6.7.8"),
    ("\ufeff5.6.7.8", "error", "invisible", "5.6.7.8"),
    ("5.6.7.8\u200b", "error", "invisible", "5.6.7.8"),
    ("5.6.\u200b7.8", "error", "invisible", "5.6.7.8"),
    ("5.6.7.8\xad", "error", "invisible", "5.6.7.8"),
    ("\u20665.6.7.8\u2069", "error", "invisible", "5.6.7.8"),
    ("5.6.7.8 - 5.6.7.9", "error", "range", "5.6.7.8,5.6.7.9"),
    ("5.6.7.8—5.6.7.9", "error", "range", "5.6.7.8,5.6.7.9"),
    ("5.6.7.0 / 24", "error", "blanks", "5.6.7.0/24"),
    ("5.6.7.0 /24", "error", "blanks", "5.6.7.0/24"),
    ("5.6.7.8 / 24", "error", "host-bits", "5.6.7.8"),
    ("root@5.6.7.8", "error", "url", "5.6.7.8"),
    ("ssh://root@5.6.7.8:22", "error", "url", "5.6.7.8"),
    ("wss://5.6.7.8/ws", "error", "url", "5.6.7.8"),
    ("-", "error", "dash", None),
    ("\u2014", "error", "dash", None),
    ('"5.6.7.8 - 5.6.7.9"', "error", "range", "5.6.7.8,5.6.7.9"),
    ("(5.6.7.8 - 9)", "error", "range", "5.6.7.8,5.6.7.9"),
    ("5.6.7.8\xa0-\xa05.6.7.9", "error", "range", "5.6.7.8,5.6.7.9"),
    ("5.6.7.0\u3000/24", "error", "blanks", "5.6.7.0/24"),
    ("https://5.6.7.0/24", "error", "url", "5.6.7.0"),
    ("https://u@5.6.7.8:443/x@y", "error", "url", "5.6.7.8"),
    ("https://u@5.6.7.8@5.6.7.9/", "error", "malformed", None),
    ("•", "error", "bullet", ""),
    ("5.6.7.8...", "error", "trailing-dot", "5.6.7.8"),
    ("5.6.7.0/24.", "error", "bad-prefix", "5.6.7.0"),
    ("bot-1", "error", "malformed", None),
    ("api.binance.com", "error", "host-name", None),
    ("5.6.7.8x", "error", "malformed", None),
    ("5.6.7.8/a", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8/-1", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8/032", "error", "bad-prefix", "5.6.7.8"),
    ("5.6.7.8\32", "error", "malformed", None),
    ("::ffff:10.0.0.1", "error", "private", "93.184.1.42"),
    ("::5.6.7.8", "error", "ipv6", "93.184.1.42"),
    ("64:ff9b::5.6.7.8", "error", "ipv6", "93.184.1.42"),
    ("2001:db8:0:0:0:0:0:1", "error", "ipv6", "93.184.1.42"),
    ("192.0.2.1", "warning", "documentation", None),
    ("192.175.48.1", "fine", "", None),
    ("1.0.0.1", "fine", "", None),
    ("223.255.255.255", "fine", "", None),
    ("11.0.0.0", "fine", "", None),
    ("100.63.255.255", "fine", "", None),
    ("100.128.0.0", "fine", "", None),
    ("172.15.255.255", "fine", "", None),
    ("172.32.0.0", "fine", "", None),
    ("198.17.255.255", "fine", "", None),
    ("198.20.0.0", "fine", "", None),
    ("192.0.1.0", "fine", "", None),
    ("9.255.255.255", "fine", "", None),
    ("5.6.7.0", "fine", "", None),
    ("5.6.7.255", "fine", "", None),
    ("172.31.255.255", "error", "private", "93.184.1.42"),
    ("10.255.255.255/32", "error", "private", "93.184.1.42"),
    ("100.127.255.255", "error", "cgnat", "93.184.1.42"),
    ("192.0.0.170", "error", "reserved", "93.184.1.42"),
    ("239.255.255.250", "error", "multicast", "93.184.1.42"),
    ("240.0.0.1", "error", "reserved", "93.184.1.42"),
    ("0.1.2.3", "error", "this-network", "93.184.1.42"),
]

# Texts in which nothing is wrong → the networks that they name.
FINE: list[tuple[str, list[str]]] = [
    ("5.6.7.8", ["5.6.7.8/32"]),
    ("5.6.7.8/32", ["5.6.7.8/32"]),
    ('"5.6.7.8"', ["5.6.7.8/32"]),
    ("[5.6.7.8]", ["5.6.7.8/32"]),
    ("“5.6.7.8”", ["5.6.7.8/32"]),
    ("5.6.7.8 # the vps, in Frankfurt", ["5.6.7.8/32"]),
    ("# only\n5.6.7.8", ["5.6.7.8/32"]),
    ("5.6.7.8, 5.6.7.9", ["5.6.7.8/32", "5.6.7.9/32"]),
    ("5.6.7.8; 5.6.7.9", ["5.6.7.8/32", "5.6.7.9/32"]),
    ("5.6.7.8，5.6.7.9、5.6.7.10", ["5.6.7.8/32", "5.6.7.9/32", "5.6.7.10/32"]),
    ("5.6.7.8\xa05.6.7.9\u30005.6.7.10", ["5.6.7.8/32", "5.6.7.9/32", "5.6.7.10/32"]),
    ("5.6.7.8\r\n\r\n5.6.7.9\r\n", ["5.6.7.8/32", "5.6.7.9/32"]),
    ("5.6.7.8,\n5.6.7.9", ["5.6.7.8/32", "5.6.7.9/32"]),
    ('["5.6.7.8", "5.6.7.9"]', ["5.6.7.8/32", "5.6.7.9/32"]),
    ("[ 5.6.7.8 ]", ["5.6.7.8/32"]),
]


def judged(text: str, *required: tuple[IPv4Address, str]) -> Validation:
    return validate(parse(text), ListContext(must_cover=dict(required)))


def told(entry: CheckedEntry) -> tuple[str, str, str | None]:
    """What the table says of an entry: severity, code and suggestion of its one finding."""
    if not entry.findings:
        return "fine", "", None
    (finding,) = entry.findings
    return finding.severity.value, finding.code, finding.suggestion


def main() -> None:
    said = []
    for text, *expected in ENTRIES:
        validation = judged(text, EGRESS)
        (entry,) = validation.entries
        if told(entry) != tuple(expected):
            sys.exit(f"{text!a}: {told(entry)} instead of {expected}")
        said += [validation.sentence(), *(finding.message for finding in entry.findings)]
    for text, networks in FINE:
        validation = judged(text)
        if [str(network) for network in validation.networks] != networks or not validation.is_valid:
            sys.exit(f"{text!a}: {validation.networks} instead of {networks}")
        said.append(validation.sentence())
    digest = hashlib.sha256("\n".join(said).encode("utf-8", "replace")).hexdigest()
    print(len(ENTRIES) + len(FINE), digest[:16], platform.python_version())


if __name__ == "__main__":
    main()
