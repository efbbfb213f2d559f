"""What is no value of a key although it stands in the place of one: it is refused by what it is. Pure."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 4096
"""Characters that are looked at."""
LONGEST_SEQUENCE: Final = 128
"""Characters of a value in which a run of the alphabet is no chance."""
_LIKE_KEY: Final = re.compile(r"(?=[A-Za-z]*\d)[A-Za-z0-9]{48,150}")
"""What is surely a value: words in it are chance."""
_LITERALS: Final = frozenset({
    "", "null", "none", "nil", "true", "false", "undefined", "nan", "n/a", "na", "yes", "no", "on", "off", "empty",
    "~", "-",
})  # fmt: skip
_KINDS: Final = (
    (r"PuTTY-User-Key-File.*", "a key file of PuTTY. Convert it with `puttygen FILE -O private-openssh -o COPY`"),
    (r"gAAAAA[\w-]+=*", "encrypted by the bot (a Fernet token, as OctoBot writes)"),
    (r"7b22[0-9a-fA-F]{100,}", "encrypted, as in Hummingbot"),
    (r"ENC\[.*", "encrypted by sops"),
    (r"(?:!vault\b.*|\$ANSIBLE_VAULT;.*)", "encrypted by Ansible"),
    (
        r"(?:ENC\(.*|\{cipher\}.*|-----BEGIN (?:PGP|AGE).*|AQICAH\S{60,}|U2FsdGVkX1\S+|Ag[A-Za-z0-9+/]{200,}=*)",
        "encrypted",
    ),
    (
        r"(?:op|bw|sm|gcp-sm|awssm|aws-sm|azkv|keyvault|doppler|infisical|pass|keyring|secret|secrets|akeyless|lastpass)"
        r"://.*|vault:.*|vault://.*|ref\+.*|arn:aws:.*|aws:\w+.*|@Microsoft\.KeyVault.*|projects/\S+/secrets/.*"
        r"|\{\{\s*resolve:.*|secretsmanager:.*|ssm:.*|!(?:secret|env|ENV|Ref|Sub|GetAtt|reference)\b.*",
        "a reference to another store of secrets",
    ),
    (
        r"\$\{?\{?.*|\{\{.*|<%.*|#\{.*|%\w+%|!\w+!|@@?\w+@@?|env[:.(\[].*|process\.env.*|import\.meta\.env.*|os\.\w+.*"
        r"|(?:std::)?env(?:::|!|\.).*|ENV\[.*|System\.getenv.*|(?:\w+[.:]+)*(?:get_?env|environ|env|config|settings|secrets)\b.*"
        r"|Environment\.\w+.*|Deno\.env.*|vars\.\w+|var\.\w+|local\.\w+|data\.\w+\..*",
        "the name of a variable, not its value",
    ),
    (r"[|>][-+]?\d?[-+]?", "a mark of YAML, not the text below it"),
    (r"https?://.*|wss?://.*", "the address of a page"),
    (r"(?:file://|~?[/\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]).*|\S+\.(?:pem|key|txt|json|env|ya?ml|toml|ini|asc)", "a path"),
    (
        r"[*•.#_?…=-]+|[xX]+|[xX0*•.]{6,}|[A-Za-z0-9]{0,6}(?:[*•…xX]{4,}|\.{3,})[A-Za-z0-9]{0,6}",
        "masked, or a placeholder",
    ),
    (r"<.*>|\[.*\]|\{.*\}|__\w+__", "a placeholder"),
)
_COMPILED: Final = tuple((re.compile(pattern, re.DOTALL), what) for pattern, what in _KINDS)
_SEQUENCE: Final = re.compile("abcdefghij|ABCDEFGHIJ|0123456789|1234567890")
_PLACEHOLDER: Final = re.compile(
    r"your|my[_ -]|change[_ -]?(?:me|it|this)|replace|place[_ -]?holder|example|insert|enter[_ -]|paste|put[_ -]|dummy"
    r"|fake|sample|fill[_ -]|to[_ -]?do\b|tbd\b|fix[_ -]?me|redacted|hidden|masked|removed|secret|api[_ -]?key|[_ -]key"
    r"|key[_ -]|goes[_ -]here|here$|lorem|foo[_ -]?bar|abc123|123456789|test[_ -]|not[_ -]?set|unset|required"
    r"|optional|\bkey\b",
    re.IGNORECASE,
)


def refusal(text: str) -> str:
    """Return what a text is that stands in the place of a key and is none, as a phrase; nothing where it may be one."""
    value = text[:LONGEST].strip()
    if value.lower() in _LITERALS:
        return "no value"
    if len(value) <= LONGEST_SEQUENCE and _SEQUENCE.search(value):
        return "a placeholder"
    if _LIKE_KEY.fullmatch(value) and not (set(value.lower()) <= {"x", "0"} or value.startswith("7b22")):
        return ""
    found = next((what for pattern, what in _COMPILED if pattern.fullmatch(value)), "")
    if found or "-----BEGIN" in value:
        return found
    is_uniform = len(set(value)) == 1 and (len(value) < 40 or value[:1] in "xX0")
    return "a placeholder" if is_uniform or _PLACEHOLDER.search(value) else ""
