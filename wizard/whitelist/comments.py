"""Addresses that stand in comments: to the reader they are on the list, to the exchange they are not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from wizard.addresses import read_ipv4
from wizard.rules import Rules
from wizard.whitelist.characters import BLANKS, COMMENT_MARKS, SEPARATORS, plain
from wizard.whitelist.findings import Finding, Severity
from wizard.whitelist.parsing import Comment, Entry, parse, read_network
from wizard.whitelist.rewriting import Change, lines_of, rewrite, with_comment
from wizard.whitelist.scope import is_usable
from wizard.whitelist.spans import Spans

_MOST_NAMED = 3
"""How many addresses of a comment a message names; the rest is counted."""

_ADDRESS = re.compile(r"(?<![\w.])(?P<address>[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?P<prefix>/[0-9]{1,2})?(?!\w|\.[0-9])")
_ONLY_AN_ADDRESS = re.compile(r"[0-9./:\- \t]+")
_MARKS_AS_BLANKS = str.maketrans(dict.fromkeys(COMMENT_MARKS, " "))


def hidden_in_comments(comments: Sequence[Comment], let_in: Spans, rules: Rules) -> Iterator[Finding]:
    """Yield a warning for each comment with an address that `let_in` lacks and a list may hold."""
    for comment in comments:
        hidden = [address for _, address, network in _addresses(comment, rules) if not let_in.covers(network)]
        if hidden:
            yield _finding(comment, list(dict.fromkeys(hidden)))


def _finding(comment: Comment, hidden: Sequence[str]) -> Finding:
    more = f" and {len(hidden) - _MOST_NAMED} more" if len(hidden) > _MOST_NAMED else ""
    it_is = "it is" if len(hidden) == 1 else "they are"
    message = f"A comment holds {', '.join(hidden[:_MOST_NAMED])}{more}: {it_is} not on the list."
    return Finding("address-in-comment", Severity.WARNING, message, ",".join(hidden), position=comment.position)


def take_out(text: str, finding: Finding) -> str:
    """Return `text` with the addresses that a finding names out of its comment, each on a line of its own.

    A comment that stood alone becomes their label. A text that has changed since stays as it is.
    """
    lines = lines_of(text, parse(text).entries)
    start = 0
    for line in lines:
        comment = Comment(line.comment, start + line.length - len(line.comment + line.end))
        if comment.position == finding.position:
            break
        start += line.length
    else:
        return text
    wanted = (finding.suggestion or "").split(",")
    found = [(word, address) for word, address, _ in _addresses(comment, None) if address in wanted]
    rest = _without(comment, [word for word, _ in found])
    fields = text[start : comment.position].rstrip(BLANKS)
    addresses = list(dict.fromkeys(address for _, address in found))
    end = line.end or "\n"
    if fields:
        new = end.join([with_comment(fields, rest), *addresses])
    else:
        new = end.join(with_comment(address, rest) for address in addresses)
    return text[:start] + new + line.end + text[comment.end + len(line.end) :]


def _without(comment: Comment, words: Sequence[Entry]) -> str:
    """The comment without some of its words; empty where nothing is left."""
    left = rewrite(_body(comment), {word.position: Change("") for word in words})
    left = left.strip(BLANKS + SEPARATORS)
    return f"{comment.text[0]} {left}" if left else ""


def _body(comment: Comment) -> str:
    return comment.text.translate(_MARKS_AS_BLANKS)


def _addresses(comment: Comment, rules: Rules | None) -> Iterator[tuple[Entry, str, IPv4Network]]:
    """Yield the words of a comment that read as addresses, with the entry that each would be."""
    if "." not in plain(comment.text):
        return
    for word in parse(_body(comment)).entries:
        spelled = plain(word.text)
        match = _ADDRESS.search(spelled)
        if match is None or (address := read_ipv4(match["address"])) is None:
            continue
        network = read_network(match[0]) or IPv4Network(address)
        if rules is None or is_usable(network, rules):
            yield word, spelled if _ONLY_AN_ADDRESS.fullmatch(spelled) else match[0], network
