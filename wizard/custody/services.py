"""How a program that runs as a system service, without a login, gets at the credentials: systemd's own way.

systemd.exec(5), "Credentials"; systemd-creds(1), since systemd 250. Every secret travels over stdin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wizard.custody.custodian import CREDENTIAL

_STORE: Final = "/etc/credstore.encrypted"
ABOUT: Final = (
    "A service has no login: no session bus, and nobody who types a password, least of all after a reboot. systemd can"
    " keep credentials for it, encrypted with a key of this machine (and its TPM2 chip, where it has one). Run these"
    " as yourself; sudo stands where root is needed. No secret is on a command line, and none is printed."
)


def commands(environment: str) -> Iterator[str]:
    """Return the commands that hand over one environment's current HMAC key, and the lines for the unit."""
    yield f"sudo install -d -m 700 {_STORE}"
    for name, variable in (("binance-api-key", "BINANCE_API_KEY"), ("binance-api-secret", "BINANCE_API_SECRET")):
        # Within `exec`, and only where the variable is set: else nothing would take the place of what is there.
        yield (
            f'key-wizard exec {environment} -- sh -c \': "${{{variable}:?}}";'
            f' printf %s "${variable}" | sudo systemd-creds encrypt --name={name} - {_STORE}/{name}\''
        )
    yield f"LoadCredentialEncrypted=binance-api-key:{_STORE}/binance-api-key"
    yield f"LoadCredentialEncrypted=binance-api-secret:{_STORE}/binance-api-secret"


def passphrase_commands() -> Iterator[str]:
    """Return the same for the passphrase of the encrypted file, for services that call `key-wizard exec`."""
    yield f"systemd-ask-password -n | sudo systemd-creds encrypt --name={CREDENTIAL} - {_STORE}/{CREDENTIAL}"
    yield f"LoadCredentialEncrypted={CREDENTIAL}:{_STORE}/{CREDENTIAL}"


def explanation(environment: str) -> Iterator[str]:
    """Return all of it, line by line."""
    yield ABOUT
    yield ""
    yield "The service reads the key itself, from the files below $CREDENTIALS_DIRECTORY:"
    yield from commands(environment)
    yield "For an Ed25519 or RSA key write BINANCE_PRIVATE_KEY in place of BINANCE_API_SECRET. Repeat after a rotation."
    yield ""
    yield "Or it starts as `key-wizard exec` with the encrypted file, whose passphrase systemd hands over:"
    yield from passphrase_commands()
