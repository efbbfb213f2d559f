"""A private key as people have it: a file's text or a paste, read into one form, or named with what to do. Pure.

What is between the frames decides, never their label. The form of each is in RFC 5208 and 5958 (PKCS#8), 8017 (PKCS#1),
8410 (Ed25519), 7517 and 8037 (JWK), and in OpenSSH's PROTOCOL.key. No error shows anything of the text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
)

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.exchange.signing import KeyPair, pair_of
from wizard.intake.paste import IntakeError, clean

NEEDS_PASSPHRASE = "private_key.passphrase"  # noqa: S105 - a code
"""The code of the error where a private key is encrypted, and no or a wrong passphrase was given."""
UNKNOWN = "private_key.unknown"
"""The code of the error where a text is neither a private key nor something that is taken for one."""

_DASHES = "[-\u2010-\u2015\u2212]{1,8}"
"""Also as word processors and chats print them."""
_FRAME = re.compile(rf"{_DASHES} ?(BEGIN|END) ?([A-Z0-9 ]{{3,40}}?) ?{_DASHES}")
_ESCAPE = re.compile(r"\\{1,8}(?:u00([0-9a-fA-F]{2})|([nrt])|/)")
_MARKUP = re.compile("</?[a-z]{1,10} ?/?>|&#1[03];")
_LINE_END = re.compile(r"[\"'`][ \t]{0,8}[+.&_\\,;)]{0,8}[ \t]{0,8}$", re.MULTILINE)
"""Behind a line of a string in source code."""
_BEFORE, _BEHIND = " \t\"'`#>|*;,(", " \t\"'`\\,;)"
_HEADER = re.compile(r"^[ \t]*[A-Za-z][A-Za-z0-9-]{2,30}: .*$", re.MULTILINE)
_LOCK = re.compile(
    r"Proc-Type: ?4,ENCRYPTED\s*DEK-Info: ?((?:AES[A-Z0-9-]{3,12}),[0-9A-Fa-f]{32}|[A-Z0-9-]{3,16},[0-9A-Fa-f]{16})"
)
"""How PKCS#1 is encrypted (RFC 1421): the method and its starting value."""
_COMMENT = re.compile(r"^[ \t]*(?:#|;|//(?=.*[ \t])).*$", re.MULTILINE)
"""Base64 may begin with two slashes."""
_NAME = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?["']?([A-Za-z][\w.-]{0,60})["']?[ \t]*"""
    r"""(?::(?:[ \t]*[|>][-+]?[ \t]*$)?|=(?!=|[ \t]*$))""",
    re.MULTILINE,
)
"""Before a value. A line of base64 that ends in `=` is none."""
_PRIVATE = re.compile("private|seed|pem|sign|secret", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}[:-]?){32,})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_OPENSSL_TEXT = re.compile(r"^(priv|modulus|privateExponent|prime[12]):((?:\s*[0-9a-f]{2}:?)+)", re.MULTILINE)
_OPENSSL_NAMES = {"modulus": "n", "privateExponent": "d", "prime1": "p", "prime2": "q"}
"""By the names of JWK. The public exponent stands there as a decimal number."""
_XML = re.compile(r"<(Modulus|Exponent|P|Q|DP|DQ|InverseQ|D)>([A-Za-z0-9+/=\s]+)</\1>")
_XML_NAMES = {"Modulus": "n", "Exponent": "e", "InverseQ": "qi"}
_MAGIC = b"openssh-key-v1\0"
_ED25519 = bytes.fromhex("300506032b6570")
"""The algorithm of a PKCS#8 key, as DER (RFC 8410)."""
_SEQUENCE, _INTEGER, _BITS, _OCTETS = 0x30, 0x02, 0x03, 0x04

