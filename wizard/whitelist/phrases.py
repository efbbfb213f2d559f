"""What one line or cell of a text says of the addresses in it: which it lists, which not and why, and whose they are.

The words around an address decide. In doubt it is not taken, which is said: whoever was left out is added by hand,
but whoever was let in by mistake is not noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import unescape

from wizard.core.addresses import is_ipv6
from wizard.core.key_shape import holds_key
from wizard.whitelist.entries import ADDRESS, COMPOUND, MASKS, OCTET, TO, TO_WORDS, plain, read_label

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


_DENIED_ELSEWHERE = (
    "gesperrt|verboten|blockiert|abgelehnt|bloque(?:ad[oa]s?)|denegad[oa]s?|prohibid[oa]s?|bloqu[ée]e?s?|interdite?s?"
    "|refusée?s?|bloccat[oaie]|vietat[oaie]|bloquead[oa]s?|geblokkeerd|заблокир\\w*|запрещ\\w*|запрет\\w*|блокир\\w*"
    "|차단|거부|engel\\w*|zablok\\w*|禁止|禁用|封禁|拉黑|黑名单|拒绝|屏蔽|拒否|[❌🚫⛔🔴✗✘✖👎]"
)
_GONE_ELSEWHERE = (
    "alte[rnms]?|alt(?!=)|früher\\w*|vorher\\w*|ehemal\\w*|veraltet\\w*|bisher\\w*|nicht mehr|lösch\\w*|gelöscht"
    "|entfern\\w*|inaktiv"
    "|deaktiviert|abgeschaltet|(?:ge)?kündig\\w*|abgelaufen|stillgelegt|statt|ersetzt?e?|tausche|cambi[ae]r?|sustitu\\w*"
    "|remplac\\w*|sostitu\\w*|substitu\\w*|замен\\w*|поменя\\w*|смени\\w*|把|换(?:成|为)|anstelle|antigu[oa]s?"
    "|viej[oa]s?|anterior(?:es)?|elimin\\w*|borra\\w*"
    "|quita\\w*|caducad[oa]s?|inactiv[oa]s?|desactivad[oa]s?|ya no|en (?:lugar|vez) de|ancien(?:ne)?s?|précédente?s?"
    "|supprim\\w*"
    "|enlever|retir[eé]\\w*|désactivée?s?|inactif|périmée?s?|ne plus|n'est plus|plus utilisée?s?|au lieu d[eu]"
    "|vecchi[oae]"
    "|precedent[ei]|rimuov\\w*|antig[oa]s?|remover|removid[oa]s?|oude?|verwijder\\w*|стар\\w*|прежн\\w*|удал\\w*"
    "|убрать|убери\\w*"
    "|бывш\\w*|больше не|отключ\\w*|неактив\\w*|устарел\\w*|вместо|旧(?:的|ip)?|舊(?:的|ip)?|老(?:的|ip)?"
    "|以前|之前|原来|删除|刪除"
    "|移除|去掉|废弃|不再|不要|失效"
    "|停用|过期|代替|而不是|古い|削除|無効|廃止|삭제|이전|구형|사용 안|eski|silin\\w*|kaldır\\w*"
    "|star[yae]|usun\\w*|usuń\\w*|🗑"
)
"""What texts in other languages say, in their usual forms. A word too many leaves one out, which is said."""
_DENY = (
    r"den(?:y\w*|ies|ied)|reject(?:ed|s)?|drop(?:ped|s)?|block(?:ed|[_ ]?list\w*)|black_?list\w*|bann?(?:ed|s)?"
    r"|blackhole|null[_ ]?route|(?<!cidr.)(?<!the.)(?<!address.)(?<!ip.)(?<!ipv4.)(?<!a.)block|forbid(?:den)?"
    r"|disallow(?:ed)?|exclud(?:ed?|ing)|except|revoked?|prohibit(?:ed)?|refused?|quarantined?"
    "|(?:\\w+_)?challenge|captcha|(?-i:bad)|malicious|attack(?:er|s|ing)?|abus(?:e|ive)|spam(?:mer)?s?|hostile"
    "|suspicious|untrusted|fail(?:ed|ure)"
    f"|{_DENIED_ELSEWHERE}"
)
_GONE = (
    "old|ex|former(?:ly)?|previous(?:ly)?|prev|remov(?:ed?|ing)|delet(?:ed?|ing)|retired?|deprecated|obsolete|outdated"
    "|stale|decommission(?:ed)?|decom|disabled?|inactive|expired?|gon[e]|unused|terminated|dead|legacy"
    "|replac(?:ed?|es|ing)"
    "|instead of|used to|no longer|archived?|was|were|changed from|moved from"
    "|not (?:used|in use|needed|valid|active|ours|mine)"
    r"|cancell?ed|shut ?down|(?:switched|turned) off|deactivated?"
    r"|phased out|wrong|incorrect|typo|invalid|superseded|discontinued|withdrawn"
    r"|absent|where(?=\W+\w+\s*=)"
    r"|swap|exchange|any ?more|can go|(?:before|earlier)(?=\W*\Z)"
    f"|{_GONE_ELSEWHERE}"
)
_DENIES, _IS_GONE = (
    _words(rf"{_DENY}|not|never|don'?t|isn'?t|nicht|kein\w*|no(?=\s+[^\W\d])|не|ne pas|non(?=\s)"),
    _words(_GONE),
)
_DENY_CELL = re.compile(rf"\W*(?:{_DENY}|{_GONE}|false|none)\W*", re.IGNORECASE)
_DENY_LAST = re.compile(rf"(?<![A-Za-z])(?:{_DENY})\W*\Z", re.IGNORECASE)
_IS_DENIED = _words(
    "denied|denies|rejected|blocked|black_?listed|banned|forbidden|disallowed|excluded|revoked|refused"
    r"|nicht|kein\w*|не|ne pas"
    f"|{_DENIED_ELSEWHERE}"
)
_ALLOWS = re.compile(
    r"(?:\A|[,;.|{]|\bthen|\bplease|\band|\bbut|\bnow)\W*(?:allow|permit|accept|white_?list|use|add|keep)",
    re.IGNORECASE,
)
_IS_NEW = _words(
    "now|new|current(?:ly)?|use|using|add|added|keep|but|replacement|neue?[rnms]?|jetzt|sondern|nuev[oa]s?|ahora"
    "|nouvel(?:le)?s?"
    "|maintenant|nuov[oa]|нов\\w*|теперь|сейчас|新|现在"
)
_NOT_ALLOWED = _words(
    r"(?:not|never|don'?t|isn'?t|no longer)\W+(?:\w+\W+)?(?:allow|permit|accept|use|add|white_?list)\w*"
)
_ABOUT_NEXT = re.compile(
    rf"\W*(?:{_GONE}|{_DENY}|not)(?:\W+(?:the|an?|old|ip|address|from|at|on|one|to|be|known|as|is))*\W*", re.IGNORECASE
)
_ALWAYS_ABOUT_NEXT = re.compile(
    r"\W*(?:was|formerly|previously|replac(?:es|ing)|instead of|not|ex|used to be|statt|anstelle|en lugar de|en vez de"
    r"|au lieu de|вместо|而不是|代替)(?![A-Za-z])"
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
_CHANGED = re.compile(r"\A\s*~\s|(?:chang|mov|switch|migrat|renumber|updat|replac)\w*[^.;]*\Z", re.IGNORECASE)
_ENDS = re.compile(rf"(?P<first>{ADDRESS})\s*(?:{TO}|{TO_WORDS})\s*(?P<last>{ADDRESS})")
_ROLE = re.compile(
    r"(?<![A-Za-z])(?:(?P<gateway>(?:default[\W_]*)?gateway|gw|via|router|next[\W_]?hop)"
    r"|(?P<netmask>(?:sub)?net[\W_]?mask|subnet[\W_]?mask|mask|genmask|wildcard)|(?P<broadcast>broadcast|brd|bcast)"
    r"|(?P<name_server>dns(?:[\W_]*servers?)?(?:[\W_]*[0-9])?|name[\W_]?servers?|resolvers?|server(?=\W*:\s))"
    r"|(?P<time_server>ntp(?:[\W_]*servers?)?)"
    r"|(?P<server_that_was_called>trying|connect(?:ed|ion|ing)?(?: established)? to|pinging|ping"
    r"|trac(?:eroute|epath|ing route) to)"
    r"|(?P<version>version|ver|release|firmware|build|v|oid))"
    r"(?:[\W_]*(?:ip|ipv4|v4|address|addr|is|to|number|version)(?![A-Za-z]))*"
    r"(?:\s+[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\s*[(\[]|[\W_]*)\Z",
    re.IGNORECASE,
)
"""Before an address that is not the one of a host which calls."""
_COMMENT = re.compile(
    r"(?<![A-Za-z0-9&])#|(?<=[0-9])#(?![0-9]+\b)|(?:(?<=[\s;,{\[\]\"'])|^)//"
    r"|(?:(?<=\s)|^)(?<!(?:tcp|udp|all) )(?<!(?:tcp|udp|all)  )(?<!icmp )(?<!icmp  )--(?=\s|\Z)|^\s*--(?![\w-])"
    r"|^\s*(?:;|!|%|'(?=\s)|(?:@?rem|dnl)\s)|(?<=\s);(?=\s+[^\W\d])",
    re.IGNORECASE,
)
_SPANS = re.compile(
    f"{COMMENT}(?P<comment>[^{END_COMMENT}]*){END_COMMENT}|{STRIKE}(?P<struck>[^{END_STRIKE}]*){END_STRIKE}"
)
_CANDIDATE = re.compile(
    rf"(?<![0-9.])(?:(?:{COMPOUND})|[0-9]{{1,3}}(?:(?:\.|[\[(]\.[\])])[0-9]{{1,3}}){{2}}(?:[\[(]\.[\])][0-9]{{1,3}}|\.[*%x](?!\w))"
    rf"|[0-9]+(?:\.[0-9]+){{3,}}(?:/[0-9.]+)?)"
    r"|(?:(?<![0-9A-Za-z:.])|(?<=ip6:))(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)(?:[0-9A-Fa-f:]{3,39}(?:(?:\.[0-9]{1,3}){3})?(?![0-9A-Za-z:])|::(?=/0))",
    re.IGNORECASE,
)
_SPELLED = (
    (rf"({ADDRESS})(?:\s+/\s*|/\s+)([12]?[0-9]|3[0-2])(?![0-9./:])", r"\1/\2"),
    (
        rf"({ADDRESS})\s{{0,9}}[,:(]?\s{{0,9}}(?:(?:(?:subnet|net)?[ _-]?mask|wildcard)\s*(?:is|of|[:=])?\s*)?"
        rf"({'|'.join(map(re.escape, MASKS))})(?![0-9.]*[0-9])\)?",
        r"\1 \2",
    ),
    (rf"[\"']({ADDRESS})(?:/32)?[\"'] -> [\"']({ADDRESS})(?:/32)?[\"']", r"\1 -> \2"),
    (rf"(?<![A-Za-z])(?:between|range)\s+({ADDRESS})\s+(?:and\s+)?({ADDRESS})(?![0-9./])", r"\1-\2"),
    (
        rf"(?<![0-9.])({OCTET})(?:\s+\.\s*|\.\s+)({OCTET})(?:\s+\.\s*|\.\s+)({OCTET})(?:\s+\.\s*|\.\s+)({OCTET})(?![0-9.])",
        r"\1.\2.\3.\4",
    ),
    (r"(?<=[0-9])\s*(?:[,;/&+|]|\band\b|\bor\b)\s*(\.[0-9]{1,3})(?=\s*(?:[,;/&+|)#]|and\b|or\b|\.?\Z))", r",\1"),
    (
        rf"({ADDRESS}(?:\s*[,;]\s*{OCTET}(?![0-9.]))+)\s*(?:,\s*)?(?:and|&|or)\s*({OCTET})(?=\s*(?:[),;#]|\.?\Z))",
        r"\1,\2",
    ),
    (rf"({ADDRESS})\s+(?:and|&)\s+({OCTET})(?=\s*(?:[),;#]|\.?\Z))", r"\1,\2"),
)
"""Spellings of one block, a range or several addresses, and the one that is read as a whole."""
_ABOUT_LINE = (
    (re.compile(r"\s*[-*+]\s+\[ ?\]\s"), "it is not ticked"),
    (re.compile(r"\s*[0-9]+\s+X\s"), DENIED),
    (
        re.compile(r"\s*[0-9]{1,2}(?:\.\|--|[.:]?\s.*[0-9]\s?(?:ms\b|%))|\s+\S+ \([0-9.]+\).*[0-9] ms\b|.*\bicmp_seq"),
        "it is a server on the way",
    ),
    (re.compile(r"\s*(?:\w+\s+)?-D\s|\s*(?:ipset\s+|ip\s+\w+\s+)?del\s"), OLD),
)
"""How a line begins that lists nothing: an empty box, a rule switched off, a command that removes."""
_WRITTEN = tuple((re.compile(spelled, re.IGNORECASE), written) for spelled, written in _SPELLED)
_IN_NAME_BEFORE = re.compile(
    r"[A-Za-z0-9_][-_]?\Z|[A-Za-z]\.\Z|[A-Za-z_.-]{2,}/\Z|[A-Za-z]\]?[=~<>!]=\Z"
    r"|(?<![A-Za-z])image[\"']?\s*[:=]\s*[\"']?[\w./-]+:\Z"
)
_IN_NAME_BEHIND = re.compile(r"-?[A-Za-z_]|\.-?[A-Za-z0-9]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<host>(?:[^/\s@\"'<>|]*@)?)(?P<path>[^\s\"'<>|]*)\Z")
_CLAUSE = re.compile(
    r"[|\t;,/()]|\s{2,}|\.(?=\s|\Z)|[-=]>|→|(?<![A-Za-z])(?:but|and|or|then|und|aber|sondern|pero|et|mais|и|но|和)(?![A-Za-z])",
    re.IGNORECASE,
)
_CONNECTS = re.compile(r"(?:[\s,;&+/|\"'\[\](){}]|(?<![A-Za-z])(?:and|or|und|y|e|et|и|和)(?![A-Za-z]))*", re.IGNORECASE)
_CELLS = re.compile(r"[|\t;,=()\[\]{}]|:(?=\s|\Z|[\"']|true|false)|\s{2,}|\s[-–—]\s")
_ATTRIBUTE = re.compile(
    r"(?<![A-Za-z])(?:name|description|comment|label|title|desc|note|owner|hostname)[\"']?(?:\s*[:=]>?\s*|\s+(?=[\"']))"
    r"(?:\"([^\"]+)\"|'([^']+)'|([^\"',;|}<>]+))",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"hey|hi|hello|dear|please|pls|add|my|our|your|the|an?|th(?:is|at|ese)|is|are|it|it'?s|and|or|for|to|from|of|at"
    r"|on|in"
    r"|with|by|also|both|thx|thanks|new|now|use|ip(?:s|v?4)?|inet|addr|address(?:es)?|src|source|dst|host|server"
    r"|ranges?"
    r"|cidrs?|subnets?|networks?|permit|accept(?:ed)?|require|rule|listed|set|true|null|none|tcp|udp|any|all|yes"
    r"|v=spf1|spf1|v|has|have|had|https?|ssh|curl|root@?|input|output|forward|access-list|current|active|previous"
    r"|rules?|data|items"
    r"|prefix(?:es)?|properties|resources?|results|instances?|reservations|ingress|egress|security|groups?"
    r"|permissions|variable|default|locals"
    r"|was|were|formerly|previously|moved|changed|replaces|instead|public|external|static|name|value|key|entries"
    r"|items|list|cidr_?\w*|\w*(?:allow|white_?list|permit|trusted)\w*"
    r"|nmap|acl|saddr|elements|scan|report|ufw|port|anywhere|ansible_\w+|hostname|between|subnet|mask|\w*ip_?(?:addr|range|list|prefix)\w*|-?[A-Z]|--?[a-z]\w*|[\W\d_]+",
    re.IGNORECASE,
)
"""Words that name no host."""


def read_mentions(line: str) -> Iterator[Mention]:
    """Return what looks like an address in one line, in order but for comments, which come last. Never raises."""
    body, comment = plain(unescape(line)), ""
    for spelled, written in _WRITTEN:
        body = spelled.sub(written, body)
    for span in _SPANS.finditer(body):
        hidden = span["comment"] or span["struck"] or ""
        yield from _all(hidden, IN_COMMENT if span["struck"] is None else STRUCK)
        comment += " " + (span["comment"] or "")
    body = _SPANS.sub("  ", body)
    if mark := _COMMENT.search(body):
        behind = body[mark.start() :].lstrip("#/;-!%' \t")
        yield from _all(behind, IN_COMMENT)
        body, comment = body[: mark.start()], comment + " " + behind
    found = [match for match in _CANDIDATE.finditer(body) if "." in match[0] or is_ipv6(match[0])]
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
    notes = (note, *re.findall(r"[(\[]([^()\[\]]*)[)\]]", note))
    return _STALE.match(note) is not None or any(map(_DENY_CELL.fullmatch, notes))


def given_name(text: str) -> str:
    """Return what is given as a name, as it is; nothing where it may hold a key."""
    name = text.strip("\ufeff \t\"'*")
    return (read_label(name) or "") if not holds_key(name) else ""


def clean_label(text: str) -> str:
    """Return a name without the words and signs around it; nothing where none is left."""
    words = text.strip().strip("\"'`*_|-–—:=+<>/\\()[]{},;. \t•·►▪★☆").split()
    while words and _NO_NAME.fullmatch(words[0].strip("\"',.:;()*")):
        words.pop(0)
    while words and not words[-1].isdigit() and _NO_NAME.fullmatch(words[-1].strip("\"',.:;()*")):
        words.pop()
    name = " ".join(words).strip("\"'`*_|-–—:=<>/\\,;.")
    return (read_label(name) or "") if any(map(str.isalpha, name)) and not holds_key(name) else ""


def _all(text: str, reason: str) -> Iterable[Mention]:
    return (Mention(match[0], reason) for match in _CANDIDATE.finditer(text))


def _judged(body: str, found: list[re.Match[str]]) -> Iterator[Mention]:
    edges = [0, *(edge for match in found for edge in match.span()), len(body)]
    gaps = [body[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    is_before = any(map(str.isalpha, gaps[0]))
    sides = [("", gaps[0]), *(_sides(gap, is_before=is_before) for gap in gaps[1:-1]), (gaps[-1], "")]
    named = next((next(filter(None, match.groups())) for match in [_ATTRIBUTE.search(body)] if match), "")
    # Looked at once: a line may hold thousands.
    whole = next((reason for pattern, reason in _ABOUT_LINE if pattern.match(body)), "")
    reason, label, chain = "", "", 0
    judged = list[Mention]()
    for place, match in enumerate(found):
        before, after = sides[place][1], sides[place + 1][0]
        is_linked = place > 0 and _CONNECTS.fullmatch(gaps[place]) is not None
        reason, chain = (reason, chain) if is_linked else (_reason_before(before), len(judged))
        own = _reason_around(match, body, whole) or reason
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
    if re.match(r"\s*(?:durch(?![A-Za-z])|换成|换为|改为|改成)", gap):
        return f"{OLD} {gap}", ""
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
    return said_before(text)


def said_before(text: str) -> str:
    """Return why what a text leads to is not meant; empty where it is."""
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


def _reason_around(match: re.Match[str], body: str, whole: str) -> str:
    """Say what an address is by the characters right beside it."""
    if "." not in match[0]:
        return IPV6
    before, behind = body[max(0, match.start() - _NEAR) : match.start()], body[match.end() :]
    if url := _URL.search(before):
        return IN_URL if url["path"] else ""
    if re.match(r"#[0-9]+", behind) or re.search(r"(?:\A|\s)@\Z", before):
        return "it is a name server"
    if re.search(r"(?:\A|[\s,{(\"'])!\s?\Z|(?:\A|\s)[-!]\s?(?:ip4:)?\Z|[-?~]ip4:\Z", before) and before.rstrip()[
        -1:
    ] in ("!", ":"):
        return DENIED
    is_off = re.match(r"\s+(?:0|no|off)\s*;", behind)
    is_in_name = _IN_NAME_BEFORE.search(before) or _IN_NAME_BEHIND.match(behind)
    return whole or (DENIED if is_off else IN_NAME if is_in_name else "")


def _name_before(text: str) -> str:
    """Return the name that an address is given to, else the first one on its line."""
    given = re.search(r"([^\s,;|=:{}\[\]()]+)[\"']?\s*(?:=>?|:)[\s\"'\[{(]*\Z", text[-_NEAR:])
    return (clean_label(given[1]) if given else "") or _first_name(text)


def _first_name(text: str) -> str:
    return next(filter(None, map(clean_label, _CELLS.split(text))), "")
