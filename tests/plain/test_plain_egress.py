"""The first pages in lines: a page is said, and said again only where it is another one."""

from __future__ import annotations

from pathlib import Path

from tests.egress.fake_ssh import fake_ssh
from tests.plain.conftest import PlainWorld
from tests.plain.script import visit
from tests.plain.walks import ROTATE
from tests.rotation.conftest import ELSEWHERE


async def test_every_action_of_the_page_is_a_word(plain: PlainWorld) -> None:
    ended = await visit(plain, *ROTATE, ("What next?", "more"), ("less than 1%", "ask"), ("", "details"), ("", "quit"))
    for word in ("continue", "tick", "ask", "hosts", "retry", "more", "details"):
        assert f". {word}: " in ended.text
    assert "/echo/plain" in ended.text


async def test_what_goes_to_the_whitelist_is_ticked(plain: PlainWorld) -> None:
    await visit(
        plain,
        *ROTATE,
        ("1. 203.0.113.42, ", "tick"),
        ("not ticked.", "continue"),
        ("No address is ticked for the whitelist.", "tick"),
        (", ticked.", "continue"),
        ("203.0.113.42", "quit"),
    )


async def test_hosts_are_a_page_on_top(plain: PlainWorld, tmp_path: Path) -> None:
    plain.bench.environ, plain.bench.hosts = fake_ssh(tmp_path), ("bot-1", "bot-2")
    seen = await visit(
        plain,
        *ROTATE,
        ("What next?", "hosts"),
        ("3. stranger, not ticked.", "tick"),
        ("Numbers", "1, stranger, nobody"),
        ("There is no row of such a number", "add"),
        ("Host, as", "-oProxyCommand=touch x"),
        ("begins with a dash", "trader@bot-3"),
        ("4. trader@bot-3, ticked.", "ask"),
        ("found", "use"),
        (f"{ELSEWHERE} (bot-2, trader@bot-3)", "continue"),
        (ELSEWHERE, "quit"),
    )
    assert "stranger, after" in seen.text


async def test_a_part_of_the_page_is_not_repeated(plain: PlainWorld) -> None:
    ended = await visit(plain, *ROTATE, ("What next?", "hosts"), ("What next?", "back"), ("What next?", "quit"))
    assert ended.text.count("Not proven: that the address") <= 1
