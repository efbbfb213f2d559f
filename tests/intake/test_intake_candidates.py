"""Keys as they stand in people's files: the pair that is meant, and no other one. The source of a case is beside it."""

# ruff: noqa: E501 - a case is one line

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.canaries import Canaries
from tests.examples import examples
from wizard.core.settings import Environment
from wizard.core.sites import known_sites
from wizard.exchange.signing import generate_ed25519
from wizard.intake.candidates import HeldKey, HeldKeys, choose, find_candidates, site_of
from wizard.intake.sources import decode, read_key_text

K = "CRxGs7g4o2fq4lUY0P6zHFEurXl3qbfqLnqha9z4McR68ql5MGmBPqX9cbF8FpBO"
S = "WjiMhdQGDW2dlcgCb3du8LmrFYFpG2553mBzytPAnshW6NwpiCUf2kPnR9zAwfwu"
K2 = "uD9La4vNZhySm3ANf6SCUfj9bKCOLKD6jHbXTgUi9m2bnFVuHZdT3PYGZ2ijF2WL"
S2 = "LgJH6MemxN7LDhE8DtiUTDQGm7wQ4VsNf0G4wnHFNMWVmoyXmET9WDmLvYSv8egD"
PEM = generate_ed25519().private_pem.reveal().strip()
ONE_LINE = PEM.replace("\n", "\\n")
FERNET = "gAAAAABl" + "Qw3rTy_-" * 14 + "=="


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def taken(text: str, site: str = "live", name: str = "") -> tuple[str, str] | None:
    """Return API key and what signs of the one that is chosen."""
    one = choose(find_candidates(text).found, site, name)
    if one is None:
        return None
    signs = one.pem or one.secret
    return one.api_key.reveal() if one.api_key else "", signs.reveal() if signs else ""


def names(held: HeldKeys) -> list[str]:
    return [one.name for one in held.found]


