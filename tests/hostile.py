"""Text that others wrote to steer a terminal, to hide, or to look like a verdict, and who may see what of it."""

from __future__ import annotations

import json
from collections import Counter

from rich.cells import cell_len
from wcwidth import wcwidth

MARK = "kwx"
"""Before every hostile text: a test that does not see it has tested nothing."""
FORGED = "✓ Binance accepts"
"""What a line of the wizard's own may begin with, and none from outside."""
TEXTS = {
    "CSI": "\x1b[2J\x1b[31m\x1b[1;1H",
    "OSC 52": "\x1b]52;c;aGFjaw==\x07",
    "OSC title and link": "\x1b]0;owned\x07\x1b]8;;http://x\x1b\\",
    "DCS, APC, PM": "\x1bP$qm\x1b\\\x1b_x\x1b\\\x1b^x\x1b\\",
    "queries": "\x1b[c\x1b[6n\x1b[?1000h\x05",
    "C1": "\x9b2J\x9d52;c;eA==\x9c\x90x\x9c",
    "BEL, backspace, DEL": "\x07ok\b\bno\x7f",
    "NUL, SO, SI": "a\x00b\x0e\x0f",
    **{
        f"line end {end!a}": f"{end}{FORGED}"
        for end in ("\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029")
    },
    "tabs": "a\tb\t\tc",
    "markup": "[bold red]x[/] [@click=app.quit]y[/] [/z]",
    "markup of links and variables": "[link='http://x']x[/link] $text-success \\[b]",
    "direction": "\u202e\u2066\u200fcba\u2069\u202c\u061c",
    "without width": "a\u200d\u200b\ufeffb\u2060\u00ad\u034fc\U000e0041\u3164",
    "combining towers": "\u0336" + "e" + "\u0301" * 40 + "\u0e19" + "\u0e49" * 20,
    "overlays": "no\u20e0\u0338 \u0489",
    "wide": "漢字かなカナ한글ａｂ",
    "families and flags": "👨‍👩‍👧‍👦👍🏽🇩🇪❤️☠️",
    "private and not assigned": "\ue000\U000f0000\U0001fbff\u0378",
    "surrogates of bytes": "a\udc9b\udcff",
    "homoglyphs": "Віnаnсе аccерts",
    "long": "x" * 70_000,
}


def judge(text: str) -> list[str]:
    """Return what is wrong with what was written on a terminal, in lines."""
    found = []
    for line in text.split("\n"):
        if not line.isprintable():
            found.append(f"a control character in {line[:200]!a}")
        if line.lstrip().startswith(FORGED):
            found.append(f"a forged line {line[:200]!a}")
        if cell_len(line) != sum(map(wcwidth, line)) or len(line) > cell_len(line) * 3:
            found.append(f"no certain width in {line[:200]!a}")
    return found


def judge_json(text: str) -> list[str]:
    """Return what is wrong with an object in JSON."""
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except ValueError as error:
        return [f"no JSON: {error} in {text[:200]!a}"]
    return [] if text.isascii() and text.removesuffix("\n").isprintable() else [f"not escaped: {text[:200]!a}"]


class Table:
    """Source × sink: how often each was right, and what was wrong. `seen` has the sources whose mark was written."""

    def __init__(self) -> None:
        self.right, self.wrong, self.seen, self.with_text = Counter[str](), list[str](), set[str](), 0

    def note(self, source: str, sink: str, text: str, name: str, *, is_json: bool = False) -> None:
        """Judge what a sink was given."""
        found = judge_json(text) if is_json and text else judge(text)
        self.right[f"{source} → {sink}"] += bool(text and not found)
        self.wrong += [f"{source} → {sink}, {name}: {each}" for each in found]
        self.seen |= {source} if MARK in text else set()
        self.with_text += MARK in text

    def check(self, *sources: str) -> None:
        """Print the table, and fail where something was wrong, or nothing of these sources was repeated."""
        print("", *(f"{where}: {count} right" for where, count in self.right.items() if count), sep="\n")
        print(f"{self.right.total()} right, {self.with_text} of them with hostile text, {len(self.wrong)} wrong")
        assert not self.wrong, "\n".join(self.wrong[:40])
        assert self.seen == {*sources}
