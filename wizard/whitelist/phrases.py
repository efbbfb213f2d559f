"""What one line or cell of a text says of the addresses in it: which it lists, which not and why, and whose they are.

The words around an address decide. In doubt it is not taken, which is said: whoever was left out is added by hand,
but whoever was let in by mistake is not noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import unescape
from ipaddress import IPv6Address

from wizard.core.key_shape import holds_key
from wizard.whitelist.entries import ADDRESS, COMPOUND, TO, TO_WORDS, plain, read_label

DENIED, OLD, IN_COMMENT, STRUCK = "it is denied", "it is old", "it is in a comment", "it is struck through"
IN_URL, IN_NAME = "it is inside a URL", "it is part of a name or a version"
IPV6 = "it is an IPv6 address"
_NEAR = 200
"""How many characters before an address are looked at for what it is part of."""
COMMENT, END_COMMENT, STRIKE, END_STRIKE = "\x01", "\x02", "\x03", "\x04"
"""Stand around what is commented out or struck through over several lines."""


@dataclass(frozen=True, slots=True)
class Mention:
    """What looks like an address, or like several."""

    text: str
    reason: str = ""
    """Why it is not listed; empty where it is."""
    label: str = ""
    """The name beside it."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{pattern})(?![A-Za-z])", re.IGNORECASE)