ONE = {
    "two exchanges, a template with MEXC": f"BINANCE_API_KEY={K}\nBINANCE_SECRET={S}\nMEXC_API_KEY=mx0vglAbCdEfGh1234\n"
    "MEXC_SECRET=0123456789abcdef0123456789abcdef\n",
    "an exchange with keys of the same shape": f"KRAKEN_API_KEY={K2}\nKRAKEN_SECRET={S2}\nAPI_KEY={K}\nAPI_SECRET={S}",
    "data of a Kubernetes Secret": f"apiVersion: v1\ndata:\n  api-key: {b64(K)}\n  api-secret: {b64(S)}\n",
    "a file in a Kubernetes Secret": f"data:\n  .env: {b64(f'API_KEY={K}{chr(10)}API_SECRET={S}{chr(10)}')}\n",
    "block comment, as freqtrade allows": f'{{ // live\n"exchange": {{"name": "binance", "key": "{K}", // spot\n"secret": "{S}",'
    f' /* "key": "{K2}", */ }}, }}',
    "docker compose": f"services:\n  bot:\n    environment:\n      - BINANCE_API_KEY={K}\n      - BINANCE_API_SECRET={S}\n",
    "an anchor of YAML": f"x: &k {K}\nbinance:\n  api_key: *k\n  api_secret: {S}\n",
    "a template of YAML": f"prod:\n  api_key: {K}\n  secret: {S}\n  x: {{{{ .Values.x }}}}\ntest:\n  api_key: {K2}\n  secret: {S2}\n",
    "a default in Python": f"key = os.getenv('BINANCE_API_KEY', '{K}')\nsecret = os.environ.get('B', \"{S}\")\n",
    "a default in a shell": f"export API_KEY=${{API_KEY:-{K}}}\nexport API_SECRET=${{API_SECRET:-{S}}}",
    "fish": f'set -gx BINANCE_API_KEY {K}\nset -gx BINANCE_API_SECRET "{S}"\n',
    "PowerShell": f'[Environment]::SetEnvironmentVariable("BINANCE_API_KEY", "{K}", "User")\n'
    f"$env:BINANCE_API_SECRET = '{S}'",
    "a call": f"from binance.client import Client\nclient = Client('{K}', '{S}')\n",
    "a call over lines": f"client = Client(\n    '{K}',\n    '{S}',\n    testnet=False,\n)\n",
    "a call by names": f"exchange = ccxt.binance({{'apiKey': '{K}', 'secret': '{S}', 'enableRateLimit': True}})\n",
    "a tuple": f"KEYS = ('{K}', '{S}')\n",
    "a tuple of names": f"api_key, api_secret = '{K}', '{S}'\n",
    "types": f'let api_key: &str = "{K}";\nlet api_secret: &str = "{S}";\n',
    "options": f"bot --api-key {K} --api-secret={S}\n",
    "docker run": f"docker run -e BINANCE_API_KEY={K} -e 'BINANCE_API_SECRET={S}' bot\n",
    "two clients": f"live = {{'key': '{K}', 'secret': '{S}'}}\ntestnet = {{'key': '{K2}', 'secret': '{S2}'}}\n",
    "overridden": f"BINANCE_API_KEY={K2}\nBINANCE_API_SECRET={S2}\n# new\nBINANCE_API_KEY={K}\nBINANCE_API_SECRET={S}\n",
    "another program's secret": f"BINANCE_API_KEY={K}\nBINANCE_API_SECRET={S}\nSECRET_KEY=django-insecure-abcdef0123456789\n",
    "XML": f'<add key="BinanceApiKey" value="{K}" />\n<add key="BinanceApiSecret" value="{S}" />\n',
    "XML of elements": f"<binance><apiKey>{K}</apiKey><apiSecret>{S}</apiSecret></binance>",
    "a property list": f"<dict><key>BINANCE_API_KEY</key><string>{K}</string><key>BINANCE_API_SECRET</key><string>{S}</string></dict>",
    "TOML": f'[binance]\nkey = "{K}"\nsecret = "{S}"\n[kraken]\nkey = "{K2}"\nsecret = "{S2}"\n',
    "INI": f"[kraken]\nkey = {K2}\nsecret = {S2}\n[binance]\nkey = {K} ; mine\nsecret = {S}\n",
    "JSON within JSON": json.dumps({"config": json.dumps({"binance": {"apiKey": K, "apiSecret": S}})}),
    "names above names": json.dumps({"keys": {"binance": K, "kraken": K2}, "secrets": {"binance": S, "kraken": S2}}),
    "another exchange by its neighbour": json.dumps(
        [{"name": "kraken", "key": K2, "secret": S2}, {"name": "binance", "key": K, "secret": S}]
    ),
    "a site by its neighbour": json.dumps(
        [{"testnet": True, "key": K2, "secret": S2}, {"testnet": False, "key": K, "secret": S}]
    ),
    "exec --as freqtrade": f"FREQTRADE__EXCHANGE__KEY={K}\nFREQTRADE__EXCHANGE__SECRET={S}\n",
    "exec --as ccxt": f"BINANCE_APIKEY={K}\nBINANCE_SECRET={S}\n",
    "exec --as binance": f"API_KEY={K}\nAPI_SECRET={S}\n",
    "a variable of a call names an exchange": f"kraken = ccxt.kraken({{'apiKey': '{K2}', 'secret': '{S2}'}})\n"
    f"binance = ccxt.binance({{'apiKey': '{K}', 'secret': '{S}'}})\n",
    "an expression of two arguments": f'options.ApiCredentials = new ApiCredentials("{K}", "{S}");\n',
    "wrapped values of Rust": f'let account: Account = Binance::new(Some("{K}".into()), Some("{S}".into()));\n',
    "a lifetime of Rust": f'const API_KEY: &str = "{K}";\nconst SECRET_KEY: &\'static str = "{S}";\n',
    "notes under titles": f"Binance\nAPI Key: {K}\nSecret Key: {S}\n\nKraken\nAPI Key: {K2}\nSecret Key: {S2}\n",
    "notes of Markdown": f"## Binance\n- API Key: `{K}`\n- Secret: `{S}`\n\n## Kraken\n- API Key: `{K2}`\n- Secret: `{S2}`\n",
    "remarks name the sites": f"# testnet\nAPI_KEY={K2}\nAPI_SECRET={S2}\n\n# live\nAPI_KEY={K}\nAPI_SECRET={S}\n",
    "a remark ends at a blank line": f"# Telegram\nTOKEN=1:AA\n\nAPI_KEY={K}\nAPI_SECRET={S}\n",
    "classes": f"class Live:\n    API_KEY = '{K}'\n    API_SECRET = '{S}'\nclass Testnet(Live):\n    API_KEY = '{K2}'\n    API_SECRET = '{S2}'\n",
    "an old key": f"BINANCE_API_KEY_OLD={K2}\nBINANCE_API_SECRET_OLD={S2}\nBINANCE_API_KEY={K}\nBINANCE_API_SECRET={S}\n",
    "the secret of the same name": f"API_KEY={K}\nAPI_SECRET={S}\nSECRET_KEY={S2}\n",
    "CSV": f"exchange,api_key,api_secret\nkraken,{K2},{S2}\nbinance,{K},{S}\n",
    "a table of Markdown": f"| Exchange | API Key | Secret |\n|---|---|---|\n| Binance | `{K}` | `{S}` |\n| Kraken | `{K2}` | `{S2}` |\n",
    "two Secrets of Kubernetes": "---\n".join(
        f"kind: Secret\nmetadata:\n  name: {name}\ndata:\n  api-key: {b64(key)}\n  api-secret: {b64(secret)}\n"
        for name, key, secret in (("binance-live", K, S), ("binance-testnet", K2, S2))
    ),
    "variables of Terraform": f'variable "binance_api_key" {{\n  default = "{K}"\n}}\nvariable "binance_api_secret" {{\n  default = "{S}"\n}}\n',
    "1Password": json.dumps(
        {
            "title": "Binance",
            "fields": [
                {"id": "x1", "label": "api key", "value": K},
                {"id": "x2", "label": "api secret", "value": S},
            ],
        }
    ),
    "Bitwarden": json.dumps(
        {
            "items": [
                {"name": name, "fields": [{"name": "API Key", "value": key}, {"name": "API Secret", "value": secret}]}
                for name, key, secret in (("Binance", K, S), ("Kraken", K2, S2))
            ]
        }
    ),
    "KeePass": f"<Entry><String><Key>API Key</Key><Value>{K}</Value></String><String><Key>API Secret</Key><Value>{S}</Value></String></Entry>",
    "launchd": f'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist><dict><key>BINANCE_API_KEY</key><string>{K}</string><key>BINANCE_API_SECRET</key><string>{S}</string></dict></plist>',
    "a switch of the testnet in a remark": f"x = ccxt.binance({{'apiKey': '{K}', 'secret': '{S}'}})\n# x.set_sandbox_mode(True)\n",
}

