"""Other hosts in the line mode, with a fake ssh on the path."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from tests.egress.fake_ssh import calls, fake_ssh
from tests.plain.script import PlainWorld, visit
from tests.plain.walks import ROTATE
from tests.rotation.conftest import ELSEWHERE


async def test_hosts_are_checked_asked_and_taken_with_their_names(plain: PlainWorld, tmp_path: Path) -> None:
    plain.bench.environ, plain.bench.hosts = fake_ssh(tmp_path), ("bot-1", "bot-2")
    seen = await visit(
        plain,
        *ROTATE,
        ("The address is", "hosts"),
        ("3. stranger: not checked.", "check"),
        ("Numbers or names", "1, stranger, nobody"),
        ("nobody is none of these", "all"),
        ("3. stranger: checked.", "all"),
        ("3. stranger: not checked.", "check"),
        ("Numbers or names", "2,3"),
        ("3. stranger: checked.", "add"),
        ("Host, as", "-oProxyCommand=touch x"),
        ("begins with a dash", "trader@bot-3"),
        ("trader@bot-3 is added and checked.", ""),
        ("1. ask: ask bot-2, stranger, trader@bot-3.", "ask"),
        (f"take to the whitelist: {ELSEWHERE}", "take"),
        (f"For the whitelist: {ELSEWHERE} (bot-2, trader@bot-3).", "next"),
        ("Ready to paste: 2 entries", "keep"),
        ("Which kind of key?", "back"),
        ("Ready to paste: 2 entries", "quit"),
    )
    assert "stranger, after" in seen.text
    assert "Its host key is not known here." in seen.text
    assert sorted(call.split(" -- ")[1] for call in calls(tmp_path)) == [
        "bot-2 sh -s",
        "stranger sh -s",
        "trader@bot-3 sh -s",
    ]
    async with plain.bench.flow() as flow:
        assert flow.context.journal.labels("bench") == {IPv4Network(ELSEWHERE): "bot-2, trader@bot-3"}
        assert flow.context.egress == "203.0.113.42"
