"""What is typed wrongly is told in words, taken in no part, and asked for again."""

from __future__ import annotations

import httpx
import pytest

from tests.plain.script import Line, PlainWorld, ScriptedConsole, visit
from tests.plain.walks import EGRESS, ROTATE, SWITCH, TO_CREDENTIALS, from_page, of_type
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.rotation.model import Step

TO_WHITELIST = [*ROTATE, *EGRESS]
HMAC: list[Line] = [*of_type("hmac"), ("What next?", "save")]
PEM = f"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE{'A' * 44}\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("answer", ["", "7", "0", "-1", "promote", "S3cr3tS3cr3tS3cr3t", "\x1b[A", "ключ"])
async def test_an_answer_that_is_none_of_them_is_asked_again_and_not_repeated(empty: PlainWorld, answer: str) -> None:
    default = not answer
    script: list[Line] = [("What next?", answer)]
    ended = await visit(empty, *script)
    assert ("That is none of the answers." in ended.text) is not default
    if len(answer) > 10:
        assert answer not in ended.text


async def test_help_at_every_prompt_explains_and_asks_again(plain: PlainWorld) -> None:
    script: list[Line] = []
    for said, answer in [*TO_CREDENTIALS, *from_page("hmac"), *SWITCH]:
        script += [(said, "help"), ("Help.", answer)]
    ended = await visit(plain, *script, ("", "help"))
    for about in (
        "It is stored in this program's memory, read back and compared.",
        "Your bot has to support the type that you choose.",
        "the page stands in for API Management on Binance",
        "three times in a row",
    ):
        assert about in ended.text
    assert "Ctrl-C stops a wait. At a prompt it asks whether to quit." in ended.text
    assert ended.left_at is Step.RETIRE


async def test_where_secrets_cannot_be_typed_the_step_says_why_and_nothing_is_stored(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_console: ScriptedConsole, _prompt: str) -> Secret:
        raise WizardError("Keys and secrets are typed at a terminal only", why="There is none.")

    monkeypatch.setattr(ScriptedConsole, "ask_secret", refuse)
    ended = await visit(plain, *TO_CREDENTIALS, *HMAC, ("Problem: Keys and secrets are typed", "quit"))
    assert ended.left_at is Step.CREDENTIALS
    assert len(plain.bench.store._items) == 2, "the key in use, and the pair that was made here"


async def test_where_nobody_gives_an_address_the_answer_is_to_ask_again(plain: PlainWorld) -> None:
    answers = [{"path": f"/echo/{shape}", "times": 2, "status": 503} for shape in ("plain", "json", "trace")]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.put(f"{plain.bench.base_url}/desk/faults", json={"answers": answers})
        assert answer.is_success
    ended = await visit(plain, *ROTATE, ("[retry]: ", ""), ("[retry]: ", ""), *EGRESS)
    assert ended.text.count("gave no address: HTTP 503") == 6
    assert "No service saw a public IPv4 address." in ended.text
    assert ended.left_at is Step.WHITELIST
