"""Lists as people have them: what is taken from a text, with which names, and what is left out."""

# ruff: noqa: E501 - one case a line

from __future__ import annotations

import pytest

from wizard.core.rules import Rules
from wizard.whitelist.entries import parse
from wizard.whitelist.extract import Extract, extract, text_within
from wizard.whitelist.findings import ListContext
from wizard.whitelist.rendering import written
from wizard.whitelist.validation import validate

BOT, NEXT, GONE = "45.77.10.20", "45.77.10.21", "45.77.10.66"

# What it is and who reported it, the text, what is found with its name, and what is left out.
TEXTS: list[tuple[str, str, dict[str, str | None], list[str]]] = [
    ("nginx, besthub.dev", f"allow {BOT};\nallow 45.77.10.0/28;  # vpn\ndeny all;\n", {BOT: None, "45.77.10.0/28": "vpn"}, []),
    ("nginx deny, codingdict", f"deny {GONE};\nallow {BOT};\n", {BOT: None}, [GONE]),
    ("JGeek00/crowdsec-monitor-api#28", f"{BOT} ; bot in Tokyo\n{NEXT} ; SBL256894\n", {BOT: "bot in Tokyo", NEXT: "SBL256894"}, []),
    ("arangodb/docs PR#1018", f"{BOT} // office\n{NEXT}\t// bot-2 was {GONE}\n", {BOT: "office", NEXT: "bot-2"}, [GONE]),
    ("arangodb/docs PR#1018, SQL", f"{BOT} -- was {GONE}", {BOT: None}, [GONE]),
    ("wpexpertsio/password-protected#134", f"{BOT} Office London\n{NEXT} - Bob home\n", {BOT: "Office London", NEXT: "Bob home"}, []),
    ("jonnyzzz.com terraform", f'cidr_blocks = [\n  "{BOT}/32", # tokyo\n  "{NEXT}/32",\n  //...\n]\n', {BOT: "tokyo", NEXT: None}, []),
    ("oneuptime terraform map", f'a = {{\n  "office" = {{\n    cidr = "{BOT}/32"\n    description = "Main"\n  }}\n}}\n', {BOT: "office"}, []),
    ("AWS security group", f'{{"IpRanges":[{{"CidrIp":"{BOT}/32","Description":"office"}},{{"CidrIp":"{NEXT}/32"}}]}}', {BOT: "office", NEXT: None}, []),
    ("az -o table", f"Name     IpAddress     State\n-------  ------------  ----\nbot-ip   {BOT}   Succeeded\n", {BOT: "bot-ip"}, []),
    ("gcloud, oneuptime.com", f"NAME   ADDRESS/RANGE  TYPE      STATUS\nnat-1  {BOT}    EXTERNAL  IN_USE\nnat-2  {NEXT}    EXTERNAL  RESERVED\n", {BOT: "nat-1", NEXT: "nat-2"}, []),
    ("Excel with semicolons", f"\ufeffName;IP\r\nbot-1;{BOT}\r\nbot-2;{NEXT}\r\n", {BOT: "bot-1", NEXT: "bot-2"}, []),
    ("Excel with tabs", f"bot-1\t{BOT}\nbot-2\t{NEXT}\n", {BOT: "bot-1", NEXT: "bot-2"}, []),
    ("Markdown table", f"| Region | IP |\n|---|---|\n| Tokyo | {BOT} |\n| Osaka | {NEXT},45.77.10.22 |\n", {BOT: "Tokyo", NEXT: "Osaka", "45.77.10.22": "Osaka"}, []),
    ("PTDefender/Welcome#22", f"hey, please whitelist {BOT} and {NEXT} (the vpn). thx!", {BOT: None, NEXT: "vpn"}, []),
    ("SPF", f"v=spf1 ip4:{BOT} ip4:45.77.10.16/28 -all", {BOT: None, "45.77.10.16/28": None}, []),
    ("HTML", f"{BOT}<br>{NEXT}", {BOT: None, NEXT: None}, []),
    ("signs before", f"★ {BOT}\n👉 {NEXT}\n", {BOT: None, NEXT: None}, []),
    ("a provider's mail", f"IPv4 address: {BOT}\nGateway: 45.77.10.1\nNetmask: 255.255.255.0\nDNS: 9.9.9.9\n", {BOT: None}, ["45.77.10.1", "255.255.255.0", "9.9.9.9"]),
    ("a comment's block", f"allow {BOT}; /* {GONE}\n{NEXT} */\n<!-- 45.77.10.67 -->", {BOT: None}, [GONE, NEXT, "45.77.10.67"]),
    ("struck through", f"~~{GONE}~~ {BOT}\n<s>45.77.10.67</s>", {BOT: None}, [GONE, "45.77.10.67"]),
    ("headings", f"Current:\n{BOT}\n\nOld:\n{GONE}\n", {BOT: None}, [GONE]),
    ("comments as headings", f"# active\n{BOT}\n# removed\n{GONE}\n", {BOT: None}, [GONE]),
    ("a stale note", f"{BOT} # bot\n{GONE} # old\n", {BOT: "bot"}, [GONE]),
    ("YAML", f"allow:\n  - {BOT}  # bot\ndeny:\n  - {GONE}\nhosts:\n  tokyo: {NEXT}\n", {BOT: "bot", NEXT: "tokyo"}, [GONE]),
    ("JSON rules", f'[{{"name":"a","action":"allow","ip":"{BOT}"}},\n{{"action":"deny","ip":"{GONE}"}}]', {BOT: "a"}, [GONE]),
    ("JSON switches", f'{{"rules":[{{"ip":"{GONE}","enabled":false}}],"old":["45.77.10.67"],"{BOT}":"Bob"}}', {BOT: "Bob"}, [GONE, "45.77.10.67"]),
    ("a status column", f"Name,IP,Status\na,{BOT},active\nb,{GONE},retired\n", {BOT: "a"}, [GONE]),
    ("an old column and a port", f"Name;Old IP;New IP;Port\na;{GONE};{BOT};443\n", {BOT: "a"}, [GONE]),
    ("a mask column", "Network;Mask\n45.77.10.16;255.255.255.240\n", {"45.77.10.16/28": None}, []),
    ("hosts", f"127.0.0.1 localhost\n{BOT}  bot.example.com\n#{GONE} off\n", {"127.0.0.1": "localhost", BOT: "bot.example.com"}, [GONE]),
    ("iptables", f"-A INPUT -s {BOT}/32 -p tcp --dport 443 -j ACCEPT\n-A INPUT -s {GONE}/32 -j DROP\n", {BOT: None}, [GONE]),
    ("ufw", f"[ 1] 443/tcp  ALLOW IN  {BOT}  # bot\n[ 2] 443/tcp  DENY IN  {GONE}\n", {BOT: "bot"}, [GONE]),
    ("Apache", f"Require ip {BOT}\nRequire not ip {GONE}\nDeny from 45.77.10.67\n", {BOT: None}, [GONE, "45.77.10.67"]),
    ("a router", f"access-list 10 permit 45.77.10.0 0.0.0.15\naccess-list 10 deny host {GONE}\n", {"45.77.10.0/28": None}, [GONE]),
    ("ip a", f"    inet {BOT}/24 brd 45.77.10.255 scope global eth0\n    inet6 2001:db8::1/64 scope global\n", {BOT: None}, ["45.77.10.255", "2001:db8::1"]),
    ("dig", f";; ANSWER SECTION:\nme.example.\t0\tIN\tA\t{BOT}\n;; SERVER: 9.9.9.9#53(9.9.9.9)\n", {BOT: "me.example"}, ["9.9.9.9", "9.9.9.9"]),
    ("curl -v", f"*   Trying 34.117.59.81:80...\n* Connected to ifconfig.me (34.117.59.81) port 80\n{BOT}\n", {BOT: None}, ["34.117.59.81"] * 2),
    ("moved", f"moved from {GONE} to {BOT}, remove 45.77.10.67 and add {NEXT}", {BOT: None, NEXT: None}, [GONE, "45.77.10.67"]),
    ("versions and names", f"bot v1.2.3.4 and nginx/1.18.0.0 at {BOT}, 45.77.10.30.nip.io, https://x.com/?ip={GONE}", {BOT: None}, ["1.2.3.4", "1.18.0.0", "45.77.10.30", GONE]),
    ("ports and logins", f"at {BOT}:443 (root@{NEXT})", {BOT: None, NEXT: None}, []),
    ("no address", f"is {BOT} or 999.1.1.1 or 0.0.0.0/0 or 45.77.0.0/16", {BOT: None}, ["999.1.1.1", "0.0.0.0/0", "45.77.0.0/16"]),
    ("allowed here, denied there", f"allow {BOT};\nallow {GONE};\ndeny {GONE};\n", {BOT: None}, [GONE, GONE]),
]  # fmt: skip