ANOTHER_SITE = {
    "sandbox mode": f"x = ccxt.binance({{'apiKey': '{K}', 'secret': '{S}'}})\nx.set_sandbox_mode(True)\n",
    "an argument": f"api_key = '{K}'\napi_secret = '{S}'\nclient = Client(api_key, api_secret, testnet=True)\n",
    "an environment": f'options.Environment = BinanceEnvironment.Testnet;\noptions.ApiCredentials = new ApiCredentials("{K}", "{S}");\n',
    "an address": f"BINANCE_API_KEY={K}\nBINANCE_API_SECRET={S}\nBINANCE_BASE_URL=https://testnet.binance.vision\n",
}


@pytest.mark.parametrize("case", ANOTHER_SITE)
def test_a_program_on_the_testnet_has_no_key_for_production(case: str) -> None:
    assert (taken(ANOTHER_SITE[case]), taken(ANOTHER_SITE[case], "testnet")) == (None, (K, S))


@pytest.mark.parametrize(
    "text",
    [
        f"TOOBIT_API_KEY={K}\nTOOBIT_API_SECRET={S}\n",
        f"[binance_user_config]\napi_key={K}\napi_secret_key={S}\ntld=us\n",
        f"BINANCE_API_KEY_OLD={K}\nBINANCE_API_SECRET_OLD={S}\n",
        json.dumps({"type": "service_account", "private_key_id": "a1" * 20, "private_key": PEM, "client_email": "a@b"}),
        f"exchange,api_key,api_secret\nkraken,{K},{S}\n",
    ],
)
def test_a_key_of_something_else_alone_is_not_taken(text: str) -> None:
    held = read_key_text(text, "a file")
    assert choose(held.found, "live") is None


@pytest.mark.parametrize(
    "value",
    [
        *(
            "DEIN_API_SCHLUESSEL",
            "LA_TUA_CHIAVE_API",
            "jouw_api_sleutel_hier",
            "xxxxxxxx-xxxx-xxxx",
            "credential:binance",
        ),
        *(
            f"{K[:8]}...{K[-8:]}",
            "abcdefghijklmnopqrstuvwxyz0123456789" * 2,
            "{{ binance_api_key }}",
            "{REF:P@I:46C9B1}",
        ),
    ],
)
def test_words_of_any_language_and_masks_are_refused(value: str) -> None:
    found = find_candidates(f"binance:\n  api_key: '{value}'\n  api_secret: '{value}'\n").found
    assert [bool(one.refused) for one in found] == [True]


