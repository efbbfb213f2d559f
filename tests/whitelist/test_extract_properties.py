"""What holds for every text of a kind: nothing denied or old is taken, and nothing is lost in silence."""

# ruff: noqa: E501 - one form a line

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.whitelist.test_whitelist_properties import required, scraps
from wizard.core.rules import Rules
from wizard.core.text import UNPRINTABLE
from wizard.whitelist.entries import parse
from wizard.whitelist.extract import extract
from wizard.whitelist.findings import ListContext, Severity
from wizard.whitelist.validation import validate

names = st.sampled_from(["bot-1", "Tokyo", "Bob home", "vpn_2", "büro", "office.london", "東京", "dr"])
good = st.integers(1, 200).map(lambda last: f"45.77.10.{last}")
bad = st.integers(1, 200).map(lambda last: f"45.77.20.{last}")
line_ends = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n"])
quotes = st.sampled_from(["", '"', "'", "`"])

# Per kind: how a line lists an address with a name, and how it denies one or calls it old.
KINDS: dict[str, tuple[list[str], list[str]]] = {
    "nginx": (
        ["allow {a};", "allow {a}; # {n}", "  allow  {a} ;", "allow {a}/32; # {n}"],
        ["deny {a};", "# allow {a};", "deny {a}; # {n}", "#deny {a};", "allow 8.8.8.8; # was {a}"],
    ),
    "notes": (
        ["{a} {n}", "{a} - {n}", "{n}: {a}", "{a} // {n}", "{a} -- {n}", "{a} ; {n}", "{a}\t{n}", "* {a} ({n})"],
        ["{a} (old)", "old: {a}", "// {a}", "; {a} {n}", "-- {a}", "{a} retired", "{n} was {a}", "~~{a}~~", "{a} // removed"],
    ),
    "mail": (
        ["please whitelist {a} for {n}, thanks", "Our {n} is at {a}.", "add {a} ({n})", "the new IP is {a}"],
        ["please remove {a}.", "it was {a} before", "the old IP {a} is gone", "no longer {a}", "don't allow {a}"],
    ),
    "firewall": (
        ["-A INPUT -s {a}/32 -j ACCEPT", "ufw allow from {a} to any port 443", "Require ip {a}", "Allow from {a}",
         "access-list 10 permit host {a}", "ip saddr {a} accept"],
        ["-A INPUT -s {a}/32 -j DROP", "ufw deny from {a}", "Require not ip {a}", "Deny from {a}", "ufw reject from {a}",
         "access-list 10 deny host {a}", "ip saddr {a} drop", "! access-list 10 permit {a}", "iptables -s {a} -j REJECT"],
    ),
    "html": (
        ["<li>{n}: {a}</li>", "{a}<br>", "<tr><td>{n}</td><td>{a}</td></tr>", "<p>{a} {n}</p>"],
        ["<!-- {a} -->", "<s>{a}</s>", "<del>{a} {n}</del>", "<!-- {n}\n{a}\n-->", "<li>old: {a}</li>"],
    ),
    "terraform": (
        ['  "{a}/32", # {n}', 'x = ["{a}/32"]', '{{ cidr = "{a}/32", description = "{n}" }}', '  "{a}/32", // {n}'],
        ['  # "{a}/32",', '  // "{a}/32",', 'denied = ["{a}/32"]', '/* "{a}/32", {n} */', '  "8.8.8.8/32", # was {a}'],
    ),
    "output": (
        ["    inet {a}/24 brd 45.77.99.255 scope global eth0", "me.example.\t0\tIN\tA\t{a}", '{{"ip":"{a}"}}', "Address: {a}"],
        ["Server:\t\t{a}", "Address:\t{a}#53", "*   Trying {a}:443...", "* Connected to x.example ({a}) port 443",
         ";; SERVER: {a}#53({a})", "default via {a} dev eth0", "Gateway: {a}", "DNS: {a}", "nginx/{a}"],
    ),
}  # fmt: skip


def check(text: str, listed: list[str], unwanted: list[str]) -> None:
    extracted = extract(text, Rules())
    taken = {address for each in extracted.found for address in map(str, each.network)}
    told = " ".join(each.reason for each in extracted.left_out)
    assert not taken & set(unwanted), "an address is taken that was denied or old"
    lost = [
        address
        for address in {*listed, *unwanted}
        if address not in taken and f"{address} " not in f"{told} ".replace("/", " ")
    ]
    assert not lost, "an address is lost in silence"
    assert {*listed} - {*unwanted} <= taken, "an address that is listed is not taken"


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_of_a_kind_is_taken_against_its_words(kind: str) -> None:
    lists, denies = KINDS[kind]
    line = st.one_of(
        st.tuples(st.sampled_from(lists), good, names, st.just(True)),
        st.tuples(st.sampled_from(denies), bad, names, st.just(False)),
    )

    @settings(max_examples=examples(500))
    @given(st.lists(line, min_size=1, max_size=8), line_ends, st.sampled_from(["", "\ufeff"]))
    def holds(lines: list[tuple[str, str, str, bool]], end: str, mark: str) -> None:
        text = mark + end.join(form.format(a=address, n=name) for form, address, name, _ in lines) + end
        check(text, [each[1] for each in lines if each[3]], [each[1] for each in lines if not each[3]])

    holds()


def rows(separator: str, *, head: bool) -> Callable[[list[tuple[str, str, bool]], str], str]:
    def table(entries: list[tuple[str, str, bool]], quote: str) -> str:
        lines = [[name, f"{quote if quote != chr(96) else ''}{address}{quote if quote != chr(96) else ''}", "active" if ok else "retired"]
                 for name, address, ok in entries]  # fmt: skip
        return "\n".join(separator.join(line) for line in ([["Name", "IP", "Status"]] if head else []) + lines)

    return table


