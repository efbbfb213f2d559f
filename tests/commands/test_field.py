"""What people pasted, configured and got back, by their public reports: the program says what is right.

The inputs have the shape of the report and values of our own. Rows that need more than a command stand where their parts
are tested, and are marked `field` there. The table is printed at the end of a run; alone: `pytest tests/commands/test_field.py`.
"""

# ruff: noqa: E501 - one case a line

from __future__ import annotations

import base64
import io
import json
import random
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.canaries import Canaries, leaked
from tests.commands.conftest import Command
from wizard.core.secret import Secret
from wizard.intake.private_keys import import_pem

ROWS = 53
GITHUB = "https://github.com/{}/issues/{}"


def source(report: str) -> str:
    """Return the address of `owner/name#1`; a page's name as it is."""
    return GITHUB.format(*report.split("#")) if re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", report) else report


def row(numbers: str, kind: str, report: str, *values: object, name: str = "") -> ParameterSet:
    marks = [pytest.mark.field(int(number), kind, source(report)) for number in numbers.split()]
    return pytest.param(*values, marks=marks, id=f"{numbers.replace(' ', '-')} {name or report}")


# --- lists ---------------------------------------------------------------------------------------

A, B, OLD = "45.77.10.20", "45.77.10.21", "45.77.10.66"
FOUR = dict.fromkeys(f"45.77.10.{last}" for last in range(20, 24))


def listed(*values: object, kind: str = "lists", name: str = "") -> ParameterSet:
    numbers, report, text, found, left_out = values
    return row(str(numbers), kind, str(report), text, found, left_out, name=name)