_DENY = (
    "den(?:y|ies|ied)|reject(?:ed|s)?|drop(?:ped|s)?|block(?:ed|list(?:ed)?)|black_?list(?:ed)?|bann?(?:ed|s)?"
    r"|(?<!cidr.)(?<!the.)(?<!address.)(?<!ip.)(?<!ipv4.)(?<!a.)block|forbid(?:den)?|disallow(?:ed)?|exclud(?:ed?|ing)|except|revoked?|prohibit(?:ed)?|refused?|quarantined?"
)
_GONE = (
    "old|ex|former(?:ly)?|previous(?:ly)?|prev|remov(?:ed?|ing)|delet(?:ed?|ing)|retired?|deprecated|obsolete|outdated"
    "|stale|decommission(?:ed)?|decom|disabled?|inactive|expired?|gon[e]|unused|terminated|dead|legacy|replac(?:ed?|es|ing)"
    "|instead of|used to|no longer|archived?|was|were|changed from|moved from|not (?:used|in use|needed|valid|active)"
)
_DENIES, _IS_GONE = _words(rf"{_DENY}|not|never|don'?t|isn'?t"), _words(_GONE)
_DENY_CELL = re.compile(rf"\W*(?:{_DENY}|{_GONE}|false|none)\W*", re.IGNORECASE)
_DENY_LAST = re.compile(rf"(?<![A-Za-z])(?:{_DENY})\W*\Z", re.IGNORECASE)
_IS_DENIED = _words("denied|denies|rejected|blocked|black_?listed|banned|forbidden|disallowed|excluded|revoked|refused")
_ALLOWS = re.compile(
    r"(?:\A|[,;.|{]|\bthen|\bplease|\band|\bbut|\bnow)\W*(?:allow|permit|accept|white_?list|use|add|keep)",
    re.IGNORECASE,
)
_IS_NEW = _words("now|new|current(?:ly)?|use|using|add|added|keep|but|replacement")
_NOT_ALLOWED = _words(
    r"(?:not|never|don'?t|isn'?t|no longer)\W+(?:\w+\W+)?(?:allow|permit|accept|use|add|white_?list)\w*"
)
_ABOUT_NEXT = re.compile(
    rf"\W*(?:{_GONE}|{_DENY}|not)(?:\W+(?:the|an?|old|ip|address|from|at|on|one|to|be|known|as|is))*\W*", re.IGNORECASE
)
_ALWAYS_ABOUT_NEXT = re.compile(
    r"\W*(?:was|formerly|previously|replac(?:es|ing)|instead of|not|ex|used to be)(?![A-Za-z])"
)
_WAS_DONE = _words(
    "(?:was|were)[^A-Za-z]+(?:added|approved|allowed|white_?listed|assigned|given|set|created|detected|found|seen)"
)
_STALE = re.compile(
    rf"\W*(?:{_GONE.replace('|was|were', '')}|{_DENY}|do not use|don'?t use|moved to)(?![A-Za-z])"
    r"|.*(?<![A-Za-z])(?:no longer|not (?:used|in use)|do not use|don'?t use"
    r"|(?:was|were|been|is|now) (?:removed|deleted|retired|deprecated|disabled|decommissioned|revoked|replaced))\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(r"(?:chang|mov|switch|migrat|renumber|updat|replac)\w*[^.;]*\Z", re.IGNORECASE)
_ENDS = re.compile(rf"(?P<first>{ADDRESS})\s*(?:{TO}|{TO_WORDS})\s*(?P<last>{ADDRESS})")
_ROLE = re.compile(
    r"(?<![A-Za-z])(?:(?P<gateway>(?:default[\W_]*)?gateway|gw|via|router|next[\W_]?hop)"
    r"|(?P<netmask>(?:sub)?net[\W_]?mask|subnet[\W_]?mask|mask|genmask|wildcard)|(?P<broadcast>broadcast|brd|bcast)"
    r"|(?P<name_server>dns(?:[\W_]*servers?)?(?:[\W_]*[0-9])?|name[\W_]?servers?|resolvers?|server(?=\W*:\s))"
    r"|(?P<time_server>ntp(?:[\W_]*servers?)?)"
    r"|(?P<server_that_was_called>trying|connect(?:ed|ion|ing)?(?: established)? to|pinging|ping|traceroute to)"
    r"|(?P<version>version|ver|release|firmware|build|v|oid))"
    r"(?:[\W_]*(?:ip|ipv4|address|addr|is|to|number|version)(?![A-Za-z]))*"
    r"(?:\s+[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\s*\(|[\W_]*)\Z",
    re.IGNORECASE,
)
"""Before an address that is not the one of a host which calls."""
_COMMENT = re.compile(
    r"(?<![A-Za-z0-9&])#|(?<=[0-9])#(?![0-9]+\b)|(?:(?<=[\s;,{\[\]\"'])|^)//|(?:(?<=\s)|^)--(?=\s|\Z)|^\s*--(?![\w-])"
    r"|^\s*(?:;|!|%|'(?=\s)|(?:@?rem|dnl)\s)|(?<=\s);(?=\s+[^\W\d])",
    re.IGNORECASE,
)
_SPANS = re.compile(
    f"{COMMENT}(?P<comment>[^{END_COMMENT}]*){END_COMMENT}|{STRIKE}(?P<struck>[^{END_STRIKE}]*){END_STRIKE}"
)
_CANDIDATE = re.compile(
    rf"(?<![0-9.])(?:(?:{COMPOUND})|[0-9]+(?:\.[0-9]+){{3,}}(?:/[0-9.]+)?)"
    r"|(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{3,39}(?![0-9A-Za-z:])",
    re.IGNORECASE,
)
_IN_NAME_BEFORE = re.compile(r"[A-Za-z0-9_][-_]?\Z|[A-Za-z]\.\Z|[A-Za-z_.-]{2,}/\Z|[A-Za-z]\]?[=~<>!]=\Z")
_IN_NAME_BEHIND = re.compile(r"-?[A-Za-z_]|\.-?[A-Za-z0-9]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<host>(?:[^/\s@\"'<>|]*@)?)(?P<path>[^\s\"'<>|]*)\Z")
_CLAUSE = re.compile(
    r"[|\t;,/()]|\s{2,}|\.(?=\s|\Z)|[-=]>|→|(?<![A-Za-z])(?:but|and|or|then)(?![A-Za-z])", re.IGNORECASE
)
_CONNECTS = re.compile(r"(?:[\s,;&+/|\"'\[\](){}]|(?<![A-Za-z])(?:and|or|und|y|et)(?![A-Za-z]))*", re.IGNORECASE)
_CELLS = re.compile(r"[|\t;,=()\[\]{}]|:(?=\s|\Z|[\"'])|\s{2,}|\s[-–—]\s")
_ATTRIBUTE = re.compile(
    r"(?<![A-Za-z])(?:name|description|comment|label|title|desc|note|owner|hostname)[\"']?(?:\s*[:=]>?\s*|\s+(?=[\"']))"
    r"(?:\"([^\"]+)\"|'([^']+)'|([^\"',;|}<>]+))",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"hey|hi|hello|dear|please|pls|add|my|our|your|the|an?|th(?:is|at|ese)|is|are|it|it'?s|and|or|for|to|from|of|at|on|in"
    r"|with|by|also|both|thx|thanks|new|now|use|ip(?:s|v?4)?|inet|addr|address(?:es)?|src|source|dst|host|server|ranges?"
    r"|cidrs?|subnets?|networks?|permit|accept(?:ed)?|require|rule|listed|set|true|null|none|tcp|udp|any|all|yes"
    r"|v=spf1|spf1|v|has|have|had|https?|ssh|curl|root@?|input|output|forward|access-list|current|active|previous|rules?|data|items"
    r"|prefix(?:es)?|properties|resources?|results|instances?|reservations|ingress|egress|security|groups?|permissions|variable|default|locals"
    r"|was|were|formerly|previously|moved|changed|replaces|instead|public|external|static|name|value|key|entries|items|list|cidr_?\w*|\w*(?:allow|white_?list|permit|trusted)\w*"
    r"|\w*ip_?(?:addr|range|list|prefix)\w*|-?[A-Z]|--?[a-z]\w*|[\W\d_]+",
    re.IGNORECASE,
)
"""Words that name no host."""


def read_mentions(line: str) -> Iterator[Mention]:
    """Return what looks like an address in one line, in order but for comments, which come last. Never raises."""
    body, comment = plain(unescape(line)), ""
    for span in _SPANS.finditer(body):
        hidden = span["comment"] or span["struck"] or ""
        yield from _all(hidden, IN_COMMENT if span["struck"] is None else STRUCK)
        comment += " " + (span["comment"] or "")
    body = _SPANS.sub("  ", body)
    if mark := _COMMENT.search(body):
        behind = body[mark.start() :].lstrip("#/;-!%' \t")
        yield from _all(behind, IN_COMMENT)
        body, comment = body[: mark.start()], comment + " " + behind
    found = [match for match in _CANDIDATE.finditer(body) if ":" not in match[0] or _is_ipv6(match[0])]
    first = _CANDIDATE.search(comment)
    about_itself = _STALE.match(comment) and not (first and _ABOUT_NEXT.fullmatch(comment[: first.start()]))
    for mention in _judged(body, found):
        label = clean_label(_CANDIDATE.sub("", comment)) or mention.label
        yield replace(mention, label=label, reason=mention.reason or (OLD if about_itself else ""))


def has_mention(line: str) -> bool:
    """Return whether something in a line looks like an address."""
    return _CANDIDATE.search(plain(line)) is not None


def is_stale(note: str) -> bool:
    """Return whether a note, a heading or a cell says that what it is about is not used, or denied."""
    return _DENY_CELL.fullmatch(note) is not None or _STALE.match(note) is not None


def given_name(text: str) -> str:
    """Return what is given as a name, as it is; nothing where it may hold a key."""
    name = text.strip("\ufeff \t\"'*")
    return (read_label(name) or "") if not holds_key(name) else ""


def clean_label(text: str) -> str:
    """Return a name without the words and signs around it; nothing where none is left."""
    words = text.strip().strip("\"'`*_|-–—:=<>/\\()[]{},;. \t•·►▪★☆").split()
    while words and _NO_NAME.fullmatch(words[0].strip("\"',.:;()*")):
        words.pop(0)
    while words and not words[-1].isdigit() and _NO_NAME.fullmatch(words[-1].strip("\"',.:;()*")):
        words.pop()
    name = " ".join(words).strip("\"'`*_|-–—:=<>/\\,;.")
    return (read_label(name) or "") if any(map(str.isalpha, name)) and not holds_key(name) else ""


def _all(text: str, reason: str) -> Iterable[Mention]:
    return (Mention(match[0], reason) for match in _CANDIDATE.finditer(text))


def _is_ipv6(text: str) -> bool:
    try:
        return bool(IPv6Address(text)) or True
    except ValueError:
        return False


def _judged(body: str, found: list[re.Match[str]]) -> Iterator[Mention]:
    edges = [0, *(edge for match in found for edge in match.span()), len(body)]
    gaps = [body[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    is_before = any(map(str.isalpha, gaps[0]))
    sides = [("", gaps[0]), *(_sides(gap, is_before=is_before) for gap in gaps[1:-1]), (gaps[-1], "")]
    named = next((next(filter(None, match.groups())) for match in [_ATTRIBUTE.search(body)] if match), "")
    reason, label, chain = "", "", 0
    judged = list[Mention]()
    for place, match in enumerate(found):
        before, after = sides[place][1], sides[place + 1][0]
        is_linked = place > 0 and _CONNECTS.fullmatch(gaps[place]) is not None
        reason, chain = (reason, chain) if is_linked else (_reason_before(before), len(judged))
        own = _reason_around(match, body) or reason
        late = "" if own else _reason_behind(after)
        label = given_name(named) or _name_before(before) or _first_name(after) or (label if is_linked else "")
        if late and is_linked and not after.lstrip().startswith("("):
            judged[chain:] = [replace(each, reason=each.reason or late) for each in judged[chain:]]
        ends = _ENDS.fullmatch(match[0])
        if own in ("", OLD) and ends and _CHANGED.search(before):
            judged += [Mention(ends["first"], OLD), Mention(ends["last"], "", label)]
        else:
            judged.append(Mention(match[0], own or late, label))
    yield from judged


def _sides(gap: str, *, is_before: bool) -> tuple[str, str]:
    """Return what a text between two addresses says of the first, and what of the second."""
    beside = re.match(r"\s*\([^()]*\)", gap)
    start = beside.end() if beside else 0
    *clauses, last = _CLAUSE.split(gap[start:])
    if clauses:
        return gap[:start] + " | ".join(clauses), last
    if _ALWAYS_ABOUT_NEXT.match(last):
        return gap[:start], last
    is_about_next = is_before if not _IS_GONE.search(last) else bool(is_before and _ABOUT_NEXT.fullmatch(last))
    return (gap[:start], last) if is_about_next else (gap, "")


def _reason_before(text: str) -> str:
    if role := _ROLE.search(text):
        return f"it is a {(role.lastgroup or '').replace('_', ' ')}"
    for reason, negative, positive in ((DENIED, _DENIES, _ALLOWS), (OLD, _IS_GONE, _IS_NEW)):
        last = max((match.end() for match in negative.finditer(text)), default=0)
        allowed = positive.search(text, last) or _ALLOWS.search(text, last)
        if last and not _WAS_DONE.search(text) and (not allowed or _NOT_ALLOWED.search(text)):
            return reason
    return ""


def _reason_behind(text: str) -> str:
    if any(_DENY_CELL.fullmatch(cell) for cell in _CELLS.split(text)):
        return DENIED if _DENIES.search(text) else OLD
    if _IS_DENIED.search(text) or _NOT_ALLOWED.search(text) or _DENY_LAST.search(text):
        return DENIED
    return OLD if _IS_GONE.search(text) and not _WAS_DONE.search(text) else ""


def _reason_around(match: re.Match[str], body: str) -> str:
    """Say what an address is by the characters right beside it."""
    if ":" in match[0]:
        return IPV6
    before, behind = body[max(0, match.start() - _NEAR) : match.start()], body[match.end() :]
    if url := _URL.search(before):
        return IN_URL if url["path"] else ""
    if re.match(r"#[0-9]+", behind) or re.search(r"(?:\A|\s)@\Z", before):
        return "it is a name server"
    if re.search(r"(?:\A|\s)[-!]\s?(?:ip4:)?\Z|-ip4:\Z", before) and before.rstrip()[-1:] in ("!", ":"):
        return DENIED
    return IN_NAME if _IN_NAME_BEFORE.search(before) or _IN_NAME_BEHIND.match(behind) else ""


def _name_before(text: str) -> str:
    """Return the name that an address is given to, else the first one on its line."""
    given = re.search(r"([^\s,;|=:{}\[\]()]+)[\"']?\s*(?:=>?|:)[\s\"'\[{(]*\Z", text[-_NEAR:])
    return (clean_label(given[1]) if given else "") or _first_name(text)


def _first_name(text: str) -> str:
    return next(filter(None, map(clean_label, _CELLS.split(text))), "")