@pytest.mark.parametrize("case", ONE)
def test_the_pair_that_is_meant_is_taken(case: str) -> None:
    assert taken(ONE[case]) == (K, S)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"exchange": {"name": "binance", "key": K, "secret": PEM + "\n"}}),  # freqtrade#10397, #8034
        f'BINANCE_API_KEY={K}\nBINANCE_PRIVATE_KEY="{ONE_LINE}"\n',
        f'BINANCE_API_KEY={K}\nBINANCE_PRIVATE_KEY="{PEM}"\n',
        "binance:\n  api_key: " + K + "\n  secret: |\n" + "".join(f"    {line}\n" for line in PEM.splitlines()),
        f"data:\n  API_KEY: {b64(K)}\n  PRIVATE_KEY: {b64(PEM)}\n",
        f"API_KEY={K}\n{PEM}\n",
        f'api_key = "{K}"\nsecret = """{PEM}"""\n',
    ],
)
def test_a_private_key_in_the_place_of_a_secret_is_one(text: str) -> None:
    assert taken(text) == (K, PEM)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("your_api_key_here", "placeholder"),  # UPetit/python-binance-profit#25
        ("YOUR-KEY", "placeholder"),
        ("<your key>", "placeholder"),
        ("changeme", "placeholder"),
        ("xxxxxxxxxxxxxxxx", "placeholder"),
        ("*" * 12, "placeholder"),
        ("${BINANCE_API_KEY}", "name of a variable"),  # freqtrade PR#4409
        ("${{ secrets.BINANCE_API_KEY }}", "name of a variable"),
        ("$BINANCE_API_KEY", "name of a variable"),
        ("%BINANCE_API_KEY%", "name of a variable"),
        ("process.env.BINANCE_API_KEY", "name of a variable"),
        ("os.environ['BINANCE_API_KEY']", "name of a variable"),
        ("op://vault/binance/key", "another store"),
        ("vault:secret/data/binance#key", "another store"),
        ("ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]", "sops"),
        (FERNET, "OctoBot"),  # Drakkar-Software/OctoBot PR#333
        ("7b22" + "ab" * 100, "Hummingbot"),
        ("/run/secrets/binance_key", "path"),
        ("AKIAIOSFODNN7", "too short"),
    ],
)
def test_what_is_no_value_is_refused_by_what_it_is(value: str, what: str) -> None:
    for text in (
        f"BINANCE_API_KEY={value}\nBINANCE_API_SECRET={value}\n",
        json.dumps({"binance": {"apiKey": value, "secret": value}}),
        f"binance:\n  api_key: {json.dumps(value)}\n  api_secret: {json.dumps(value)}\n",
    ):
        held = find_candidates(text)
        assert [what in one.refused for one in held.found] == [True], (text, held)
        assert choose(held.found, "live") is None


@pytest.mark.parametrize("nothing", ["null", "None", "true", '""', ""])
def test_nothing_is_no_key(nothing: str) -> None:
    assert taken(f"BINANCE_API_KEY={nothing}\nBINANCE_API_SECRET={nothing}\n") is None


def test_a_vault_of_ansible_is_no_value() -> None:
    text = f"api_key: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  {'3' * 80}\napi_secret: {S}\n"
    assert "Ansible" in find_candidates(text).found[0].refused


def test_of_two_that_fit_alike_none_is_chosen_and_a_name_chooses() -> None:
    text = f"ALICE_API_KEY={K}\nALICE_API_SECRET={S}\nBOB_API_KEY={K2}\nBOB_API_SECRET={S2}\n"
    assert names(find_candidates(text)) == ["ALICE_API_KEY", "BOB_API_KEY"]
    assert taken(text) is None
    assert taken(text, name="bob_api_key") == (K2, S2)
    assert taken(text, name="CAROL") is None


@pytest.mark.parametrize(
    ("site", "expected"), [("live", (K, S)), ("testnet", (K2, S2)), ("demo", (S, K)), ("us", None)]
)
def test_the_site_of_the_environment_decides(site: str, expected: tuple[str, str] | None) -> None:
    text = f"LIVE_API_KEY={K}\nLIVE_SECRET={S}\nTESTNET_API_KEY={K2}\nTESTNET_SECRET={S2}\nDEMO_API_KEY={S}\nDEMO_SECRET={K}"
    assert taken(text, site) == expected