LISTS = [
    listed("36", "oneuptime.com, Cloud NAT with Terraform", f"NAME     ADDRESS/RANGE  TYPE      PURPOSE  STATUS\nnat-1    {A}    EXTERNAL           IN_USE\nnat-2    {B}    EXTERNAL           RESERVED\n", {A: "nat-1", B: "nat-2"}, []),
    listed("36", "az network public-ip list -o table", f"Name     Location   IpAddress    State\n-------  ---------  -----------  ---------\nbot-ip   japaneast  {A}  Succeeded\n", {A: "bot-ip"}, []),
    listed("36", "doctl compute droplet list", f"ID      Name     Public IPv4    Private IPv4\n3164    bot-1    {A}    10.130.0.2\n", {A: "bot-1", "10.130.0.2": "bot-1"}, []),
    listed("37", "besthub.dev, nginx allow and deny", f"allow {A};\nallow 45.77.10.0/28;  # vpn\ndeny all;\n", {A: None, "45.77.10.0/28": "vpn"}, []),
    listed("37 47", "codingdict.com, nginx deny", f"deny {OLD};\nallow {A};\n", {A: None}, [OLD]),
    listed("38", "AWS security group, IpRanges", f'{{"IpRanges":[{{"CidrIp":"{A}/32","Description":"office"}},{{"CidrIp":"{B}/32"}}]}}', {A: "office", B: None}, []),
    listed("39", "JGeek00/crowdsec-monitor-api#28", f"{A} ; bot in Tokyo\n{B} ; SBL256894\n", {A: "bot in Tokyo", B: "SBL256894"}, []),
    listed("40", "wpexpertsio/password-protected#134", f"{A} Office London\n{B} - Bob home\n", {A: "Office London", B: "Bob home"}, []),
    listed("41", "PTDefender/Welcome#22", f"hey, please whitelist {A} and {B} (the second one is the vpn). thx!", {A: None, B: "second one is the vpn"}, []),
    listed("42 47", "arangodb/docs#1018", f"{A} // office\n{B}\t// bot-2 was {OLD}\n", {A: "office", B: "bot-2"}, [OLD]),
    listed("43", "jonnyzzz.com, Terraform list", f'cidr_blocks = [\n  "{A}/32", # tokyo\n  "{B}/32",\n  //...\n]\n', {A: "tokyo", B: None}, []),
    listed("43", "oneuptime.com, Terraform map", f'allowed = {{\n  "office" = {{\n    cidr = "{A}/32"\n    description = "Main"\n  }}\n}}\n', {A: "office"}, []),
    listed("47", "arangodb/docs#1018", f"{A} -- was {OLD}", {A: None}, [OLD], name="after a mark of SQL"),
    listed("47", "wpexpertsio/password-protected#155", f"{A} Bob (old: {OLD})", {A: "Bob"}, [OLD]),
    listed("44", "pfsense/pfsense-packages#415", "45.77.100.0-45.77.101.255", {}, ["512 addresses"], kind="repairs"),
    listed("44", "DigitalRuby/IPBan#24", "10.0.0.1-10.0.0.3", {}, ["private LAN"], kind="repairs"),
    listed("45", "nmap/nmap#1110", "45.77.10.0 255.255.255.240", {"45.77.10.0/28": None}, [], kind="repairs"),
    listed("45", "antonioribeiro/firewall#64", "45.77.10.0 0.0.0.255", {"45.77.10.0/24": None}, [], kind="repairs"),
    *(
        listed("46", "kintura/qa#35", text, FOUR, [], kind="repairs", name=text)
        for text in (f"{A} to 45.77.10.23", f"{A}~45.77.10.23", f"{A}..45.77.10.23", f"{A} -> 45.77.10.23", f"{A} through 45.77.10.23",
                     "45.77.10.[20-23]", f"{A},21,22,23", f"{A}:45.77.10.23", f"{A}/21/22/23", f"{A}, 21, 22 and 23", f"{A};21;22;23")
    ),
    listed("46", "XRPLF/clio#244", "45.77.10.{20,21}", {A: None, B: None}, [], kind="repairs"),
    # Of the kinds, beside the reports.
    listed("36", "traceroute", f"traceroute to {OLD} ({OLD}), 30 hops max\n 1  192.168.1.1 (192.168.1.1)  1.1 ms\n 2  core.example (45.77.99.1)  10.2 ms 45.77.99.2 (45.77.99.2)  11 ms\n", {}, [OLD, OLD, *["192.168.1.1"] * 2, "45.77.99.1", *["45.77.99.2"] * 2]),
    listed("36", "mtr --report", "HOST: bot     Loss%   Snt   Last\n  1.|-- 45.77.99.1   0.0%    10    0.5\n", {}, ["45.77.99.1"]),
    listed("36", "nslookup of Windows", f"Server:  dns.example\nAddress:  9.9.9.9\n\nName:    bot.example.com\nAddresses:  {A}\n", {A: "bot.example.com"}, ["9.9.9.9"]),
    listed("47", "a diff without its head", f'-  "{OLD}/32",\n+  "{A}/32",\n', {A: None}, [OLD]),
    listed("47", "terraform plan", f'  ~ x = [\n      - "{OLD}/32",\n      + "{A}/32",\n        "{B}/32",\n    ]\n', {A: None, B: None}, [OLD]),
    listed("47", "terraform plan of one value", f'  ~ source_ip = "{OLD}" -> "{A}"\n', {A: "source_ip"}, [OLD]),
    listed("47", "pf.conf", f"table <bad> {{ {OLD} }}\nblock in quick from <bad>\npass in from {A}\n", {A: "pass"}, [OLD]),
    listed("47", "authorized_keys", f'from="{A},!{OLD}" ssh-ed25519 me', {A: None}, [OLD]),
    listed("38", "Google Cloud rules", f'[{{"name":"in","sourceRanges":["{A}/32"],"allowed":[{{"x":"tcp"}}]}},{{"name":"out","sourceRanges":["{OLD}/32"],"denied":[{{"x":"all"}}]}}]', {A: "in"}, [OLD]),
    listed("38", "Hetzner firewall", f'{{"rules":[{{"source_ips":["{A}/32","::/0"],"description":"ssh"}}]}}', {A: "ssh"}, ["::"]),
    listed("43", "Terraform ingress", f'ingress {{\n  description = "Main"\n  cidr_blocks = ["{A}/32"]\n}}\ningress {{\n  cidr_blocks = [\n    "{B}/32",\n  ]\n  description = "vpn"\n}}\n', {A: "Main", B: "vpn"}, []),
    listed("36", "ssh_config", f"Host bot-1\n    HostName {A}\n    User root\n\nHost bot-2\n  HostName {B}\n", {A: "bot-1", B: "bot-2"}, []),
    listed("40", "names without empty lines", f"name: bot-1\nip: {A}\nname: bot-2\nip: {B}\nstate: active\n", {A: "bot-1", B: "bot-2"}, []),
    listed("45", "a router's list", "permit 45.77.10.16 wildcard 0.0.0.15", {"45.77.10.16/28": None}, [], kind="repairs"),
    listed("46", "an end of two characters", f"{A} thru .23", FOUR, [], kind="repairs"),
    listed("38", "EC2 instances", f'{{"Instances":[{{"PublicIpAddress":"{A}","State":{{"Name":"running"}}}},{{"PublicIpAddress":"{OLD}","State":{{"Name":"terminated"}}}}]}}', {A: None}, [OLD]),
    listed("38", "Vultr instances", f'{{"label":"bot-1","main_ip":"{A}","gateway_v4":"45.77.10.1"}}', {A: "bot-1"}, ["45.77.10.1"]),
    listed("36", "a table of MySQL", f"+-------------+--------+\n| ip          | active |\n+-------------+--------+\n| {A} |      1 |\n| {OLD} |      0 |\n+-------------+--------+\n", {A: None}, [OLD]),
    listed("47", "SQL", f"UPDATE allowed SET ip='{A}' WHERE ip='{OLD}';\n", {A: "UPDATE"}, [OLD]),
    listed("46", "spaces within", "bot 45 . 77 . 10 . 20", {A: "bot"}, [], kind="repairs"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found", "left_out"), LISTS)
def test_a_list_as_people_have_it(
    text: str, found: dict[str, str | None], left_out: list[str], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    told = command("whitelist", "-", "--json").json
    assert {each["network"].removesuffix("/32"): each["label"] for each in told["found"]} == found
    assert all(each["remark"] for each in told["found"] if each["network"].startswith(("10.", "192.168.")))
    reasons = sorted(each["reason"] for each in told["left_out"])
    assert len(reasons) == len(left_out), reasons
    assert not [part for part in left_out if not any(part in reason for reason in reasons)], reasons


@pytest.mark.field(1, "lists", source("JKorf/Binance.Net#1255"))
@pytest.mark.parametrize("key", ["a51f0c9e7d3b580c" * 4, "A51f0c9E7d3b580c" * 4])
def test_a_key_in_the_place_of_a_list_is_hidden(key: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(key.encode())))
    for arguments in (("whitelist", key), ("whitelist", "-", "--json")):
        said = command(*arguments)
        assert said.code == 2
        assert leaked(key, said.out + said.err) == []


# --- configuration -------------------------------------------------------------------------------

dice = random.Random(15)
K, S, K2, S2 = ("".join(dice.choices(string.ascii_letters + string.digits, k=63)) + "7" for _ in range(4))
SEED = dice.randbytes(32)
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
FERNET = "gAAAAAB" + "".join(dice.choices(string.ascii_letters, k=120)) + "=="


def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b"") -> str:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption).decode()  # type: ignore[attr-defined, no-any-return]


