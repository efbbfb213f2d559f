"""Why a text is not an IPv4 address or block, and what was probably meant.

Each rule looks at the text in plain characters and answers with a finding or passes it on; the
first answer counts. A suggestion is only ever offered: nothing here changes what an entry allows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, summarize_address_range
from itertools import pairwise

from wizard.core.addresses import read_ipv4
from wizard.core.key_shape import holds_key
from wizard.core.text import printable
from wizard.whitelist.entries import (
    ADDRESS,
    BLANKS,
    INVISIBLE,
    MASKS,
    TO,
    TO_WORDS,
    Entry,
    foreign,
    parse,
    plain,
    read_network,
)
from wizard.whitelist.findings import EntryContext, ListFinding, Severity, error
from wizard.whitelist.rendering import written
from wizard.whitelist.scope import NARROWEST_TOO_WIDE, is_usable, open_to_all, scope_findings

_SHOWN = 60
"""How many characters of a foreign text a message repeats."""
PREFIX = re.compile(r"[0-9]|[12][0-9]|3[0-2]")
_WITHOUT_BLANKS = str.maketrans(dict.fromkeys(BLANKS))
_BULLETS = frozenset("+•·●▪◦‣")
_LOGIN = re.compile(r"[^@]*@(?P<host>[0-9.]+)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?@]*@)?(?P<host>[^/?:@]*)(?P<rest>(?::[^/?@]*)?(?:[/?].*)?)")
_BRACKETED = re.compile(r"[0-9A-Fa-f:.]+|\[[0-9A-Fa-f:.]+\]?(?::[0-9]{0,5})?")
_WILDCARD_WORDS = frozenset({"*", "any", "all", "/0", "0/0", "::/0"})
_PORT = re.compile(r"\[?(?P<host>[0-9.]+(?:/[0-9]{1,2})?)\]?:[0-9]{0,5}(?:/(?:tcp|udp))?", re.IGNORECASE)
_RANGE = re.compile(rf"(?P<first>{ADDRESS})(?:{TO}|{TO_WORDS})\.?(?P<last>[0-9][0-9.]*)")
_MASK_BEHIND = re.compile(rf"({ADDRESS})[{BLANKS}]+(?:(?:net)?mask:?[{BLANKS}]+)?([0-9.]+)")
_IN_BRACKETS = re.compile(r"(?P<start>(?:[0-9]{1,3}\.){3})[\[{(](?P<ends>[^\]})]+)[\]})]")
_FURTHER = re.compile(
    r"(?P<start>(?:[0-9]{1,3}\.){3})(?P<ends>[0-9]{1,3}(?:(?:[,;]\.?[0-9]{1,3})+|(?:/[0-9]{1,3}){2,}))"
)
_PAIR = re.compile(rf"({ADDRESS})[/&+]({ADDRESS})")
_ZEROS_BEFORE = re.compile(r"0+(?P<length>[1-9]|[12][0-9]|3[0-2])")
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]")
_HOST_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z][A-Za-z0-9-]*\.?")


def misspelling(text: str, context: EntryContext) -> ListFinding:
    """Return what is wrong with an entry that is not written as an address or a block."""
    spelled = plain(text)
    behind = _MASK_BEHIND.fullmatch(spelled)
    meant = "/".join(behind.groups()) if behind else spelled.translate(_WITHOUT_BLANKS)
    if read_network(meant):
        return _without_errors(_lookalike(text, meant), context)
    found = (rule(meant, context) for rule in _RULES)
    finding = next((finding for finding in found if finding), None)
    return _without_errors(finding, context) if finding else _malformed(meant)


def _without_errors(finding: ListFinding, context: EntryContext) -> ListFinding:
    """Return a finding whose suggestion has no error itself: what is wrong with that is said at once instead."""
    suggested = parse(finding.suggestion or "")
    for each in suggested:
        if each.network is None:  # it is the only one: several are addresses and blocks each
            inner = misspelling(each.text, context)
            return replace(finding, suggestion=inner.suggestion, alternative=inner.alternative, is_safe=False)
    said = [each for entry in suggested if entry.network for each in scope_findings(entry.network, context)]
    wrong = [each for each in said if each.severity is Severity.ERROR]
    if wrong:
        return next((each for each in wrong if each.code == "too-wide"), wrong[0])
    other = read_network(finding.alternative or "")
    return finding if other and is_usable(other, context.rules) else replace(finding, alternative=None)


def _lookalike(text: str, meant: str) -> ListFinding:
    """Say which characters have to be replaced for the text to be the address that one reads."""
    if any(character in BLANKS for character in text):
        return error("blanks", f"{meant} is written with spaces inside. Remove them.", meant, is_safe=True)
    if hidden := next((character for character in text if character in INVISIBLE), None):
        what = f"{meant} has invisible characters: {foreign(hidden)}. Binance would not accept it."
        return error("invisible", what, meant, is_safe=True)
    name = foreign(text)
    what = f"{_shown(text)} has a character that only looks right: {name}."
    return error("lookalike", f"{what} Write {meant}.", meant, is_safe=True)


def _strange_character(meant: str, _: EntryContext) -> ListFinding | None:
    name = foreign(meant)
    if name is None:
        return None
    return error("malformed", f"{_shown(meant)} contains {name}. Type the address again with the digits 0 to 9.")


def _url(meant: str, _: EntryContext) -> ListFinding | None:
    """Find an address or a name with more around it: a URL, a user name before it, a port behind it."""
    match = _URL.fullmatch(meant) or _LOGIN.fullmatch(meant) or _PORT.fullmatch(meant)
    host = match["host"] if match else ""
    if match is None or (read_network(host) is None and match.re is not _URL):
        return None
    what = {_URL: "is written as a URL", _LOGIN: "has a user name before it", _PORT: "has a port"}[match.re]
    shown = _shown(meant if match.re is _PORT else host)
    message = f"{shown} {what}. The list takes the address alone."
    # `https://5.6.7.0/24` may be meant as a block.
    is_safe = match.re is not _URL or PREFIX.fullmatch(match["rest"].removeprefix("/")) is None
    code = "port" if match.re is _PORT else "url"
    return error(code, message, host.removesuffix("/32") if read_network(host) else None, is_safe=is_safe)


def bullet(mark: str) -> ListFinding:
    """Return the finding for the mark of a line, which stands where an entry could."""
    return error("bullet", f"{mark} marks a line and is no address. Remove it.", "", is_safe=True)


def _bullet(meant: str, _: EntryContext) -> ListFinding | None:
    return bullet(meant) if meant in _BULLETS else None


def is_dash(entry: Entry) -> bool:
    """Return whether an entry is nothing but a dash."""
    return entry.network is None and plain(entry.text) == "-"


def _dash(meant: str, _: EntryContext) -> ListFinding | None:
    """No suggestion: without the dash, all of a range but its two ends would be off the list."""
    if meant != "-":
        return None
    return error("dash", "A dash is not an entry. Write a range as 1.2.3.4-1.2.3.9, or remove the dash.")


def _wildcard(meant: str, context: EntryContext) -> ListFinding | None:
    address, _, prefix = meant.partition("/")
    if "*" not in meant and meant.lower() not in _WILDCARD_WORDS and not (read_ipv4(address) and prefix == "0"):
        return None
    if read_ipv4(address):
        return open_to_all(_shown(meant), address)
    block = meant.removesuffix(".*") + ".0"
    if meant.endswith(".*") and read_ipv4(block):
        message = f"{_shown(meant)} is a wildcard, which Binance rejects. As a block it is {block}/24."
        return error("wildcard", message, f"{block}/24")
    return open_to_all(_shown(meant), context.stand_in)


def _ipv6(meant: str, context: EntryContext) -> ListFinding | None:
    try:
        address = IPv6Address(re.split(r"[]/%]", meant.removeprefix("["))[0])
    except ValueError:
        return None
    if address.ipv4_mapped:
        message = f"{_shown(meant)} is an IPv4 address in IPv6 form. Write {address.ipv4_mapped}."
        return error("ipv4-mapped", message, str(address.ipv4_mapped), is_safe=_BRACKETED.fullmatch(meant) is not None)
    return error(
        "ipv6",
        f"{address} is an IPv6 address. Binance would ignore it silently, and you would be locked out. "
        "(Not confirmed by Binance. Binance.US is reported to refuse IPv6.) List the public IPv4 address.",
        context.stand_in,
    )


def _range(meant: str, context: EntryContext) -> ListFinding | None:
    match = _RANGE.fullmatch(meant)
    if match is None or (first := read_ipv4(match["first"])) is None:
        return None
    last = read_ipv4(match["last"]) or read_ipv4(match["first"].rpartition(".")[0] + "." + match["last"])
    if last is None or last < first:
        return error("range", f"{_shown(meant)} is a range that ends before it begins. List its addresses.")
    message = f"{_shown(meant)} is a range of {int(last) - int(first) + 1:,}. The list takes addresses and blocks."
    blocks = list(summarize_address_range(first, last))
    widest_first = sorted(blocks, key=lambda block: block.prefixlen)
    wrong = next((block for block in widest_first if not is_usable(block, context.rules)), None)
    spelled_out = written(wrong) if wrong else _spelled_out(first, last, context)
    return error("range", message, spelled_out, is_safe=spelled_out is not None and "/" not in spelled_out)


def _several(meant: str, context: EntryContext) -> ListFinding | None:
    """Several addresses that share their beginning, or two with a slash between them."""
    if pair := _PAIR.fullmatch(meant):
        is_two = all(map(read_ipv4, pair.groups())) and not re.match(r"0\.|25[2-5]\.", pair[2])
        message = f"{_shown(meant)} is two addresses. Write a comma between them."
        return error("several", message, ",".join(pair.groups()), is_safe=True) if is_two else None
    match = _IN_BRACKETS.fullmatch(meant) or _FURTHER.fullmatch(meant)
    if match is None:
        return None
    ends = re.split("[,;/]", match["ends"])
    if "/" in match["ends"] and any(int(after) != int(before) + 1 for before, after in pairwise(ends)):
        return None  # a block with more after it
    texts = list[str]()
    for end in ends:
        whole = match["start"] + end.removeprefix(".")
        spelled_out = _range(whole, context)
        texts.append((spelled_out.suggestion or "") if spelled_out else whole if read_ipv4(whole) else "")
    message = f"{_shown(meant)} stands for several addresses. The list takes them one by one."
    # `1.2.3.4,22` may be an address and its port.
    suggestion = ",".join(texts) if all(texts) else None
    is_sure = match.re is _IN_BRACKETS and suggestion is not None and "/" not in suggestion
    return error("several", message, suggestion, is_safe=is_sure)


def _spelled_out(first: IPv4Address, last: IPv4Address, context: EntryContext) -> str | None:
    """The range as addresses where they fit, else as blocks where those fit."""
    if int(last) - int(first) < context.room:
        return ",".join(str(IPv4Address(number)) for number in range(int(first), int(last) + 1))
    blocks = [written(block) for block in summarize_address_range(first, last)]
    return ",".join(blocks) if len(blocks) <= max(1, context.room) else None


def _leading_zero(meant: str, _: EntryContext) -> ListFinding | None:
    address, slash, prefix = meant.partition("/")
    if not re.fullmatch(r"[0-9.]+", address) or not _LEADING_ZERO.search(address):
        return None
    decimal = ".".join(part.lstrip("0") or "0" for part in address.split("."))
    message = (
        f"{_shown(meant)} has a leading zero. Some programs read it as octal, which is a different address. "
        "Write it without the zero."
    )
    return error("leading-zero", message, decimal + slash + prefix if read_ipv4(decimal) else None)


def _after_slash(meant: str, _: EntryContext) -> ListFinding | None:
    """Say what is wrong with an address and what stands after its slash: host bits, a mask, no prefix length."""
    address, slash, prefix = meant.partition("/")
    if read_ipv4(address) is None or not slash:
        return None
    zeros, mask, is_length = _ZEROS_BEFORE.fullmatch(prefix), MASKS.get(prefix), PREFIX.fullmatch(prefix) is not None
    length = int(zeros["length"]) if zeros else int(prefix) if is_length else mask or 32
    network = IPv4Interface((address, length)).network
    is_block = str(network.network_address) == address
    block = None if length <= NARROWEST_TOO_WIDE else written(network)
    if is_length:
        or_block = f", or {network} for all {network.num_addresses}" if block else ""
        message = (
            f"{meant} is neither one address nor a block, as its block begins at {network.network_address}. "
            f"Write {address} for the one address{or_block}."
        )
        return error("host-bits", message, address, alternative=block)
    suggestion = written(network) if is_block else address
    if mask is not None:
        message = f"{_shown(meant)} is written with a netmask. Write /{length} instead."
        return error("netmask", message, suggestion, is_safe=is_block, alternative=None if is_block else block)
    message = f"{_shown(meant)} is not a block. A block ends in a length from /1 to /32."
    return error("bad-prefix", message, suggestion)


def _malformed(meant: str) -> ListFinding:
    shown = _shown(meant)
    if _HOST_NAME.fullmatch(meant):
        return error("host-name", f"{shown} is a host name. The list takes addresses only.")
    if read_network(sentence_end := meant.rstrip(".")):
        return error("trailing-dot", f"{shown} ends in a dot. Remove it.", sentence_end, is_safe=True)
    if re.fullmatch(r"[0-9]+(?:[.][0-9]+)*", sentence_end):
        return error("malformed", f"{shown} {_what_is_wrong_with(sentence_end.split('.'))}.")
    is_word = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*:?", meant)
    label = " If it is a label, write it after # at the end of the line." if is_word else ""
    message = f"{shown} is not an IPv4 address. Write four numbers, as in 203.0.113.42.{label}"
    return error("malformed", message)


def _what_is_wrong_with(parts: list[str]) -> str:
    if len(parts) != 4:
        return "does not have four numbers"
    too_high = next(part for part in parts if len(part) > 3 or int(part) > 255)
    return f"is not an address, as {_shown(too_high)} is above 255"


def _shown(text: str) -> str:
    return "What looks like a key" if holds_key(text) else printable(text, _SHOWN)


_RULES = (_bullet, _dash, _range, _several, _strange_character, _url, _wildcard, _ipv6, _leading_zero, _after_slash)