def test_a_key_of_another_site_is_listed_and_not_taken() -> None:
    text = f"TESTNET_API_KEY={K}\nTESTNET_API_SECRET={S}\n"
    assert taken(text) is None
    assert taken(text, "testnet") == (K, S)
    assert taken(text, name="TESTNET_API_KEY") == (K, S)


@pytest.mark.parametrize(
    ("name", "site", "expected"),
    [
        ("production", "binance.com", "live"),
        ("paper", "testnet", "testnet"),
        ("demo", "demo", "demo"),
        ("america", "binance.us", "us"),
        ("testnet", "binance.com", "testnet"),
    ],
)
def test_what_an_environment_s_site_is(name: str, site: str, expected: str) -> None:
    assert site_of(Environment(name, known_sites()[site])) == expected


def test_what_was_left_out_and_what_was_overridden_is_said() -> None:
    text = ONE["two exchanges, a template with MEXC"]
    assert find_candidates(text).left_out == ("MEXC_API_KEY", "MEXC_SECRET")
    assert (
        "BINANCE_API_KEY stands there more than once. The last one counts." in find_candidates(ONE["overridden"]).notes
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1"])
def test_a_file_is_read_in_the_encodings_of_windows(encoding: str) -> None:
    text = f"# Schlüssel für den Bot\r\nAPI_KEY={K}\r\nAPI_SECRET={S}\r\n"
    assert taken(decode(text.encode(encoding))) == (K, S)  # motdotla/dotenv#445, subosito/gotenv#25


def test_a_key_in_the_place_of_a_name_is_shown_nowhere() -> None:
    cut = f"[{K[:30]}<{K[30:]}]\nkey={K2}\nsecret={S2}", f"password: {S[:24]}{{{S[24:]}\nusername: {K2}"
    for text in (json.dumps({K: {"key": K2, "secret": S2}}), f"{K}:{S}", f"[{K}]\nkey={K2}\nsecret={S2}", *cut):
        held = find_candidates(text)
        assert held.found
        said = str(held) + "".join(one.listed + one.described() + one.name for one in held.found)
        assert Canaries({each: each for each in (K, S, K2, S2)}).found(said) == []


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a]\n" for n in range(200)),
        "<a>" * 50_000,
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x key="&b;"/>',
        "- " * 50_000,
        '\\"' * 50_000,
        "/*" * 50_000,
        "${" * 50_000,
        "key=" * 50_000,
        "'a' " * 50_000,
    ],
)
def test_no_text_stops_it(text: str) -> None:
    assert choose(find_candidates(text).found, "live") is None


# --- other names, orders, quotes and line ends ---------------------------------------------------

alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
values = st.lists(
    st.text(alphabet, min_size=63, max_size=63).map(lambda text: f"{text}7").filter(lambda text: len(set(text)) > 8),
    min_size=4,
    max_size=4,
    unique=True,
)
prefixes = st.sampled_from(["BINANCE_", "binance_", "Binance", "", "MY_BINANCE_", "EXCHANGE_", "BINANCE_SPOT_"])
roles = st.sampled_from(
    [
        ("API_KEY", "API_SECRET"),
        ("KEY", "SECRET"),
        ("ApiKey", "ApiSecret"),
        ("API_KEY", "SECRET_KEY"),
        ("APIKEY", "SECRET"),
    ]
)
spellings = st.sampled_from(
    ["{}={}", "export {}={}", "export {}='{}'", '{}="{}"', "{} = {}", "set -gx {} {}", "setenv {} {}", 'setx {} "{}"', "{}: {}",
     "const {} = '{}';", '$env:{} = "{}"', "ENV {} {}", "{} = '{}'  # mine", 'set "{}={}"']
)  # fmt: skip
others = st.sampled_from(["OPENAI", "MEXC", "KRAKEN", "TELEGRAM", "COINGLASS", "BYBIT", "AWS", "ETHERSCAN", "GitHub"])
ends = st.sampled_from(["\n", "\r\n", "\n\n", "\r"])