def found(extracted: Extract) -> dict[str, str | None]:
    return {written(each.network): each.label for each in extracted.found}


@pytest.mark.parametrize(("text", "taken", "left_out"), [each[1:] for each in TEXTS], ids=[each[0] for each in TEXTS])
def test_the_addresses_of_a_text_are_found_with_their_names(
    text: str, taken: dict[str, str], left_out: list[str]
) -> None:
    within = text_within(text, Rules())

    assert within is not None, "it reads as a list"
    assert found(within) == taken
    assert sorted(each.reason.split()[0].split("/3")[0] for each in within.left_out) == sorted(left_out)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("45.77.10.20,45.77.10.21 45.77.10.22;45.77.10.23", "20 21 22 23"),
        ("45.77.10.20 # the old office, Bern", "20"),
        ("45.77.10.0 255.255.255.240", "0/28"),
        ("45.77.10.0 0.0.0.15", "0/28"),
        ("45.77.10.0 mask 255.255.255.240", "0/28"),
        ("45.77.10.20 to 45.77.10.23", "20 21 22 23"),
        ("45.77.10.20 through 22", "20 21 22"),
        ("45.77.10.20~45.77.10.21", "20 21"),
        ("45.77.10.20..45.77.10.21", "20 21"),
        ("45.77.10.20 -> 45.77.10.21", "20 21"),
        ("45.77.10.20 → 45.77.10.21", "20 21"),
        ("45.77.10.[20-22]", "20 21 22"),
        ("45.77.10.{20,21}", "20 21"),
        ("45.77.10.{20..22}", "20 21 22"),
        ("45.77.10.20,21,22", "20 21 22"),
        ("45.77.10.20,.21", "20 21"),
        ("45.77.10.20/45.77.10.21", "20 21"),
        ("45.77.10.20/32:443", "20"),
        ("45.77.10.20:443/tcp", "20"),
    ],
)
def test_a_list_stays_a_list_and_what_stands_for_several_is_found_whole(text: str, networks: str) -> None:
    assert text_within(text, Rules()) is None
    assert list(found(extract(text, Rules()))) == [f"45.77.10.{each}" for each in networks.split()]
    assert extract(text, Rules()).left_out == ()
    suggested = [each.fix.suggestion if each.fix else each.entry.text for each in judged(text)]
    assert ",".join(filter(None, suggested)).split(",") == list(found(extract(text, Rules()))) or "/28" in networks