_PUBLIC_KEY = ("This is a public key", "Enter the private key of the same pair.")
_PKCS12 = "Convert it with `openssl pkcs12 -in FILE -nodes -nocerts -out COPY`, and enter the copy."
_INSTEAD: tuple[tuple[str, str, str], ...] = (
    (r"PuTTY-User-Key-File", "This is a key file of PuTTY",
     "Convert it with `puttygen FILE -O private-openssh -o COPY`, and enter the copy."),
    (r"BEGIN SSH2 ENCRYPTED PRIVATE KEY", "This is a private key in the format of ssh.com",
     "Convert it with `ssh-keygen -i -f FILE > COPY`, and enter the copy."),
    (r"BEGIN PGP |AGE-SECRET-KEY-1", "This is a key of PGP or age, which Binance does not take", "Use Ed25519 or RSA."),
    (r"BEGIN (?:NEW )?CERTIFICATE REQUEST", "This is a certificate request, which holds only a public key",
     _PUBLIC_KEY[1]),
    (r"BEGIN [A-Z0-9 ]{0,30}CERTIFICATE", "This is a certificate, which holds only a public key", _PUBLIC_KEY[1]),
    (r"BEGIN [A-Z0-9 ]{0,30}PUBLIC KEY|\A\s*(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA", *_PUBLIC_KEY),
)  # fmt: skip
"""What has no private key that is read here: the beginning, the name, the way out."""
_FORMS = "Enter an Ed25519 or RSA private key: PEM, OpenSSH, JWK, or base64 of PKCS#8."


@dataclass(frozen=True, slots=True)
class _Block:
    """What stood between two frames."""

    data: bytes = field(repr=False)
    lock: str = ""
    """`DEK-Info` of an encrypted PKCS#1 key."""
    label: str = ""


def import_pem(pem: Secret, passphrase: Secret | None = None) -> KeyPair:
    """Return the pair of a private key in any form. An encrypted one may take seconds: call it in a thread.

    WizardError: its passphrase is missing or wrong (`NEEDS_PASSPHRASE`), or Binance does not take its kind or size.
    IntakeError: it is something else, in words, with what to do.
    """
    try:
        return _read_text(pem.reveal(), passphrase, 0)
    except WizardError as error:
        # The frames below hold the key, and a traceback with locals would show them.
        raise error.with_traceback(None) from None


def is_seed(pem: Secret) -> bool:
    """Return whether a text is nothing but 32 or 64 bytes, in hexadecimal digits or base64: other things are so too."""
    return len(_bytes_of(pem.reveal()) or b"") in (32, 64)


def _read_text(text: str, passphrase: Secret | None, depth: int) -> KeyPair:
    text = _MARKUP.sub("\n", clean(text).replace("\u00a0", " "))
    text = _ESCAPE.sub(lambda escape: _unescaped(escape[1], escape[2]), text)
    if "BEGIN%20" in text:
        text = re.sub("%([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), text)
    if blocks := _blocks(text):
        # One key in two forms is one key.
        pairs = {pair.public_pem: pair for pair in (_open(block, passphrase) for block in blocks)}
        if len(pairs) > 1:
            raise IntakeError(f"This holds {len(pairs)} private keys", advice="Enter the one you mean.")
        return pairs.popitem()[1]
    for beginning, what, advice in _INSTEAD:
        if re.search(beginning, text):
            raise IntakeError(what, advice=advice)
    if not text.strip():
        raise IntakeError("You entered nothing", advice=_FORMS, code=UNKNOWN)
    return _read_frameless(text, passphrase, depth)


def _unescaped(code: str | None, letter: str | None) -> str:
    return chr(int(code, 16)) if code else "\n" if letter else "/"


# --- frames --------------------------------------------------------------------------------------


def _blocks(text: str) -> list[_Block]:
    """Return each private key between frames; an IntakeError where one is cut off or damaged."""
    frames, found = list(_FRAME.finditer(text)), list[_Block]()
    for begin, end in zip_longest(frames, frames[1:]):
        label = begin[2].strip()
        if begin[1] != "BEGIN" or not label.replace(" ", "").endswith("PRIVATEKEY") or label.startswith("SSH2"):
            continue
        if end is None or end[1] != "END":
            raise _cut_off()
        prefix = text[text.rfind("\n", 0, begin.start()) + 1 : begin.start()].strip()
        body = text[begin.end() : end.start()]
        if locked := _LOCK.search(body):
            body = body[locked.end() :]
        data = _decode(_bare(body, prefix))
        if data is None:
            raise IntakeError(
                "Some text between -----BEGIN and -----END is not base64", advice="Copy the key again, or its file."
            )
        found.append(_Block(data, locked[1] if locked else "", label))
    return [block for number, block in enumerate(found) if block not in found[:number]]


def _bare(body: str, prefix: str) -> str:
    """Return base64 without what the lines of a comment, a quotation or a program have around it."""
    lines = [line.strip() for line in _LINE_END.sub("", _HEADER.sub("", body)).splitlines() if line.strip()]
    if prefix and all(line.startswith(prefix) for line in lines):
        lines = [line.removeprefix(prefix) for line in lines]
    return "".join("".join(line.lstrip(_BEFORE).rstrip(_BEHIND).split()) for line in lines)


def _decode(text: str) -> bytes | None:
    """Return what base64 of either alphabet holds, with or without its end; None where it is none."""
    bare = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    with suppress(ValueError):
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True) if bare else None
    return None