@settings(max_examples=examples(500))
@given(
    values, prefixes, roles, spellings, others, ends, st.permutations(range(4)), st.sampled_from(["TESTNET_", "DEMO_"])
)
def test_variants_of_several_keys(
    given_values: list[str],
    prefix: str,
    role: tuple[str, str],
    spelling: str,
    other: str,
    end: str,
    order: list[int],
    site: str,
) -> None:
    key, secret, wrong_key, wrong_secret = given_values
    mine = [spelling.format(f"{prefix}{name}", value) for name, value in zip(role, (key, secret), strict=True)]
    is_other = len(other) % 2 == 0
    foreign = f"{other}_" if is_other else f"{prefix}{site}"
    rest = [
        spelling.format(f"{foreign}{name}", value) for name, value in zip(role, (wrong_key, wrong_secret), strict=True)
    ]
    text = end.join([(*mine, *rest)[number] for number in order]) + end
    held = find_candidates(text)
    assert taken(text) == (key, secret), (text, held)
    shown = {name for one in held.found for name in (one.key_name, one.secret_name)} | set(held.left_out)
    assert len(shown) == 4, "none is lost silently"
    assert not any(value[:8] in str(held) for value in given_values)


@settings(max_examples=examples(500))
@given(
    values,
    st.sampled_from(["your_{}", "<{}>", "${{{}}}", "$ {}", "op://x/{}", "vault:{}", "xxxx", "****", "process.env.{}", "/run/{}",
                     "ENC[{},x]", "{{{{ {} }}}}", "%{}%", "change_me_{}", "{}_here", "null", "...", "os.environ['{}']"]),
    roles,
    spellings,
    ends,
    st.booleans(),
)  # fmt: skip
def test_variants_of_what_is_no_value(
    given_values: list[str], kind: str, role: tuple[str, str], spelling: str, end: str, is_key: bool
) -> None:
    value, names_of = kind.format("BINANCE_API_KEY").replace("$ ", "$"), [f"BINANCE_{name}" for name in role]
    both = (value, given_values[1]) if is_key else (given_values[0], value)
    text = end.join(spelling.format(name, each) for name, each in zip(names_of, both, strict=True)) + end
    assert taken(text) is None, text


formats = st.sampled_from(
    ["json", "yaml", "toml", "ini", "helm", "postman", "k8s", "systemd", "call", "tuple", "xml", "python"]
)


@settings(max_examples=examples(500))
@given(values, formats, roles, ends.filter(lambda end: end != "\r"), st.booleans(), st.booleans())
def test_variants_of_shapes(
    given_values: list[str], form: str, role: tuple[str, str], end: str, is_reversed: bool, is_pem: bool
) -> None:
    key, secret = (
        given_values[0],
        PEM if is_pem and form not in ("ini", "systemd", "call", "tuple", "python") else given_values[1],
    )
    pairs = [*zip((f"BINANCE_{name}" for name in role), (key, secret), strict=True)]
    pairs = pairs[::-1] if is_reversed and form not in ("call", "tuple") else pairs
    rows = [{"key": name, "value": value} for name, value in pairs]
    quoted = [json.dumps(value) for _, value in pairs]
    text = {
        "json": json.dumps({"x": 1, "binance": dict(pairs)}, indent=1),
        "yaml": "binance:\n" + "".join(f"  {name}: {json.dumps(value)}\n" for name, value in pairs),
        "toml": "[a]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in pairs),
        "ini": "[binance]\n" + "".join(f"{name} = {value}\n" for name, value in pairs),
        "helm": "env:\n" + "".join(f"- name: {name}\n  value: {json.dumps(value)}\n" for name, value in pairs),
        "postman": json.dumps({"values": rows}),
        "k8s": "data:\n" + "".join(f"  {name}: {b64(value)}\n" for name, value in pairs),
        "systemd": "[Service]\nEnvironment=" + " ".join(f'"{name}={value}"' for name, value in pairs) + "\n",
        "call": f"c = Client({quoted[0]}, {quoted[1]}, testnet=False)\n",
        "tuple": f"a = [\n  {quoted[0]},\n  {quoted[1]}\n]\n",
        "xml": "<c>"
        + "".join(
            f'<add key="{name}" value={json.dumps(value).replace(chr(92) + "n", "&#10;")}/>' for name, value in pairs
        )
        + "</c>",
        "python": "d = dict(" + ", ".join(f"{name}={value!r}" for name, value in pairs) + ")\n",
    }[form].replace("\n", end)
    assert taken(text) == (key, secret), text


def test_the_repr_of_a_held_key_shows_no_value() -> None:
    one = find_candidates(ONE["fish"]).found[0]
    assert isinstance(one, HeldKey)
    assert not any(value[:6] in repr(one) for value in (K, S))