def judged(text: str) -> list:
    return list(validate(parse(text), ListContext()).entries)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("45.77.100.0-45.77.101.255", "too-wide"),
        ("45.77.10.1-45.99.10.20", "too-wide"),
        ("10.0.0.1-10.0.0.255", "private"),
        ("10.0.0.0 255.255.255.0", "private"),
        ("192.168.1.{5,6}", "private"),
        ("010.0.0.1", "private"),
    ],
)
def test_what_is_too_wide_or_private_is_said_at_once(text: str, code: str) -> None:
    (entry,) = judged(text)
    assert [(finding.code, finding.suggestion or "") for finding in entry.findings] == [(code, "")]


def test_an_address_and_its_port_are_no_two_addresses() -> None:
    assert found(extract("45.77.10.20,22", Rules())) == {BOT: None}
    assert found(extract("45.77.10.20,443\n", Rules())) == {BOT: None}


def test_private_addresses_are_marked_and_a_block_around_a_denied_one_too() -> None:
    extracted = extract("office 10.0.0.5\nallow 45.77.10.0/28\ndeny 45.77.10.3", Rules())
    assert [each.remark for each in extracted.found] == ["private", "lets in an address that is denied here"]
    assert extracted.usable == ()


def test_the_line_of_each_is_told_and_a_line_that_may_hold_a_key_is_not_shown() -> None:
    key = "Zq8" * 20
    extracted = extract(f"\r\noffice {BOT}\r\nold: {GONE} {key}\r\n\u202eold: 45.77.10.67", Rules())
    assert [each.line for each in extracted.found] == [2]
    assert [(each.line, each.text) for each in extracted.left_out] == [(3, ""), (4, "\ufffdold: 45.77.10.67")]
    assert extracted.sentence() == "1 address found in this text, 2 lines left out."
    assert key not in str(extract(f"{BOT} {key}", Rules()))


@pytest.mark.parametrize(
    "text", ["", "nothing here", "8.8.8.8 x.example.com", "8.8.8.8, any", "8.8.8.256 8.8.8.8", "office"]
)
def test_what_is_no_text_with_addresses_is_judged_as_a_list(text: str) -> None:
    assert text_within(text, Rules()) is None