def as_json(entries: list[tuple[str, str, bool]], quote: str) -> str:
    rules = [
        {"name": name, "cidr": f"{address}/32", "action": "allow" if ok else "deny"} for name, address, ok in entries
    ]
    return json.dumps({"rules": rules}, indent=None if quote else 2, ensure_ascii=quote == "'")


def as_json_lists(entries: list[tuple[str, str, bool]], quote: str) -> str:
    listed = {name: address for name, address, ok in entries if ok}
    more = [address for _, address, ok in entries if ok]
    return json.dumps({"allow": more, "deny": [address for _, address, ok in entries if not ok], "hosts": listed})


def as_yaml(entries: list[tuple[str, str, bool]], quote: str) -> str:
    quote = quote.replace("`", "")
    listed, denied = ([f"  - {quote}{a}{quote}" for _, a, ok in entries if ok is each] for each in (True, False))
    return "\n".join(["allowed:", *listed, "denied:", *denied])


def as_sections(entries: list[tuple[str, str, bool]], quote: str) -> str:
    listed, denied = ([a for _, a, ok in entries if ok is each] for each in (True, False))
    return "\n".join(["Current addresses:", *listed, "", f"Old addresses{':' if quote else ' ='}", *denied])


TABLES = {
    "comma": rows(",", head=True), "semicolon": rows(";", head=True), "tab": rows("\t", head=False),
    "pipe": rows(" | ", head=True), "aligned": rows("   ", head=True), "json": as_json, "json-lists": as_json_lists,
    "yaml": as_yaml, "sections": as_sections,
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_no_row_or_branch_is_taken_against_its_state(kind: str) -> None:
    entry = st.one_of(st.tuples(names, good, st.just(True)), st.tuples(names, bad, st.just(False)))

    @settings(max_examples=examples(500))
    @given(st.lists(entry, min_size=1, max_size=8), quotes)
    def holds(entries: list[tuple[str, str, bool]], quote: str) -> None:
        listed, unwanted = ([a for _, a, ok in entries if ok is each] for each in (True, False))
        check(TABLES[kind](entries, quote), listed, unwanted)

    holds()


REPAIRS = ["{f} to {l}", "{f} - {l}", "{f}~{l}", "{f}..{l}", "{f} -> {l}", "{f} → {l}", "{f} through {l}", "{f}-{n}",
           "45.77.10.[{m}-{n}]", "45.77.10.{{{m}..{n}}}", "{f}\u00a0–\u3000{l}", "“{f} to {l}”"]  # fmt: skip


@settings(max_examples=examples(500))
@given(st.integers(0, 240), st.integers(1, 12), st.sampled_from(REPAIRS), st.sampled_from(["", "\n", ",", " # bot"]))
def test_a_range_is_repaired_to_all_of_its_addresses(first: int, more: int, form: str, end: str) -> None:
    last = first + more
    text = form.format(f=f"45.77.10.{first}", l=f"45.77.10.{last}", m=first, n=last) + end
    (entry, *_) = validate(parse(text), ListContext()).entries

    suggested = {address for each in parse(entry.fix.suggestion) for address in each.network}
    assert suggested == {IPv4Address(f"45.77.10.{number}") for number in range(first, last + 1)}


@settings(max_examples=examples(500))
@given(
    st.integers(24, 32), st.integers(0, 255), st.booleans(), st.sampled_from([" ", "  ", "\t", " netmask ", "\u00a0"])
)
def test_a_mask_behind_a_space_is_a_block_or_a_question(length: int, last: int, wild: bool, between: str) -> None:
    block = IPv4Network((f"45.77.10.{last}", length), strict=False)
    mask = block.hostmask if wild and length < 32 else block.netmask
    (entry,) = validate(parse(f"45.77.10.{last}{between}{mask}"), ListContext()).entries

    texts = {entry.fix.suggestion, entry.fix.alternative} - {None}
    written = {str(block).removesuffix("/32"), f"45.77.10.{last}"}
    assert entry.has_error
    assert texts <= written
    assert entry.fix.suggestion == (
        str(block).removesuffix("/32") if str(block.network_address).endswith(f".{last}") else f"45.77.10.{last}"
    )


@settings(max_examples=examples(500))
@given(
    st.one_of(
        st.text(),
        scraps,
        st.lists(st.one_of(scraps, st.sampled_from([*REPAIRS, "/", ",", "[1-9]"])), max_size=4).map(" ".join),
    ),
    required,
)
def test_no_suggestion_is_an_error_itself(text: str, must_cover: list[tuple[IPv4Address, str]]) -> None:
    context = ListContext(Rules(), dict(must_cover))
    validation = validate(parse(text), context)
    offered = [each for entry in validation.entries for each in entry.findings] + list(validation.findings)
    for finding in offered:
        for suggestion in filter(None, (finding.suggestion, finding.alternative)):
            again = validate(parse(suggestion), context).entries
            assert again
            for entry in again:
                assert not [each for each in entry.findings if each.severity is Severity.ERROR], (finding, suggestion)


@settings(max_examples=examples(500))
@given(st.one_of(st.text(), scraps, st.text(alphabet='{}[]":,<>/*-~#;|\n\t 1.old')))
def test_no_text_makes_the_search_fail(text: str) -> None:
    for each in extract(text, Rules()).left_out:
        assert not UNPRINTABLE.search(each.text + each.reason)
