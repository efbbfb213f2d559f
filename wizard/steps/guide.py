"""What each place of the wizard asks, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.rotation.model import Step


@dataclass(frozen=True, slots=True)
class Guide:
    """One place. `{place}` in its text stands for where credentials are kept."""

    question: str
    about: str
    """What it is for, in a few sentences, as its help."""


HOME = Guide(
    "What next?",
    "Choose an environment: the wizard takes it for itself, tries {place} with a canary and settles what an"
    " interrupted run left. Then begin or resume a rotation. Nothing on the exchange is touched from here.",
)
HOSTS = Guide(
    "Other hosts that use the key",
    "Every host that uses the key needs its address on the whitelist. The ticked hosts are asked over the system's"
    " OpenSSH, as your ~/.ssh/config says; each asks several operators which address they see. Nothing is typed"
    " there, no password is asked for, no key and no secret is sent. An address counts when two operators agree;"
    " it goes to the whitelist with the host's name as its label.",
)
STEPS = {
    Step.EGRESS: Guide(
        "Which address does the exchange see of this host?",
        "The exchange compares the address that your calls come from with the key's whitelist. Several operators are"
        " asked over the exchange's route, over IPv4; two that see the same address agree. A host behind several"
        " addresses needs all of them on the list: ask for more until another, used as often, would have shown."
        " Nothing here proves that an address stays the same.",
    ),
    Step.WHITELIST: Guide(
        "Which addresses may use the new key?",
        "Addresses and blocks are taken in any form: commas, blanks and lines all part them, and what stands behind #"
        " is whose they are. Each problem is named at its entry, with what mends it. This host's egress address must"
        " be covered, or the new key would not work from here.",
    ),
    Step.CREDENTIALS: Guide(
        "Which kind of key?",
        "Create the new key on the exchange's page with the whitelist of the step before. With Ed25519 the pair is made"
        " here and kept in {place} before its public half is shown; only the API key comes back. With HMAC the page"
        " shows a secret once: paste both, one by one or in one paste, also as KEY=… lines or JSON; names tell"
        " them apart, else the first is taken as the API key. The values are written to {place}, read back and"
        " compared. A private key of your own is imported from a PEM file or pasted. Typing is not shown.",
    ),
    Step.PROBE: Guide(
        "Do the new credentials work from here?",
        "The new key signs several read-only calls from this host, and the current key signs the same as a control."
        " Each check says what was observed, when, from which address, and what it does not prove. When everything"
        " that counts has passed, the new key can be made the current one; the old one becomes the legacy key and"
        " stays in {place}. Where a list was saved a moment ago, the wizard can ask slowly until the exchange accepts"
        " the key.",
    ),
    Step.RETIRE: Guide(
        "Is the legacy key dead?",
        "Restart what uses the key so that it takes the new one, then delete the legacy key on the exchange's page at"
        " once: while both are alive the overlap grows. The wizard asks with both keys in each poll. Only when the"
        " legacy key is refused and the current key is accepted, three polls in a row, is its death proven. Then its"
        " secret can be deleted from {place}, which is read back; the certificate names the files and variables of"
        " this host in which the key still stands in plain text, as far as they were looked at.",
    ),
}