def _cut_off() -> IntakeError:
    return IntakeError(
        "The private key is cut off", why="Its end is missing.", advice="Copy all of it, from BEGIN to END."
    )


# --- what it is ----------------------------------------------------------------------------------


def _open(block: _Block, passphrase: Secret | None) -> KeyPair:
    data = block.data
    if block.lock:
        # OpenSSL's label says what is inside; it cannot be seen.
        lines = (f"-----BEGIN {block.label}-----", "Proc-Type: 4,ENCRYPTED", f"DEK-Info: {block.lock}", "")
        body = base64.encodebytes(data).decode()
        return _load("pem", "\n".join((*lines, f"{body}-----END {block.label}-----\n")).encode(), passphrase, True)
    if data.startswith(_MAGIC):
        if b"sk-ssh" in data:
            raise IntakeError("A security key holds this private key", advice=_FORMS)
        length = int.from_bytes(data[len(_MAGIC) :][:4], "big")
        cipher = data[len(_MAGIC) + 4 :][:length]
        if not re.fullmatch(rb"[a-z0-9@.-]{3,40}", cipher):
            raise _unknown()
        frame = "-----{} OPENSSH PRIVATE KEY-----\n"
        framed = frame.format("BEGIN") + base64.encodebytes(data).decode() + frame.format("END")
        return _load("ssh", framed.encode(), passphrase, cipher != b"none")
    return _from_seed(data) if len(data) in (32, 64) else _open_der(data, passphrase)


def _open_der(data: bytes, passphrase: Secret | None) -> KeyPair:
    parts = _elements(data)
    tags = [tag for tag, _ in parts]
    if tags == [_SEQUENCE, _OCTETS]:
        return _load("der", data, passphrase, True)
    if tags in ([_SEQUENCE, _BITS], [_INTEGER, _INTEGER]):
        raise IntakeError(_PUBLIC_KEY[0], advice=_PUBLIC_KEY[1])
    if tags == [_SEQUENCE, _SEQUENCE, _BITS]:
        raise IntakeError("This is a certificate, which holds only a public key", advice=_PUBLIC_KEY[1])
    if tags[:2] == [_INTEGER, _SEQUENCE] and parts[0][1][-1:] == b"\x03":
        raise IntakeError("This is a key store in the format PKCS#12", advice=_PKCS12)
    if tags[:3] != [_INTEGER, _SEQUENCE, _OCTETS]:
        return _load("der", data, None, False)
    (_, algorithm), (_, key), *more = parts[1:]
    if algorithm == _ED25519:
        public = next((value[-32:] for tag, value in more if tag & 0x1F == 1), b"")
        return _from_seed(_inner(key), public)
    # Version 2 of PKCS#8 has the public key behind it, which OpenSSL does not read.
    body = b"\x02\x01\x00" + algorithm + key
    return _load("der", _tlv(_SEQUENCE, body), None, False)


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """Return tag and whole text of each element of a DER sequence; the octets of strings and integers with theirs."""
    tag, start, end = _header(data, 0)
    if tag != _SEQUENCE or end < len(data):
        raise _unknown()
    if end > len(data):
        raise _cut_off()
    found, at = list[tuple[int, bytes]](), start
    while at < end:
        tag, _, after = _header(data, at)
        found.append((tag, data[at:after]))
        at = after
    return found


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of the DER element at `at`, where its content begins, and where it ends."""
    if len(data) < at + 2:
        raise _cut_off()
    length, start = data[at + 1], at + 2
    if length > 0x80:
        start += length - 0x80
        length = int.from_bytes(data[at + 2 : start], "big")
    return data[at], start, start + length


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    octets = size.to_bytes(max(1, (size.bit_length() + 7) // 8), "big")
    return bytes([tag]) + (octets if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + content


def _inner(key: bytes) -> bytes:
    """Return the seed in the octet string of a PKCS#8 key. Old libraries write it without the second one."""
    content = key[_header(key, 0)[1] :]
    return content[2:] if content[:2] in (b"\x04\x20", b"\x04\x40") and len(content) in (34, 66) else content


