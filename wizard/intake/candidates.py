"""The keys that a text holds: each API key with what signs for it, by their names, and which one is meant. Pure.

Names, sections and accounts decide what belongs together. Names of other exchanges and services are left out, what is
no value is refused by what it is, and where two keys fit alike none is chosen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.secret import Secret, Wipeable
from wizard.core.settings import Environment
from wizard.core.text import printable
from wizard.intake.formats import NUMBER, SERVICES, NamedValue, read_entries, unfolded, words_of
from wizard.intake.paste import INVISIBLE, MAX_PASTE, REMNANTS, IntakeError, Role
from wizard.intake.refusals import refusal

PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(?:(?!-----).)*-----END \1-----"
    r"|PuTTY-User-Key-File-\d:(?:(?!PuTTY-User).){,16384}?(?:Private-MAC: *[0-9a-f]+|\Z)",
    re.DOTALL,
)
"""Up to the next frame: a search beyond it takes hours where a file holds many beginnings, and no thread gets on."""
_BARE_PRIVATE_KEY = re.compile(
    r"\A(?:MC4CAQAwBQYDK2Vw|MF[A-Z]CAQEwBQYDK2Vw|MII[A-Za-z0-9+/]{300}|b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/\s]+={0,2}\Z"
)
"""The base64 of one, whose frame was left out."""
_PIECE: Final = re.compile(r"(?=[A-Za-z]*\d+[A-Za-z]+\d)[A-Za-z0-9]{12,}")
"""Letters and digits that take turns are no name: `binanceFutures2` stays."""
LONGEST_NAME = 60
MOST = 100
"""Keys that are listed of one text."""
MOST_NAMED = 6
SHORT_WORD = 3  # characters: one among names is an abbreviation
SHORTEST = 16
"""Characters. What is shorter under the name of a key is none."""
SHORTEST_BASE64 = 43
"""Characters of 32 bytes. What is shorter and has other signs than letters and digits is words, or masked."""
_SHAPE = re.compile(r"[A-Za-z0-9]{64}")
_LOGIN = re.compile(r"(?i)(?:login[ _])?(?:user[ _]?name|user|login|login name|code[ _]?name|(password))")
"""Under these password managers and Superalgos keep an API key and its secret."""
_LINE_END = re.compile(r"(?:\\r)?\\n|\\r|&#(?:10|13|x[aAdD]);")
"""As JSON, shells and XML write it."""
_MARK = re.compile("\ue000(\\d+)\ue000")
_UNNAMED = re.compile(r"[A-Za-z0-9]{48,}")
"""Half of a wrapped key is shorter, and must not be taken for a whole one."""
_DEFAULT = re.compile(r"""\$\{\w+:?[-=]["']?([A-Za-z0-9]{40,})["']?\}""")

_SANDBOX = re.compile(
    r"^[^#/\n]{0,200}(?:set_?sandbox_?mode\s?\(\s?true|environment\.testnet)", re.IGNORECASE | re.MULTILINE
)
_ALPHABET = re.compile(r"[A-Za-z0-9+/=_-]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENCODED = re.compile("_?b(?:ase)?64", re.IGNORECASE)
_WORDS = re.compile(r"[a-z]+|[0-9]+")
_KNOWN = (
    "binance|testnet|mainnet|sandbox|demo|live|prod|test|futures|spot|api|key|secret|access|public|private|pub|priv"
)
_RUN_TOGETHER = re.compile(rf"(?:{_KNOWN})+")
_PART = re.compile(_KNOWN)
_ROLE_WORDS = frozenset(
    {"api", "key", "keys", "secret", "secrets", "access", "public", "private", "pub", "priv", "pem"}
    | {"login", "user", "username", "password", "code", "name"}
)
_SIDE_WORDS = frozenset({"key", "keys", "secret", "secrets", "public", "private", "pub", "priv", "pem"})
_OTHER = frozenset({
    "id", "label", "listen", "name", "passphrase", "password", "path", "file", "time", "token", "type", "uid",
    "url", "webhook", "mac", "version", "algorithm", "format", "length", "hash", "jwt", "session", "ssh",
    "encryption", "attributes"
})  # fmt: skip
"""Words of names that mean neither, whatever else they say: `jwt_secret_key`, `apiVersion`, `api_url`."""
_NEUTRAL = words_of("neutral_words.txt")
"""Words that do not say whose a key is."""
_SITES: Final = (
    ("demo", frozenset({"demo"})),
    ("testnet", frozenset({"testnet"})),
    (
        "test",
        frozenset({"test", "testing", "sandbox", "sandboxed", "paper", "staging", "dev", "development", "mock", "dry"}),
    ),
    ("live", frozenset({"prod", "production", "live", "mainnet", "real"})),
)
"""Which words mean which site; of several the first one counts."""
_SITE_WORDS = frozenset().union(*(words for _, words in _SITES))
_OLD = frozenset({
    "old", "backup", "bak", "deprecated", "previous", "unused", "revoked", "disabled", "expired", "legacy"
})  # fmt: skip
_CONTEXT = frozenset({
    "name", "exchange", "exchangename", "exchangeid", "connector", "broker", "platform", "site", "env",
    "environment", "label", "account", "mode", "baseurl", "url", "host", "endpoint", "apiurl", "network",
    "provider", "codename", "venue", "title", "service", "tld", "id"
})  # fmt: skip
_TRUE = frozenset({"true", "1", "yes", "on"})


@dataclass(frozen=True, slots=True)
class HeldKey(Wipeable):
    """An API key with what signs for it, as it was found; at least one of the two."""

    api_key: Secret | None
    secret: Secret | None
    pem: Secret | None = None
    """The private key, where one signs."""
    key_name: str = ""
    """Fit to be shown, with its sections: `prod.access_key`. Empty where it has none."""
    secret_name: str = ""
    lines: tuple[int, ...] = ()
    """From 1; none where there are no lines, as in the environment."""
    site: str = ""
    """What the names say of its site: live, test, testnet, demo, us. Empty where they say nothing."""
    refused: str = ""
    """What stands there in place of a value, as a phrase."""
    last_four: str = ""
    """Of the API key. It stays when the values are overwritten."""
    is_named: bool = True
    """Whether names decided which is which; else it was their order."""
    is_binance: bool = False
    """Whether a name says Binance."""
    is_doubtful: bool = False
    """Whether neither a name nor the shape is Binance's: it may be of an exchange that is not listed here."""
    private_kind: KeyKind | None = None
    """The kind of its private key, once that was opened."""
    place: str = ""
    """A path, or the names of environment variables; never a value."""
    path: str = ""
    """The path; empty for the environment."""
    warning: str = ""

    @property
    def name(self) -> str:
        """By what it is chosen."""
        return self.key_name or self.secret_name or "without a name"

    @property
    def kind(self) -> KeyKind | None:
        """Its kind, as far as it is known."""
        return KeyKind.HMAC if self.secret is not None else self.private_kind

    @property
    def missing(self) -> str:
        """What has to come from elsewhere, as an identifier; empty where it is whole."""
        signs = self.secret is not None or self.pem is not None
        has_key = self.api_key is not None
        return "" if self.refused or (signs and has_key) else "api_key" if signs else "secret"

    @property
    def where(self) -> str:
        """Its place, with its lines."""
        numbers = ", ".join(map(str, self.lines))
        return f"{self.place}, line{'s' * (len(self.lines) > 1)} {numbers}" if numbers else self.place

    @property
    def listed(self) -> str:
        """It, masked, with its place and its names, as a phrase."""
        names = " and ".join(dict.fromkeys(filter(None, (self.key_name, self.secret_name)))) or self.name
        if self.refused:
            return f"{names} in {self.where}: {self.refused}"
        key = f"…{self.last_four} in " if self.last_four else ""
        lacks = {"api_key": ", without an API key", "secret": ", without a secret"}.get(self.missing, "")
        return f"{key}{self.where}, {names}{lacks}"

    def described(self) -> str:
        """Return what was read, in words that show no more than lengths and the API key's last four."""
        key, end = self.api_key, self.last_four
        if self.pem is not None:
            return f"This holds a private key{f' and the API key …{end}' if key else ''}."
        parts = [f"an API key of {len(key)} characters, …{end}"] if key else []
        parts += [f"a secret of {len(self.secret)} characters"] if self.secret else []
        order = "" if self.is_named or len(parts) == 1 else " The first value is taken as the API key."
        return f"This holds {' and '.join(parts)}.{order}"


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """What a text holds."""

    found: tuple[HeldKey, ...] = ()
    notes: tuple[str, ...] = ()
    """What was decided on the way, as sentences."""
    left_out: tuple[str, ...] = ()
    """Names of keys that are another exchange's or service's."""
    place: str = ""
    """Where the text was, to begin a sentence with."""
    path: str = ""
    """The path; empty where it was in no file."""
    problem: WizardError | None = None
    """What the text is as a whole, where that is no key that can be taken."""

    @property
    def left_out_said(self) -> str:
        """The names that were left out, as a sentence."""
        return f"Left out, as another service's: {', '.join(self.left_out[:MOST_NAMED])}." if self.left_out else ""


@dataclass(frozen=True, slots=True)
class _Value:
    entry: NamedValue
    role: Role
    text: str = field(repr=False)
    words: frozenset[str] = frozenset()
    """Of its whole path, without those that say its role: what it shares with the value it belongs to."""
    is_plain: bool = True
    """False for `public` and `private`, which mean a pair of HMAC values only where nothing else does."""


def unquoted(block: str) -> str:
    """Return a private key as it was before a file with names, quotes or `\\n` took it in."""
    lines = _LINE_END.sub("\n", block).splitlines()
    return "\n".join(line.strip(" \t\r\"'#>|,;\\") for line in lines)


def role_of(label: str, value: str = "") -> Role:
    """Return what a value of this name is; a name that says both is a secret's (`BINANCE_API_SECRET_KEY`)."""
    words = _words(label)
    if _SHAPE.fullmatch(value) and (login := _LOGIN.fullmatch(label)):
        return Role.SECRET if login[1] else Role.API_KEY
    if len(label) > LONGEST_NAME or words & _OTHER:
        return Role.OTHER
    if words & {"public", "pub"}:
        return Role.API_KEY if _SHAPE.fullmatch(value) else Role.OTHER
    if words & {"private", "priv", "pem"}:
        is_one = _SHAPE.fullmatch(value) or _MARK.search(value) or (value and refusal(value))
        return Role.SECRET if is_one else Role.OTHER
    if words & {"secret", "secrets"}:
        return Role.SECRET
    is_key = "key" in words or "keys" in words or ("api" in words and words <= _NEUTRAL | _SITE_WORDS | {"api"})
    return Role.API_KEY if is_key else Role.OTHER


def find_candidates(text: str, given: Iterable[NamedValue] = ()) -> HeldKeys:
    """Return each key that a text holds, in its order; of variables that are `given` there is no text."""
    cleaned = INVISIBLE.sub("", REMNANTS.sub("", text))
    blocks: list[str] = []

    def mark(found: re.Match[str]) -> str:
        blocks.append(unquoted(found[0]))
        return f"\ue000{len(blocks) - 1}\ue000"

    read = unfolded([*given]) if given else read_entries(PRIVATE_KEY.sub(mark, cleaned))
    entries = [_plain(entry, mark) for entry in read]
    context = _contexts(entries)
    values, notes = _last_ones(_values(entries))
    kept, left_out = _of_binance(_joined(_pairs(values), values, cleaned), context)
    if len(kept) > MOST:
        notes.append(f"Only the first {MOST} of {len(kept)} keys are listed.")
    paths = dict.fromkeys(value.entry.path for pair in kept for value in pair if value and value.entry.name)
    names = Counter(path[-1] for path in paths)
    found = [_candidate(pair, blocks, cleaned, context, names) for pair in kept[:MOST]]
    if len(found) == 1 and not found[0].site:
        # The call that takes the one key of a program stands elsewhere: Client(key, secret, testnet=True).
        said = {"testnet"} if _SANDBOX.search(cleaned) else frozenset().union(*context.values())
        found = [replace(found[0], site=_site(said & {"testnet", "sandbox", "demo"}))]
    return HeldKeys(tuple(found), tuple(notes), tuple(left_out))


def read_pair(text: str, site: str) -> HeldKey | None:
    """Return the key of a site in a paste, whole or in part; None without a name and without two values alone.

    IntakeError: it holds several, another site's alone, or what is no value.
    """
    if len(text) > MAX_PASTE or "-----BEGIN" in text:
        return None
    found = find_candidates(text).found
    fits = [one for one in found if not one.refused and _fits(one.site, site)]
    one = choose(found, site) or (fits[0] if len(fits) == 1 else None)
    for other in found:
        if other is not one:
            other.wipe()
    if one is None and (usable := [one for one in found if not one.refused]):
        what = "several keys" if fits else "the key of another site"
        names = ", ".join(each.name for each in usable[:MOST_NAMED])
        raise IntakeError(f"The paste holds {what}: {names}. Paste the lines of one.")
    if found and one is None:
        raise IntakeError(f"{found[0].refused}.")
    return one


def site_of(environment: Environment) -> str:
    """Return the site of an environment, in the words that names of keys use."""
    site = environment.site
    if site.name == "binance.us":
        return "us"
    words = _words(f"{environment.name} {site.name}") | _words(site.rest_url.partition("://")[2])
    return _site(words) or "live"


def choose(candidates: Sequence[HeldKey], site: str, name: str = "") -> HeldKey | None:
    """Return the one that is meant: of that name, or the only one that fits the site. None where that is not one.

    An API key without what signs for it is not taken; a private key without its API key is, where it is alone.
    """
    if name:
        named = [
            one
            for one in candidates
            if name.lower() in {each.lower() for each in (one.key_name, one.secret_name, one.name)}
        ]
        usable = [one for one in named if not one.refused and one.missing != "secret"]
        return usable[0] if len(usable) == 1 else None
    current = [one for one in candidates if not one.refused and _fits(one.site, site)]
    current = [one for one in current if not _words(f"{one.key_name} {one.secret_name}") & _OLD]
    fits = [one for one in current if not one.missing] or [one for one in current if one.pem and one.missing]
    preferences: tuple[Callable[[HeldKey], bool], ...] = (
        lambda one: one.site == site != "live",
        lambda one: one.site != "" and site != "live",
        lambda one: one.is_binance,
        lambda one: bool(one.api_key and _SHAPE.fullmatch(one.api_key.reveal())),
    )
    for better in preferences:
        fits = list(filter(better, fits)) or fits
    # Two places may hold the same key.
    same = [one for one in fits if (one.api_key, one.secret, one.pem) == (fits[0].api_key, fits[0].secret, fits[0].pem)]
    return fits[0] if fits and len(same) == len(fits) and not fits[0].is_doubtful else None


def _fits(own: str, site: str) -> bool:
    if own in ("", site):
        return True
    return {own, site} <= {"test", "testnet"} or {own, site} <= {"test", "demo"}


# --- names ---------------------------------------------------------------------------------------


def _words(label: str) -> frozenset[str]:
    found = _WORDS.findall(_CAMEL.sub(" ", _ENCODED.sub("", label)).lower())
    return frozenset(
        part for word in found for part in (_PART.findall(word) if _RUN_TOGETHER.fullmatch(word) else (word,))
    )


def _all_words(label: str) -> frozenset[str]:
    """Return the words also as they are written together: GitHub."""
    return _words(label) | _words(label.lower())


def _site(words: Collection[str]) -> str:
    return next((site for site, own in _SITES if own.intersection(words)), "")


def _short(path: tuple[str, ...], names: Mapping[str, int]) -> str:
    """Return the name alone where it says enough: `BINANCE_API_KEY`, but `prod.access_key`."""
    says_enough = path and names[path[-1]] == 1 and _words(path[-1]) - _ROLE_WORDS
    return _shown(path[-1:] if says_enough else path)


def _shown(path: tuple[str, ...]) -> str:
    steps = [step.partition(NUMBER) for step in path]
    kept = [before or f"[{int(number) + 1}]" for before, _, number in steps if before or number.isdecimal()]
    # A key, or a piece of one that a quote or a line end cut, may stand in the place of a name.
    kept = ["…" if holds_key(step) else _PIECE.sub("…", step) for step in kept]
    return printable(".".join(kept).replace(".[", "["), LONGEST_NAME)


def _stem(path: tuple[str, ...]) -> frozenset[str]:
    numbers = {step for step in path if NUMBER in step}
    return frozenset(word for step in path for word in _words(step.partition(NUMBER)[0]) - _ROLE_WORDS) | numbers


# --- values --------------------------------------------------------------------------------------


def _plain(entry: NamedValue, mark: Callable[[re.Match[str]], str]) -> NamedValue:
    """Return the entry with private keys marked that came out of base64, and the default of a variable as the value."""
    value = PRIVATE_KEY.sub(mark, entry.value) if "-----BEGIN" in entry.value else entry.value
    value = _BARE_PRIVATE_KEY.sub(mark, value.strip())
    if default := _DEFAULT.fullmatch(value.strip()):
        value = default[1]
    return replace(entry, value=value.replace("\\n", "").strip())


def _is_listed(entry: NamedValue) -> bool:
    return entry.name.startswith(NUMBER) and len(entry.path) > 1


def _values(entries: Sequence[NamedValue]) -> list[_Value]:
    found = []
    roles = {role_of(entry.path[-2].partition(NUMBER)[0]) for entry in entries if _is_listed(entry)}
    for entry in entries:
        if {Role.API_KEY, Role.SECRET} <= roles and _is_listed(entry):  # {"keys": [A, B], "secrets": [C, D]}
            entry = replace(entry, path=(*entry.path[:-2], *entry.path[:-3:-1]))  # noqa: PLW2901
        name, text = entry.name.partition(NUMBER)[0], entry.value
        if not name:  # one of a list
            entry = replace(entry, path=(*entry.path[:-1], ""))  # noqa: PLW2901
        role, path = role_of(name, text), entry.path[:-1]
        while entry.name and role is Role.OTHER and path and not (_words(name) & _OTHER):
            # `keys: {binance: …}`: the name above says what it is.
            name, path = path[-1].partition(NUMBER)[0], path[:-1]
            role = role_of(name, text) if name and (_SHAPE.fullmatch(text) or _MARK.fullmatch(text)) else Role.OTHER
        if _MARK.fullmatch(text):
            found.append(_Value(entry, Role.SECRET, text, _stem(entry.path)))
        elif role is not Role.OTHER or (not entry.name and _UNNAMED.fullmatch(text)):
            is_plain = not _words(entry.name) & {"public", "private", "pub", "priv"}
            found.append(_Value(entry, role, text, _stem(entry.path), is_plain))
    return found


def _last_ones(values: list[_Value]) -> tuple[list[_Value], list[str]]:
    """Return the values, of those of one name only the last; and what was overridden."""
    last: dict[object, _Value] = {}
    notes: dict[str, None] = {}
    for number, value in enumerate(values):
        place = value.entry.path if value.entry.name else number
        before = last.get(place)
        if before is not None and value.entry.name in value.text:  # export NAME="$NAME"
            continue
        if before is not None and before.text != value.text:
            notes[f"{_shown(value.entry.path)} stands there more than once. The last one counts."] = None
        last[place] = value
    return list(last.values()), list(notes)


# --- what belongs together -----------------------------------------------------------------------

_Pair = tuple[_Value | None, _Value | None]
_Context = Mapping[tuple[str, ...], frozenset[str]]


def _pairs(values: list[_Value]) -> list[_Pair]:
    groups: dict[frozenset[str], list[_Value]] = {}
    for value in values:
        if value.entry.name and value.role is not Role.OTHER:
            groups.setdefault(value.words, []).append(value)
    return [pair for group in groups.values() for pair in _of_group(group)]


def _of_group(group: list[_Value]) -> list[_Pair]:
    keys, secrets = ([value for value in group if value.role is role] for role in (Role.API_KEY, Role.SECRET))
    plain = [value for value in group if value.is_plain or _MARK.fullmatch(value.text)]
    if plain and len(plain) < len(group):
        # PUBLIC_KEY and PRIVATE_KEY beside API_KEY and API_SECRET are another pair, or a key of something else.
        others = [value for value in group if value not in plain]
        rest = [pair for pair in _of_group(others) if all(pair)]
        if len({value.role for value in plain}) == 2:
            return [*_of_group(plain), *rest]
    kins: tuple[Callable[[_Value], object], ...] = (
        lambda value: value.entry.path[:-1],
        lambda value: _words(value.entry.name) - _SIDE_WORDS,
    )
    for kin in kins:
        by_kin = {kin(value): value for value in secrets}
        same = Counter(map(kin, secrets))
        if keys and len({kin(value) for value in keys}) == len(keys) and all(same[kin(value)] == 1 for value in keys):
            joined: list[_Pair] = [(value, by_kin[kin(value)]) for value in keys]
            used = {id(secret) for _, secret in joined}
            return [*joined, *((None, value) for value in secrets if id(value) not in used)]
    if not keys or not secrets or len(keys) * len(secrets) > MOST:
        return [*((key, None) for key in keys), *((None, secret) for secret in secrets)]
    return [(key, secret) for key in keys for secret in secrets]


def _joined(pairs: list[_Pair], values: list[_Value], text: str) -> list[_Pair]:
    """Join what is left alone: a key and a secret whose names differ by neutral words only, or that have none."""
    whole = [pair for pair in pairs if all(pair)]
    bare = [value for value in values if not value.entry.name]
    nameless = [value for value in bare if value.role is Role.OTHER]
    alone: dict[frozenset[str], list[_Value]] = {}
    for key, secret in pairs:
        if not (key and secret) and (one := key or secret):
            alone.setdefault(one.words - _NEUTRAL, []).append(one)
    only = {id(key): key for key, _ in whole}
    for block in (value for value in bare if value.role is Role.SECRET):
        # A private key without a name may be that of the one API key.
        if not alone and len(only) == 1:
            whole += [(key, block) for key in only.values()]
        else:
            alone.setdefault(next(iter(alone)) if len(alone) == 1 else frozenset(), []).append(block)
    joined: list[_Pair] = []
    for group in alone.values():
        keys, secrets = ([value for value in group if value.role is role] for role in (Role.API_KEY, Role.SECRET))
        if len(keys) == len(secrets) == 1:
            joined.append((keys[0], secrets[0]))
        else:
            joined += [*((key, None) for key in keys), *((None, secret) for secret in secrets)]
    if len(nameless) == len(joined) == 1 and not whole and not all(joined[0]):
        joined = [(joined[0][0] or nameless[0], joined[0][1] or nameless[0])]
    elif not whole and not any(map(all, joined)):
        joined += _nameless_pairs(nameless, text)
    order = {id(value): number for number, value in enumerate(values)}
    every = {(key and key.text, secret and secret.text): (key, secret) for key, secret in reversed([*whole, *joined])}
    return sorted(every.values(), key=lambda pair: min(order[id(each)] for each in pair if each))


def _nameless_pairs(nameless: list[_Value], text: str) -> list[_Pair]:
    """Return the pairs that stand in one call or tuple each, or the two values that are all of a text."""
    groups: dict[tuple[str, ...], list[_Value]] = {}
    for value in nameless:
        groups.setdefault(value.entry.path, []).append(value)
    within: list[_Pair] = [(group[0], group[1]) for path, group in groups.items() if len(group) == 2 and path[:-1]]
    if within or len(nameless) != 2:
        return within
    rest = text.replace(nameless[0].text, "", 1).replace(nameless[1].text, "", 1)
    return [] if re.search(r"\w", rest) else [(nameless[0], nameless[1])]


# --- whose they are ------------------------------------------------------------------------------


def _of_binance(pairs: list[_Pair], context: _Context) -> tuple[list[_Pair], list[str]]:
    """Return the pairs that may be Binance's, and the names of the others."""
    owners = [(pair, _owner(pair, context)) for pair in pairs]
    names_binance = any(owner == "binance" and all(pair) for pair, owner in owners)
    kept, left_out = [], []
    for pair, owner in owners:
        one = pair[0] or pair[1]
        assert one is not None  # noqa: S101 - a pair has at least one
        # Words that may be another exchange's.
        unknown = any(word.isalpha() for word in one.words - _NEUTRAL - _SITE_WORDS)
        is_other = owner == "other" or (names_binance and owner != "binance" and unknown)
        is_likely = owner == "binance" or _MARK.fullmatch(one.text) or _looks(one.text)
        if all(pair) and not is_other:
            is_likely = is_likely or (not unknown and bool(refusal(one.text) or refusal((pair[1] or one).text)))
        if is_other or not is_likely:
            left_out += [_shown(value.entry.path) for value in pair if value and value.entry.name]
        else:
            kept.append(pair)
    return kept, list(dict.fromkeys(left_out))


def _looks(text: str) -> bool:
    return len(text) >= SHORTEST and text.isalnum() and (len(text) >= 40 or bool(re.search(r"\d", text)))


def _owner(pair: _Pair, context: _Context) -> str:
    """Return binance, other, or nothing where no name says it: the nearest name decides."""
    one = pair[0] or pair[1]
    assert one is not None  # noqa: S101
    path = one.entry.path
    nearest = [_all_words(path[-1].partition(NUMBER)[0]), context.get(path[:-1], frozenset())]
    for length in range(len(path) - 1, 0, -1):
        nearest += [_all_words(path[length - 1].partition(NUMBER)[0])]
        nearest += [context.get(path[: length - 1], frozenset())] if length > 1 else []
    for words in nearest:
        if "binance" in words or "binanceus" in words:
            return "binance"
        if words & SERVICES:
            return "other"
    return ""


def _contexts(entries: list[NamedValue]) -> _Context:
    """Return what stands beside the keys of each section and says whose they are: `name: binance`, `testnet: true`."""
    found: dict[tuple[str, ...], set[str]] = {}
    for entry in entries:
        label, said = "".join(_WORDS.findall(entry.name.lower())), entry.value.strip().lower()
        words = found.setdefault(entry.path[:-1], set())
        if label == "tld" and said == "us":
            words.add("binanceus")
        elif label in ("privatekeyid", "clientemail"):  # a service account of Google's
            words.add("gcp")
        elif label.removeprefix("binance") in _CONTEXT and len(said) <= 100 and not holds_key(said):
            words |= _words(entry.value)
            if entry.path[-2:-1] == ("metadata",):  # of Kubernetes: it names what stands beside it
                found.setdefault(entry.path[:-2], set()).update(_words(entry.value))
        elif said in _TRUE and role_of(entry.name) is Role.OTHER:
            words |= _words(entry.name) & (_SITE_WORDS - {"live", "real", "dry"})
    return {path: frozenset(words) for path, words in found.items()}


# --- the candidate -------------------------------------------------------------------------------


def _candidate(pair: _Pair, blocks: list[str], whole: str, context: _Context, names: Mapping[str, int]) -> HeldKey:
    key, signs = pair
    values = [each for each in pair if each]
    mark = _MARK.fullmatch(signs.text) if signs else None
    shown = [blocks[int(mark[1])] if mark and each is signs else each.text for each in values]
    whats = [
        (_short(each.entry.path, names) or "This", _no_value(text)) for each, text in zip(values, shown, strict=True)
    ]
    refused = next((f"{name} is {what}" for name, what in whats if what), "")
    path = values[0].entry.path
    # A sentence above it names nobody.
    steps = (_words(step.partition(NUMBER)[0]) - _ROLE_WORDS for step in reversed(path) if step.count(" ") < 2)
    nearest = next(filter(None, steps), frozenset()) - _NEUTRAL
    own = frozenset(word for step in path for word in _words(step.partition(NUMBER)[0]))
    near = frozenset(word for length in range(len(path)) for word in context.get(path[:length], ()))
    land = next((land for land in ("us", "tr") if {"binance", land} <= own or f"binance{land}" in own | near), "")
    return HeldKey(
        Secret(key.text) if key and not refused else None,
        Secret(signs.text) if signs and not mark and not refused else None,
        Secret(blocks[int(mark[1])]) if mark and not refused else None,
        _short(key.entry.path, names) if key and key.entry.name else "",
        _short(signs.entry.path, names) if signs and signs.entry.name else "",
        tuple(dict.fromkeys(filter(None, (_line(each, whole) for each in shown)))),
        _site(own) or land or _site(near),
        refused,
        key.text[-4:] if key and not refused and key.text.isalnum() else "",
        is_named=any(each.entry.name for each in values),
        is_binance=(is_binance := _owner(pair, context) == "binance"),
        is_doubtful=not is_binance
        and not all(mark or _SHAPE.fullmatch(each.text) for each in values)
        and any(len(word) > SHORT_WORD and word.isalpha() for word in nearest - _SITE_WORDS),
    )


def _no_value(text: str) -> str:
    if "-----BEGIN" in text:
        return ""
    is_words = not _ALPHABET.fullmatch(text) or (len(text) < SHORTEST_BASE64 and not text.isalnum())
    told = "too short to be one" if len(text) < SHORTEST else "no key, which has letters and digits alone"
    return refusal(text) or (told if len(text) < SHORTEST or is_words else "")


def _line(value: str, text: str) -> int:
    """Return the number of the line in which a value stands first; 0 where it does not stand there as it is."""
    place = text.find(value.partition("\n")[0])
    return text.count("\n", 0, place) + 1 if place >= 0 else 0
