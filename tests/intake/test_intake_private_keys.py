"""Private keys as people have them, from files and pastes: read into one form, or refused with what to do."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from wizard.core.credentials import KeyKind
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.intake.paste import IntakeError
from wizard.intake.private_keys import NEEDS_PASSPHRASE, import_pem
from wizard.intake.sources import open_private_key, read_source, take

SEED = bytes.fromhex("3acb9f04ef9c50fc9e65864628f13149f236d78119619d1e79e9d8643f9b1629")
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PLAIN = NoEncryption()
PKCS8, PKCS1, OPENSSH = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH


def pem(key: object, form: PrivateFormat = PKCS8, passphrase: str = "") -> str:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else PLAIN
    return key.private_bytes(Encoding.PEM, form, encryption).decode()  # type: ignore[attr-defined, no-any-return]


def der(key: object, form: PrivateFormat = PKCS8) -> bytes:
    return key.private_bytes(Encoding.DER, form, PLAIN)  # type: ignore[attr-defined, no-any-return]


def public(key: object, encoding: Encoding = Encoding.PEM) -> str:
    form = PublicFormat.OpenSSH if encoding is Encoding.OpenSSH else PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form).decode()  # type: ignore[attr-defined, no-any-return]


def framed(data: bytes, label: str = "PRIVATE KEY") -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(data).decode()}-----END {label}-----\n"


RAW_PUBLIC = ED25519.public_key().public_bytes_raw()
VERSION_2 = bytes.fromhex("3053020101300506032b657004220420") + SEED + bytes.fromhex("a123032100") + RAW_PUBLIC
"""As ring writes it (RFC 5958)."""
VERSION_2_MISMATCHED = VERSION_2[:-1] + bytes([VERSION_2[-1] ^ 1])
OLD_JAVA = bytes.fromhex("302c020100300506032b65700420") + SEED
"""Without the second octet string, as before RFC 8410."""
RSA_VERSION_2 = (
    b"\x30\x82" + (len(der(RSA)) - 4 + 4).to_bytes(2, "big") + b"\x02\x01\x01" + der(RSA)[7:] + b"\xa1\x02\x03\x00"
)


def url64(number: int | bytes) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big") if isinstance(number, int) else number
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


N = RSA.private_numbers()
RSA_JWK = {
    "kty": "RSA", "n": url64(N.public_numbers.n), "e": url64(N.public_numbers.e), "d": url64(N.d),
    "p": url64(N.p), "q": url64(N.q), "dp": url64(N.dmp1), "dq": url64(N.dmq1), "qi": url64(N.iqmp),
}  # fmt: skip
JWK = {"kty": "OKP", "crv": "Ed25519", "d": url64(SEED), "x": url64(RAW_PUBLIC)}


def std64(number: int) -> str:
    return base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


XML = "".join(
    f"<{name}>{std64(part)}</{name}>"
    for name, part in (("Modulus", N.public_numbers.n), ("Exponent", N.public_numbers.e), ("P", N.p), ("Q", N.q),
                       ("DP", N.dmp1), ("DQ", N.dmq1), ("InverseQ", N.iqmp), ("D", N.d))
)  # fmt: skip
BAG = "Bag Attributes\n    friendlyName: binance\n    localKeyID: 54 69 6D\nKey Attributes: <No Attributes>\n"


def colons(data: bytes) -> str:
    return "".join(f"{byte:02x}:" + ("\n    " if place % 15 == 14 else "") for place, byte in enumerate(data)).rstrip(
        ": \n"
    )


def section(name: str, number: int) -> str:
    return f"{name}:\n    {colons(number.to_bytes(number.bit_length() // 8 + 1, 'big'))}\n"


OPENSSL_RSA = (
    f"Private-Key: (2048 bit, 2 primes)\n{section('modulus', N.public_numbers.n)}publicExponent: 65537 (0x10001)\n"
    f"{section('privateExponent', N.d)}{section('prime1', N.p)}{section('prime2', N.q)}{section('exponent1', N.dmp1)}"
    f"{section('exponent2', N.dmq1)}{section('coefficient', N.iqmp)}"
)
OPENSSL_TEXT = "ED25519 Private-Key:\npriv:\n    " + colons(SEED) + "\npub:\n    ca:26:5a\n"


def lines_in(before: str, after: str) -> Callable[[str], str]:
    return lambda text: "\n".join(f"{before}{line}{after}" for line in text.splitlines())


WRAPPED: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "a byte order mark": lambda text: f"\ufeff{text}",
    "paste markers": lambda text: f"\x1b[200~{text}\x1b[201~",
    "literal line ends": lambda text: text.replace("\n", "\\n"),  # box/box-node-sdk#259
    "literal line ends, twice escaped": lambda text: text.replace("\n", "\\\\n"),
    "literal CRLF": lambda text: text.replace("\n", "\\r\\n"),
    "blanks for line ends": lambda text: text.replace("\n", " "),  # dwyl/learn-environment-variables#17
    "no line ends": lambda text: text.replace("\n", ""),  # eduardoboucas/staticman#332
    "blank lines": lambda text: text.replace("\n", "\n\n"),
    "quotes": lambda text: f'"{text}"',  # freqtrade/freqtrade#8034
    "a name and quotes": lambda text: f"export BINANCE_PRIVATE_KEY='{text}'",
    "a YAML block": lambda text: "private_key: |\n" + lines_in("    ", "")(text),
    "a JSON string": lambda text: json.dumps({"secret": text}),
    "a PHP JSON string": lambda text: json.dumps({"secret": text}).replace("/", "\\/"),
    "a comment": lines_in("# ", ""),
    "a comment with slashes": lines_in("//", ""),
    "a quotation": lines_in("> ", ""),
    "a diff": lines_in("+", ""),
    "strings in source code": lines_in('    "', '\\n" +'),
    "strings behind each other": lines_in("'", "\\n'"),
    "continued lines": lines_in("", "\\"),
    "a remark before and after": lambda text: f"# binance, main account\n\n{text}\n# end\n",
    "bag attributes": lambda text: BAG + text,
    "a public key behind it": lambda text: text + public(RSA),  # ccxt/ccxt#16280
    "a public key before it": lambda text: public(ED25519) + text,
    "itself again": lambda text: text + "\n" + text,
    "base64 of the file": lambda text: base64.b64encode(text.encode()).decode(),  # binance-connector-go#28
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "a Kubernetes secret": lambda text: "  private-key: " + base64.b64encode(text.encode()).decode(),
    "dashes of a word processor": lambda text: text.replace("-----", "\u2014\u2014-"),
    "percent-encoded": lambda text: text.replace("+", "%2B").replace(" ", "%20").replace("\n", "%0A"),
}
FORMS: dict[str, tuple[str, object]] = {
    "Ed25519 PKCS#8": (pem(ED25519), ED25519),
    "Ed25519 OpenSSH": (pem(ED25519, OPENSSH), ED25519),  # pyca/cryptography#7314
    "Ed25519 PKCS#8 version 2": (framed(VERSION_2), ED25519),  # pyca/cryptography#6760, openssl/openssl#9134
    "Ed25519 of old libraries": (framed(OLD_JAVA), ED25519),
    "an Ed25519 seed in a frame": (framed(SEED, "ED25519 PRIVATE KEY"), ED25519),
    "RSA PKCS#8": (pem(RSA), RSA),
    "RSA PKCS#1": (pem(RSA, PKCS1), RSA),
    "RSA OpenSSH": (pem(RSA, OPENSSH), RSA),
    "RSA PKCS#8 version 2": (framed(RSA_VERSION_2), RSA),
    "PKCS#8 with the label of PKCS#1": (framed(der(RSA), "RSA PRIVATE KEY"), RSA),
    "PKCS#1 with the label of PKCS#8": (framed(der(RSA, PKCS1)), RSA),
}
FRAMELESS: dict[str, tuple[str, object]] = {
    "seed in hexadecimal": (SEED.hex(), ED25519),  # binance/binance-connector-go#28
    "seed in capitals": (f"0x{SEED.hex().upper()}\n", ED25519),
    "seed with colons": (SEED.hex(":"), ED25519),
    "seed in base64": (base64.b64encode(SEED).decode(), ED25519),
    "seed in base64url": (url64(SEED), ED25519),
    "seed with its public half": ((SEED + RAW_PUBLIC).hex(), ED25519),
    "the same in base64": (base64.b64encode(SEED + RAW_PUBLIC).decode(), ED25519),
    "the same as numbers": (json.dumps(list(SEED + RAW_PUBLIC)), ED25519),
    "seed with a name": (f"# main account\nPRIVATE_KEY={SEED.hex()}\n", ED25519),
    "seed beside an API key": (f"API_KEY={'Ap1K' * 16}\nED25519_SEED='{base64.b64encode(SEED).decode()}'\n", ED25519),
    "base64 of Ed25519 PKCS#8": (base64.b64encode(der(ED25519)).decode(), ED25519),
    "base64 of RSA PKCS#8 in lines": (base64.encodebytes(der(RSA)).decode(), RSA),
    "base64 of RSA PKCS#8 with a name": ("private_key: >-\n  " + base64.b64encode(der(RSA)).decode(), RSA),
    "base64 of PKCS#8 version 2": (base64.b64encode(VERSION_2).decode(), ED25519),
    "hexadecimal of PKCS#8": (der(ED25519).hex(), ED25519),
    "base64 with a mark": ("base64:" + base64.b64encode(der(ED25519)).decode(), ED25519),
    "base64 as a link": ("data:application/x-pem-file;base64," + base64.b64encode(pem(RSA).encode()).decode(), RSA),
    "base64 of a file in UTF-16": (base64.b64encode(pem(ED25519).encode("utf-16")).decode(), ED25519),
    "base64 of a file in Latin-1": (base64.b64encode(f"# Schl\xfcssel\n{pem(RSA)}".encode("latin-1")).decode(), RSA),
    "JWK Ed25519": (json.dumps(JWK), ED25519),
    "JWK RSA": (json.dumps(RSA_JWK, indent=2), RSA),
    "JWK RSA with three parts": (json.dumps({name: RSA_JWK[name] for name in ("kty", "n", "e", "d")}), RSA),
    "JWK set": (json.dumps({"keys": [JWK]}), ED25519),
    "JWK in base64": (base64.b64encode(json.dumps(JWK).encode()).decode(), ED25519),
    "RSA of .NET": (f"<RSAKeyValue>{XML}</RSAKeyValue>", RSA),
    "openssl pkey -text -noout": (OPENSSL_TEXT, ED25519),
    "openssl rsa -text -noout": (OPENSSL_RSA, RSA),
}


def assert_read(text: str, key: object) -> None:
    pair = import_pem(Secret(text))
    assert pair.private_pem.reveal() == pem(key)
    assert pair.public_pem == public(key)
    assert pair.kind is (KeyKind.RSA if key is RSA else KeyKind.ED25519)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_framed_private_key_is_read_whatever_is_around_it(wrapped: str, form: str) -> None:
    text, key = FORMS[form]
    assert_read(WRAPPED[wrapped](text), key)


@pytest.mark.parametrize("form", FRAMELESS)
def test_a_private_key_without_frames_is_read(form: str) -> None:
    assert_read(*FRAMELESS[form])


def test_an_imported_ed25519_key_has_the_length_by_which_some_clients_know_its_kind() -> None:
    pair = import_pem(Secret(pem(ED25519).replace("\n", "\r\n") + "\n\n"))
    assert len(pair.private_pem) == 119  # ccxt and python-binance take 120 characters and more for RSA


WRAPS = st.lists(
    st.sampled_from(
        [name for name in WRAPPED if name not in ("a comment with slashes", "percent-encoded", "a PHP JSON string")]
    ),
    max_size=2,
    unique=True,
)


@settings(max_examples=examples(500))
@given(st.sampled_from(list(FORMS)), WRAPS, st.integers(8, 100), st.sampled_from(["", " ", "\t", "  "]))
def test_variants_of_a_framed_key_are_that_key_or_refused(form: str, wraps: list[str], width: int, indent: str) -> None:
    """Lines of another length, an indent, and two wraps in each other: never another key, nothing of it in an error."""
    text, key = FORMS[form]
    first, *body, last = text.splitlines()
    whole = "".join(body)
    body = [whole[place : place + width] for place in range(0, len(whole), width)]
    text = "\n".join(indent + line for line in (first, *body, last)) + "\n"
    for name in wraps:
        text = WRAPPED[name](text)
    try:
        pair = import_pem(Secret(text))
    except IntakeError as error:
        assert len(wraps) == 2, f"one wrap is read: {wraps}"
        assert not [line for line in body if len(line) > 7 and line in repr(error.sentences())]
    else:
        assert pair.public_pem == public(key)


@settings(max_examples=examples(500))
@given(st.sampled_from(list(FORMS)), st.data())
def test_a_damaged_key_is_never_another_one(form: str, data: st.DataObject) -> None:
    text, key = FORMS[form]
    place = data.draw(st.integers(0, len(text) - 1))
    damaged = (
        text[:place]
        + data.draw(st.sampled_from(["", "A", "\n", "-", "\\n", "+", text[place:][:9]]))
        + text[place + 1 :]
    )
    try:
        pair = import_pem(Secret(damaged))
    except WizardError as error:
        assert not [line for line in damaged.splitlines() if len(line) > 30 and line in repr(error.sentences())]
    else:
        # The parts of an RSA key hold each other; of PKCS#8, version 1, a changed seed is another seed.
        assert pair.public_pem == public(key) or key is ED25519


@pytest.mark.parametrize(
    ("key", "form"), [(RSA, PKCS8), (RSA, PKCS1), (ED25519, PKCS8), (ED25519, OPENSSH), (RSA, OPENSSH)]
)
@pytest.mark.parametrize("wrapped", ["as it is", "literal line ends", "blanks for line ends", "no line ends", "quotes"])
def test_an_encrypted_one_wants_its_passphrase(key: object, form: PrivateFormat, wrapped: str) -> None:
    text = WRAPPED[wrapped](pem(key, form, "pâss wörd"))
    with pytest.raises(WizardError, match="is encrypted") as missing:
        import_pem(Secret(text))
    with pytest.raises(WizardError, match="does not open") as wrong:
        import_pem(Secret(text), Secret("wrong"))
    assert missing.value.code == wrong.value.code == NEEDS_PASSPHRASE
    assert import_pem(Secret(text), Secret("pâss wörd")).private_pem.reveal() == pem(key)


SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
CURVE = ec.generate_private_key(ec.SECP256R1())
NOT_TAKEN = {
    "an Ed448 key": (pem(ed448.Ed448PrivateKey.generate()), "does not take Ed448 keys", "Ed25519"),
    "an X25519 key": (pem(x25519.X25519PrivateKey.generate()), "does not take X25519 keys", "Ed25519"),
    "an elliptic-curve key": (pem(CURVE), "does not take elliptic-curve keys", "RSA"),
    "the same in SEC 1": (pem(CURVE, PKCS1), "does not take elliptic-curve keys", "RSA"),
    "a DSA key": (pem(dsa.generate_private_key(2048), PKCS1), "does not take DSA keys", "Ed25519"),
    "a small RSA key": (pem(SMALL), "RSA key of 1024 bits", "Ed25519 is recommended"),
    "PuTTY, version 2": ("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: aes256-cbc\n", "PuTTY", "-O private-openssh"),
    "PuTTY, version 3": ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY", "-O private-openssh"),
    "ssh.com": ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/5=\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
                "ssh.com", "ssh-keygen -i"),
    "the text of X25519": (OPENSSL_TEXT.replace("ED", "X"), "does not take this kind", "Ed25519"),
    "PGP": ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----", "PGP", "Ed25519"),
    "a public key": (public(ED25519), "a public key", "private key of the same pair"),
    "a public key of OpenSSH": (public(RSA, Encoding.OpenSSH), "a public key", "private key of the same pair"),
    "a bare public key": (public(RSA).split("-----")[2], "a public key", "private key of the same pair"),
    "a public JWK": (json.dumps({"kty": "OKP", "crv": "Ed25519", "x": JWK["x"]}), "a public key", "private key"),
    "an X25519 JWK": (json.dumps({**JWK, "crv": "X25519"}), "kind of JSON web key", "Ed25519"),
    "a named public key": (f"PUBLIC_KEY_public={RAW_PUBLIC.hex()}x", "a public key", "private key"),
    "a certificate": ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a certificate", "private key"),
    "a certificate request": ("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n",
                              "a certificate request", "private key"),
    "half of a key": (pem(RSA)[:-40], "cut off", "from BEGIN to END"),
    "a key without its middle": ("\n".join([*pem(RSA).splitlines()[:9], pem(RSA).splitlines()[-1]]), "cut off", "END"),
    "two keys": (pem(RSA) + pem(ED25519), "2 private keys", "the one you mean"),
    "a word for a key": ("-----BEGIN PRIVATE KEY-----\nYOUR_KEY!\n-----END PRIVATE KEY-----", "not base64", "Copy"),
    "halves of two keys": (framed(VERSION_2_MISMATCHED), "do not belong together", "again"),
    "halves of two keys in a JWK": (json.dumps({**JWK, "x": url64(bytes(32))}), "do not belong together", "again"),
    "a key store": (base64.b64encode(bytes.fromhex("301d020103" + "3018" + "00" * 24)).decode(), "PKCS#12", "openssl"),
    "an HMAC secret": ("Ap1K" * 16, "no whole private key", "PEM"),
    "something else": ("garbage", "no whole private key", "PEM"),
    "nothing": ("", "entered nothing", "PEM"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_anything_else_is_named_with_what_to_do(name: str) -> None:
    text, said, advice = NOT_TAKEN[name]
    with pytest.raises(WizardError) as refused:
        import_pem(Secret(text))
    assert said in refused.value.what
    assert advice in refused.value.advice
    told = repr(refused.value.sentences())
    assert not [line for line in text.splitlines() if line and "-" not in line and line != "garbage" and line in told]
    shown = with_locals(refused.value)
    assert not [line for line in text.splitlines() if len(line) > 20 and "BEGIN" not in line and line in shown]


@pytest.mark.parametrize(
    "unit", ["-", "\\", '"', " ", "\n", "ab:", "a= ", "BEGIN ", "-BEGIN A ", "<RSAKeyValue><P> ", "` , ", "Abc-def: "]
)
@pytest.mark.parametrize(
    "frame", ["{}x", "-----BEGIN PRIVATE KEY-----\n'{}x\n-----END PRIVATE KEY-----", "<RSAKeyValue><P>{}"]
)
@pytest.mark.timeout(20)
def test_no_long_text_holds_the_reader_up(unit: str, frame: str) -> None:
    with pytest.raises(WizardError):
        import_pem(Secret(frame.format(unit * (65536 // len(unit)))))


def with_locals(error: WizardError) -> str:
    """Return what a debugger would show of it, below the test itself."""
    assert error.__traceback__
    below = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    return "".join(below.format())


def test_a_traceback_with_locals_shows_neither_the_passphrase_nor_the_private_key() -> None:
    encrypted = pem(RSA, PKCS8, "correct horse")
    with pytest.raises(WizardError, match="does not open") as wrong:
        import_pem(Secret(encrypted), Secret("battery staple"))
    shown = with_locals(wrong.value)
    assert "import_pem" in shown
    assert not [hidden for hidden in ("battery", "ENCRYPTED PRIVATE", encrypted[200:240]) if hidden in shown]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_file_is_opened_with_a_warning_where_others_may_read_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(f"# Schlüssel\n{pem(RSA)}", encoding=encoding)
    file.chmod(0o644)
    key = open_private_key(str(file), Secret(), Secret())
    assert key.pair.private_pem.reveal() == pem(RSA)
    assert "chmod 600" in key.warning
    assert key.path == str(file)


def test_der_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    for key in (ED25519, RSA):
        file.write_bytes(der(key))
        assert open_private_key(str(file), Secret(), Secret()).pair.private_pem.reveal() == pem(key)
    file.write_bytes(b"\xff\x00 picture")
    with pytest.raises(IntakeError, match="no whole private key"):
        open_private_key(str(file), Secret(), Secret())


def test_a_bare_seed_is_read_with_a_doubt(tmp_path: Path) -> None:
    assert "Compare the public key" in open_private_key("", Secret(SEED.hex()), Secret()).warning
    file = tmp_path / "key.txt"
    file.write_text(SEED.hex())
    (alone,) = read_source(str(file), {}).found
    assert "Compare the public key" in alone.warning
    assert alone.missing == "api_key"


@pytest.mark.parametrize("form", ["base64 of Ed25519 PKCS#8", "JWK RSA", "openssl pkey -text -noout", "RSA of .NET"])
def test_a_file_that_is_a_private_key_alone_is_a_source_of_one(tmp_path: Path, form: str) -> None:
    text, key = FRAMELESS[form]
    file = tmp_path / "key.txt"
    file.write_text(text)
    found = take(read_source(str(file), {}), "live")
    assert found.pem is not None
    assert import_pem(found.pem).public_pem == public(key)
    assert found.api_key is None


def test_a_key_file_of_putty_holds_no_api_key(tmp_path: Path) -> None:
    file = tmp_path / "key.ppk"
    file.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-MAC: " + "01" * 32)
    with pytest.raises(IntakeError, match="holds no key") as refused:
        take(read_source(str(file), {}), "live")
    assert "puttygen FILE -O private-openssh" in refused.value.why


def test_a_key_that_is_given_in_the_place_of_a_path_is_not_repeated() -> None:
    body = "MC4CAQAwBQYDK2VwBCIEIOaaKIRWthisIsNoRealKeyButLooksLikeOne00"
    with pytest.raises(FileError) as caught:
        open_private_key(body, Secret(), Secret())
    assert body[:12] not in f"{caught.value} {caught.value.what} {caught.value.why} {caught.value.advice}"
