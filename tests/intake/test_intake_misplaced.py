"""What is a key and what is a path, told by shape."""

from __future__ import annotations

import base64
import random
import string

import pytest

from tests.custody.keys import rsa_4096_pair
from wizard.exchange.signing import generate_ed25519
from wizard.intake.misplaced import looks_like_key, may_become_key

KEY = "".join(random.Random(6).choices(string.ascii_letters + string.digits, k=64))


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f'"{KEY}"',
        f"\x1b[200~{KEY}\x1b[201~",
        f"~/{KEY}",
        f"BINANCE_API_KEY={KEY}",
        f"{KEY}\n{KEY[::-1]}",
        KEY.lower(),
        "ab12" * 16,
        "-----BEGIN",
        generate_ed25519().private_pem.reveal(),
        generate_ed25519().private_pem.reveal().splitlines()[1],
    ],
)
def test_a_key_is_told_whatever_is_around_it(text: str) -> None:
    assert looks_like_key(text)


def test_the_lines_of_a_long_private_key_are_told() -> None:
    # Of 100,000 lines of random bytes 80 have too few capitals or digits: here are some 50, new each time.
    lines = rsa_4096_pair().signing.reveal().splitlines()[1:-1]
    assert len([line for line in lines[:-1] if not looks_like_key(line)]) <= 2
    ones = (base64.b64encode(random.Random(n).randbytes(48)).decode() for n in range(500))
    assert len([line for line in ones if not looks_like_key(line)]) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~/bot/.env",
        "config.json",
        r"C:\Users\trader\Documents\freqtrade\config.json",
        "home/user/projects/binance/trading/production/keys",
        "/srv/bots/" + "ab12" * 16 + "/key.pem",
        "/tmp/pytest-of-root/pytest-181/test_a_private_key_is_imported0/key.pem",
        "environment",
        "/mnt/Volumes/MyVeryOwnTradingBotOnBinance2024/user_data/config.json",
    ],
)
def test_a_path_is_left_in_sight(text: str) -> None:
    assert not looks_like_key(text)


def test_the_beginning_of_a_key_is_doubted_long_before_its_end() -> None:
    assert may_become_key(KEY[:20])
    assert may_become_key("--")
    assert not may_become_key("~/bot/user_data/config.json")