def _load(form: str, data: bytes, passphrase: Secret | None, is_locked: bool) -> KeyPair:
    """Have the library open it; a passphrase goes where the key is locked alone."""
    load = {"pem": load_pem_private_key, "ssh": load_ssh_private_key, "der": load_der_private_key}[form]
    if is_locked and not passphrase:
        raise WizardError("The private key is encrypted", advice="Enter its passphrase.", code=NEEDS_PASSPHRASE)
    try:
        key = load(data, passphrase.reveal().encode() if is_locked and passphrase else None)
    except UnsupportedAlgorithm:
        raise IntakeError(
            "The wizard cannot open this kind of private key",
            advice="If it has a passphrase, take it off a copy with `ssh-keygen -p -f COPY`.",
        ) from None
    except (ValueError, TypeError):
        if not is_locked:
            raise _unknown() from None
        what = "The passphrase does not open this private key"
        raise WizardError(what, advice="Enter it again.", code=NEEDS_PASSPHRASE) from None
    return pair_of(key)


def _from_seed(raw: bytes, public: bytes = b"") -> KeyPair:
    """Return the pair of an Ed25519 seed, behind which its public half may stand."""
    if len(raw) not in (32, 64):
        raise _unknown()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(raw[:32])
    if not {raw[32:], public} <= {b"", key.public_key().public_bytes_raw()}:
        raise IntakeError("The private and the public half do not belong together", advice="Copy the key again.")
    return pair_of(key)


def _unknown() -> IntakeError:
    return IntakeError("This is no whole private key in a form that the wizard reads", advice=_FORMS, code=UNKNOWN)


# --- without frames ------------------------------------------------------------------------------


def _read_frameless(text: str, passphrase: Secret | None, depth: int) -> KeyPair:
    if "Private-Key:" in text and (found := dict(_OPENSSL_TEXT.findall(text))):
        return _from_openssl(
            {name: bytes.fromhex(re.sub("[^0-9a-f]", "", digits)) for name, digits in found.items()}, text
        )
    if "<RSAKeyValue>" in text:
        return _from_jwk(
            {"kty": "RSA"} | {_XML_NAMES.get(name, name.lower()): part for name, part in _XML.findall(text)}
        )
    if text.lstrip()[:1] in ("{", "[", '"'):
        value: object = None
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
        return _read_json(value, passphrase, depth)
    text = _COMMENT.sub("", text)
    _, *named = _NAME.split(text)
    names, values = named[::2], named[1::2]
    private = [value for name, value in zip(names, values, strict=True) if _PRIVATE.search(name)]
    data = _bytes_of(private[0] if len(private) == 1 else text)
    if data is not None:
        return _read_bytes(data, passphrase, depth)
    raise IntakeError(_PUBLIC_KEY[0], advice=_PUBLIC_KEY[1]) if any("public" in name for name in names) else _unknown()


