"""The summary: the certificate of a finished rotation, line by line."""

from __future__ import annotations

from wizard.core.errors import sentences
from wizard.plain.talk import Talk
from wizard.rotation.certificate import Certificate
from wizard.rotation.closing import safe_to_close
from wizard.rotation.model import Grade, Step

_HEADLINES = {
    None: "The key is stored and proven to work from here.",
    Grade.STRONG: "The key is replaced, and the legacy key is refused from here.",
    Grade.WEAK: "The key is replaced. The legacy key was given up on your word.",
}
_REPLACED = "The key is replaced, and the legacy key is dead."


def tell_summary(talk: Talk, certificate: Certificate) -> None:
    """Say what was proven and what was not. The journal keeps it."""
    talk.say(
        "",
        f"Summary. {_HEADLINES.get(certificate.grade, _REPLACED)}",
        f"It is safe to close now: {safe_to_close(Step.DONE)}.",
        *sentences(*(f"{label}: {text}" for label, text in certificate.lines())),
    )