PEM = pem(ED25519)
PUTTY = (
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: bot\nPublic-Lines: 1\nAAAAC3NzaC1lZDI1\nPrivate-Lines: 1\nAAAAIA==\nPrivate-MAC: "
    + "0a" * 32
    + "\n"
)
PAIR = "BINANCE_API_KEY={}\nBINANCE_API_SECRET={}\n"


def taken(
    numbers: str, report: str, text: str, key_name: str, secret_name: str, kind: str = "files", name: str = ""
) -> ParameterSet:
    return row(numbers, kind, report, text, key_name, secret_name, name=name)


CHOSEN = [
    taken("6", "vStrek01/ai-binance-bot-v3, keys_example.py", PAIR.format(K, S) + f"BINANCE_TESTNET_API_KEY={K2}\nBINANCE_TESTNET_API_SECRET={S2}\n", "BINANCE_API_KEY", "BINANCE_API_SECRET"),
    taken("7", "a template with MEXC beside Binance", f"BINANCE_API_KEY={K}\nBINANCE_SECRET={S}\nMEXC_API_KEY=mx0vglAbCdEfGh1234\nMEXC_SECRET={'0123456789abcdef' * 2}\n", "BINANCE_API_KEY", "BINANCE_SECRET"),
    taken("8", "a scanner's file with a data service", f"BINANCE_API_KEY={K}\nBINANCE_SECRET_KEY={S}\nOPENAI_API_KEY=sk-proj-{K2}\nTELEGRAM_BOT_TOKEN=1234:AAE{S2}\n", "BINANCE_API_KEY", "BINANCE_SECRET_KEY"),
    taken("9", "CyberPunkMetalHead/Binance-volatility-trading-bot#226", f"prod:\n  access_key: {K}\n  secret_key: {S}\ntest:\n  access_key: {K2}\n  secret_key: {S2}\n", "prod.access_key", "prod.secret_key"),
    taken("10", "Haehnchen/crypto-trading-bot#107", json.dumps({"exchanges": {"binance": {"key": K, "secret": S}, "bitmex": {"key": None, "secret": None}}}), "exchanges.binance.key", "exchanges.binance.secret"),
    taken("11", "kubernetes/kubernetes#7817", f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: bot\nstringData:\n  BINANCE_API_KEY: {K}\n  BINANCE_API_SECRET: {S}\n", "BINANCE_API_KEY", "BINANCE_API_SECRET"),
    taken("12", "an old key in a comment", f'{{ // live\n"exchange": {{"name": "binance", "key": "{K}", // spot\n"secret": "{S}",\n/* "key": "{K2}", */ }},}}', "exchange.key", "exchange.secret"),
    taken("13", "binance/binance-api-postman#77", json.dumps({"values": [{"key": "url", "value": "https://api.binance.com"}, {"key": "binance-api-key", "value": K}, {"key": "binance-api-secret", "value": S}, {"key": "binance-api-secret", "value": S2, "enabled": False}]}), "binance-api-key", "binance-api-secret"),
    taken("17", "ccxt, examples in JavaScript", f"const apiKey = process.env.BINANCE_API_KEY || '{K}'\nconst apiSecret = process.env.BINANCE_API_SECRET || '{S}'\n", "apiKey", "apiSecret"),
    taken("18", "block marks of YAML", f"binance:\n  api_key: >-\n    {K}\n  api_secret: |\n    {S}\n", "binance.api_key", "binance.api_secret"),
    taken("19", "systemd/systemd#10604", f'[Service]\nEnvironment="BINANCE_API_KEY={K}" "BINANCE_API_SECRET={S}"\n', "BINANCE_API_KEY", "BINANCE_API_SECRET"),
    taken("19", "hercules-team/augeas#478", f"[Service]\nEnvironment=BINANCE_API_KEY={K}\nEnvironment=BINANCE_API_SECRET={S}\n", "BINANCE_API_KEY", "BINANCE_API_SECRET"),
    *(
        taken("20", "EdIzotov/tranquill, README", form.format("API_KEY", K) + form.format("API_SECRET", S), "BINANCE_API_KEY", "BINANCE_API_SECRET", name=form[:8])
        for form in ('setx BINANCE_{} "{}"\n', "set -gx BINANCE_{} {}\n", "setenv BINANCE_{} {}\n", "ENV BINANCE_{} {}\n")
    ),
    taken("21", "m1ndgames, apikey_public", f"BINANCE_PUBLIC_KEY={K}\nBINANCE_PRIVATE_KEY={S}\n", "BINANCE_PUBLIC_KEY", "BINANCE_PRIVATE_KEY"),
    taken("22", "motdotla/dotenv#445", "\ufeff" + PAIR.format(K, S), "BINANCE_API_KEY", "BINANCE_API_SECRET", name="UTF-16"),
    taken("23 29", "freqtrade/freqtrade#10397", json.dumps({"exchange": {"name": "binance", "key": K, "secret": PEM}}), "exchange.key", "exchange.secret"),
    taken("23 28", "freqtrade/freqtrade#8034", f'BINANCE_API_KEY={K}\nBINANCE_PRIVATE_KEY="{PEM}"\n'.replace(PEM, PEM.replace("\n", "\\n")), "BINANCE_API_KEY", "BINANCE_PRIVATE_KEY"),
    taken("24", "rows of Helm", f"env:\n  - name: BINANCE_API_KEY\n    value: {K}\n  - name: BINANCE_API_SECRET\n    value: {S}\n", "BINANCE_API_KEY", "BINANCE_API_SECRET"),
    # Of the kinds, beside the reports.
    taken("21", "passwords as Chrome exports them", f"name,url,username,password,note\nmail,https://mail.example,me,hunter2,\nbinance,https://www.binance.com/,{K},{S},\nkraken,https://kraken.com,{K2},{S2},\n", "[2].username", "[2].password"),
    taken("17", "curl", f"curl -H 'X-MBX-APIKEY: {K}' https://api.binance.com/api/v3/account\nsecret={S}\n", "X-MBX-APIKEY", "secret"),
    taken("17", "lines of a name and two values", f"kraken,{K2},{S2}\nbinance,{K},{S}\n", "", ""),
    taken("24", "base64 by its name", f"BINANCE_API_KEY_B64={base64.b64encode(K.encode()).decode()}\nBINANCE_API_SECRET_B64={base64.b64encode(S.encode()).decode()}\n", "BINANCE_API_KEY_B64", "BINANCE_API_SECRET_B64"),
    taken("17", "a class of TypeScript", f"export class Bot {{\n  private apiKey = '{K}';\n  private apiSecret = '{S}';\n}}\n", "Bot.apiKey", "Bot.apiSecret"),
    taken("17", "C", f'#define API_KEY "{K}"\n#define API_SECRET "{S}"\n', "API_KEY", "API_SECRET"),
    taken("17", "Superalgos", json.dumps({"name": "Key", "config": json.dumps({"codeName": K, "secret": S})}), "config.codeName", "config.secret"),
    taken("8", "a key for logins beside it", PAIR.format(K, S) + f'SSH_PRIVATE_KEY="{PEM}"\n', "BINANCE_API_KEY", "BINANCE_API_SECRET"),
]  # fmt: skip


VALUES = (K, S, K2, S2, SEED.hex(), FERNET, PEM)
CANARIES = Canaries(dict(zip(VALUES, VALUES, strict=True)))


def dry_run(command: Command, text: str, file: Path) -> tuple[int, dict[str, Any]]:
    file.write_text(text, encoding="utf-16" if text.startswith("\ufeff") else "utf-8")
    file.chmod(0o600)
    said = command("import", "production", str(file), "--dry-run", "--json")
    assert CANARIES.found(said.out + said.err) == []
    return said.code, said.json


@pytest.mark.parametrize(("text", "key_name", "secret_name"), CHOSEN)
def test_the_key_in_a_file_is_the_one_that_is_meant(
    text: str, key_name: str, secret_name: str, command: Command, tmp_path: Path
) -> None:
    code, told = dry_run(command, text, tmp_path / "bot.conf")
    chosen = [each for each in told["candidates"] if each["chosen"]]
    assert (code, len(chosen)) == (0, 1)
    assert chosen[0]["fingerprint"] == Secret(K).fingerprint()
    assert (chosen[0]["key_name"] or "", chosen[0]["secret_name"] or "") == (key_name, secret_name)
    assert (chosen[0]["kind"], bool(chosen[0]["public_key"])) == (
        ("ed25519", True) if "BEGIN" in text and "SSH" not in text else ("hmac", False)
    )


def refused(numbers: str, report: str, text: str, said: str, kind: str = "no values", name: str = "") -> ParameterSet:
    return row(numbers, kind, report, text, said, name=name)


REFUSED = [
    refused("14", "UPetit/python-binance-profit#25", PAIR.format("your_api_key_here", "your_secret_key_here"), "a placeholder"),
    refused("15", "Drakkar-Software/OctoBot#333", json.dumps({"exchanges": {"binance": {"api-key": FERNET, "api-secret": FERNET}}}), "OctoBot"),
    refused("16 25", "freqtrade/freqtrade#4409", "binance:\n  api_key: ${BINANCE_API_KEY}\n  api_secret: ${BINANCE_API_SECRET}\n", "the name of a variable"),
    refused("16", "GitHub Actions", "env:\n  BINANCE_API_KEY: ${{ secrets.K }}\n  BINANCE_API_SECRET: ${{ secrets.S }}\n", "the name of a variable"),
    refused("10", "null for both", json.dumps({"binance": {"key": None, "secret": None}}), "no value"),
    refused("31", "PuTTY, in YAML", f"api_key: {K}\nprivate_key: |\n" + "".join(f"  {line}\n" for line in PUTTY.splitlines()), "puttygen FILE -O private-openssh", kind="private keys"),
    refused("15", "a sealed secret", "encryptedData:\n  BINANCE_API_KEY: Ag" + "Ab3" * 100 + "\n  BINANCE_API_SECRET: Ag" + "Ab4" * 100 + "\n", "encrypted"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), REFUSED)
def test_what_is_no_value_is_refused_by_what_it_is(text: str, what: str, command: Command, tmp_path: Path) -> None:
    code, told = dry_run(command, text, tmp_path / "bot.conf")
    assert code == 1
    assert [what in each["refused"] for each in told["candidates"]] == [True]


# Listed with nothing chosen, or left out.
NOT_CHOSEN = {
    "an exchange that is not known": (f"[foobarex]\napi_key={K[:48]}\napi_secret={S[:48]}\n", 1),
    "two of one site": (f"ALICE_API_KEY={K}\nALICE_API_SECRET={S}\nBOB_API_KEY={K2}\nBOB_API_SECRET={S2}\n", 2),
    "two by their lists": (json.dumps({"api_keys": [K, K2], "api_secrets": [S, S2]}), 2),
    "a key for logins": (f'SSH_PRIVATE_KEY="{PEM}"\n', 0),
    "a header alone": (f'curl -H "X-MBX-APIKEY: {K}" https://api.binance.com/\n', 1),
    "another company's Binance": (f"BINANCE_TR_API_KEY={K}\nBINANCE_TR_API_SECRET={S}\n", 1),
}


@pytest.mark.field(7, "files", "of the kinds, beside the reports")
@pytest.mark.parametrize("case", NOT_CHOSEN)
def test_what_may_be_another_key_is_not_chosen(case: str, command: Command, tmp_path: Path) -> None:
    text, count = NOT_CHOSEN[case]
    code, told = dry_run(command, text, tmp_path / "bot.conf")
    assert (code, len(told["candidates"]), any(each["chosen"] for each in told["candidates"])) == (1, count, False)


@pytest.mark.field(7, "files", "of the kinds, beside the reports")
def test_the_only_pair_of_binances_shape_is_chosen_whoevers_name_it_has(command: Command, tmp_path: Path) -> None:
    code, told = dry_run(command, f"ALICE_API_KEY={K}\nALICE_API_SECRET={S}\n", tmp_path / "bot.conf")
    assert (code, [each["chosen"] for each in told["candidates"]]) == (0, [True])


# --- private keys --------------------------------------------------------------------------------


def public(key: object) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()  # type: ignore[attr-defined, no-any-return]


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


RAW = ED25519.public_key().public_bytes_raw()
VERSION_2 = bytes.fromhex("3053020101300506032b657004220420") + SEED + bytes.fromhex("a123032100") + RAW
OPENSSH = pem(ED25519, PrivateFormat.OpenSSH)
KEYS = [
    ("28", "box/box-node-sdk#259", PEM.replace("\n", "\\n")),
    ("28", "dwyl/learn-environment-variables#17", PEM.replace("\n", " ")),
    ("28", "eduardoboucas/staticman#332", PEM.replace("\n", "")),
    ("28", "freqtrade/freqtrade#8034", f'"{PEM}"'),
    ("29", "pyca/cryptography#6760", f"-----BEGIN PRIVATE KEY-----\n{base64.encodebytes(VERSION_2).decode()}-----END PRIVATE KEY-----\n"),
    ("29", "openssl/openssl#9134", base64.b64encode(VERSION_2).decode()),
    ("30", "pyca/cryptography#7314", OPENSSH),
    ("32", "ccxt/ccxt#16280", PEM + public(ED25519)),
    ("32", "openssl pkcs12", f"Bag Attributes\n    friendlyName: bot\nKey Attributes: <No Attributes>\n{PEM}"),
    ("33", "motdotla/dotenv#445", "\ufeff" + PEM),
    ("34", "empty lines between", PEM.replace("\n", "\n\n")),
    ("34", "indented in YAML", "private_key: |\n" + "".join(f"  {line}\n" for line in PEM.splitlines())),
    ("28", "a page", PEM.replace("\n", "<br>").replace(" ", "\u00a0")),
    ("35", "binance/binance-connector-go#28", SEED.hex()),
    ("35", "a seed in base64", base64.b64encode(SEED).decode()),
    ("35", "base64 of the file", base64.b64encode(PEM.encode()).decode()),
    ("35", "JWK", json.dumps({"kty": "OKP", "crv": "Ed25519", "d": url64(SEED), "x": url64(RAW)})),
]  # fmt: skip


@pytest.mark.parametrize("text", [row(numbers, "private keys", report, text) for numbers, report, text in KEYS])
def test_a_private_key_is_read_from_a_file_and_from_a_paste_alike(text: str, command: Command, tmp_path: Path) -> None:
    code, told = dry_run(command, text, tmp_path / "key")
    (one,) = told["candidates"]
    assert (code, one["chosen"], one["missing"], one["public_key"]) == (0, True, "api_key", public(ED25519))
    assert import_pem(Secret(text)).public_pem == public(ED25519)


@pytest.mark.field(30, "private keys", source("rvdh/aws_lambda_bunq2ynab#3"))
def test_the_passphrase_of_an_openssh_key_comes_by_a_descriptor(command: Command, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(pem(ED25519, PrivateFormat.OpenSSH, b"correct horse"))
    (tmp_path / "word").write_text("correct horse\n")
    with (tmp_path / "word").open() as given:
        descriptor = str(given.fileno())
        told = command(
            "import", "production", str(tmp_path / "key"), "--dry-run", "--json", "--passphrase-fd", descriptor
        ).json
    assert told["candidates"][0]["public_key"] == public(ED25519)


WAYS_OUT: list[tuple[str, str, Callable[[], str], str]] = [
    ("31", "geekersdigest.com, PuTTY", lambda: PUTTY, "puttygen FILE -O private-openssh"),
    ("35", "Ed448", lambda: pem(ed448.Ed448PrivateKey.generate()), "Ed25519"),
    ("35", "an elliptic curve", lambda: pem(ec.generate_private_key(ec.SECP256R1())), "or an RSA key of 2048"),
    ("35", "RSA of 1024 bits", lambda: pem(rsa.generate_private_key(65537, 1024)), "Ed25519"),
    ("32", "a public key alone", lambda: public(ED25519), "private key of the same pair"),
]


@pytest.mark.parametrize(
    ("text", "way_out"), [row(numbers, "private keys", name, text, said) for numbers, name, text, said in WAYS_OUT]
)
def test_a_private_key_that_is_not_taken_is_named_with_the_way_out(
    text: Callable[[], str], way_out: str, command: Command, tmp_path: Path
) -> None:
    code, told = dry_run(command, text(), tmp_path / "key")
    assert code == 1
    assert [way_out in each["refused"] for each in told["candidates"]] == [True], told


# --- all of them ---------------------------------------------------------------------------------


def test_every_report_has_a_test() -> None:
    marked = set(
        map(
            int,
            re.findall(
                r"mark\.field\((\d+)",
                "".join(file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py")),
            ),
        )
    )
    own = {mark.args[0] for each in (*LISTS, *CHOSEN, *REFUSED) for mark in each.marks}
    own |= {int(number) for rows in (KEYS, WAYS_OUT) for each in rows for number in each[0].split()}
    assert marked | own == set(range(1, ROWS + 1))