def _bytes_of(text: str) -> bytes | None:
    """Return what hexadecimal digits or base64 hold, or None where a text has anything else."""
    compact = re.sub(r"[\s\"'`,;\\]+", "", re.sub(r"\A\s*[\"']?(?:data:[^,]{0,80},|base64:)", "", text))
    if digits := _HEX.fullmatch(compact):
        return bytes.fromhex(re.sub("[:-]", "", digits[1]))
    return _decode(compact) if _BASE64.fullmatch(compact) else None


def _read_bytes(data: bytes, passphrase: Secret | None, depth: int) -> KeyPair:
    if len(data) in (32, 64):
        return _from_seed(data)
    if data.startswith(_MAGIC) or data[:1] == b"\x30":
        return _open(_Block(data), passphrase)
    if data.startswith(b"\0\0\0\x0bssh-ed25519") or data.startswith(b"\0\0\0\x07ssh-rsa"):
        raise IntakeError(_PUBLIC_KEY[0], advice=_PUBLIC_KEY[1])
    text = data.decode("latin-1").replace("\0", "")  # also of UTF-16, as far as a key goes
    if depth < 2 and (data.isascii() or "BEGIN" in text):  # base64 of a whole file, as in a Kubernetes secret
        return _read_text(text, passphrase, depth + 1)
    raise _unknown()


def _read_json(value: object, passphrase: Secret | None, depth: int) -> KeyPair:
    if isinstance(value, dict):
        if "kty" in value:
            return _from_jwk(value)
        inner = [each for name, each in value.items() if name == "keys" or _PRIVATE.search(str(name))]
        if len(inner) != 1:
            raise _unknown()
        return _read_json(inner[0], passphrase, depth)
    if isinstance(value, list):
        if len(value) == 1:
            return _read_json(value[0], passphrase, depth)
        if value and all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return _read_bytes(bytes(value), passphrase, depth)
    if isinstance(value, str) and depth < 2:
        return _read_text(value, passphrase, depth + 1)
    raise _unknown()


def _from_openssl(parts: Mapping[str, bytes], text: str) -> KeyPair:
    """Return the pair of what `openssl pkey -text -noout` prints."""
    if "ED25519 Private-Key" in text:
        return _from_seed(parts.get("priv", b""))
    exponent = re.search(r"publicExponent: ([0-9]{1,10}) ", text)
    if not exponent:
        raise IntakeError("Binance does not take this kind of private key", advice="Use Ed25519 or RSA.")
    jwk = {_OPENSSL_NAMES.get(name, name): base64.b64encode(part).decode() for name, part in parts.items()}
    return _from_jwk({**jwk, "kty": "RSA", "e": base64.b64encode(int(exponent[1]).to_bytes(5, "big")).decode()})


def _from_jwk(jwk: Mapping[str, object]) -> KeyPair:
    """Return the pair of a JSON web key; RSA may lack all but n, e and d."""
    parts = {name: _decode("".join(part.split())) or b"" for name, part in jwk.items() if isinstance(part, str)}
    kind, private = f"{jwk.get('kty')} {jwk.get('crv', '')}".strip(), parts.get("d", b"")
    if kind not in ("OKP Ed25519", "RSA"):
        raise IntakeError("Binance does not take this kind of JSON web key", advice="Use Ed25519 or RSA.")
    if not private:
        raise IntakeError(_PUBLIC_KEY[0], advice=_PUBLIC_KEY[1])
    if kind != "RSA":
        return _from_seed(private, parts.get("x", b""))
    n, e, d, p, q = (int.from_bytes(parts.get(name, b""), "big") for name in ("n", "e", "d", "p", "q"))
    with suppress(ValueError, ZeroDivisionError):
        if not (p and q):
            p, q = rsa.rsa_recover_prime_factors(n, e, d)
        halves = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
        return pair_of(rsa.RSAPrivateNumbers(p, q, d, *halves, rsa.RSAPublicNumbers(e, n)).private_key())
    raise _unknown()
