"""What looks like a key is told wherever it stands, and what people really type in sight is not."""

from __future__ import annotations

import base64
import random
import string
import sysconfig
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.custody.keys import rsa_4096_pair
from wizard.core.key_shape import holds_key, mask_keys
from wizard.exchange.signing import generate_ed25519

KEY = "".join(random.Random(6).choices(string.ascii_letters + string.digits, k=64))
_ORDINARY = """
bot-1 trader@bot-2 bot-eu-west-1.internal root@203.0.113.42 ec2-203-0-113-42.eu-central-1.compute.amazonaws.com
ip-10-0-12-34.eu-west-1.compute.internal i-0a1b2c3d4e5f67890 vps123456.example.net DESKTOP-7K2M9QF WIN-3KJ4H5G6F7H
MacBook-Pro-von-Eva.local LAPTOP-A1B2C3D4 srv01.fra2.example.com k8s-node-7f9c6d5b8-x2x4z bot-6d8f7b9c5d-qwxkp
Frankfurt2Office LondonVPS2024 MyTradingBot2024 BinanceBot1Production HomeRouterIPv4 Hetzner-CX21-fsn1 AWSBot2EuWest1
OVH-GRA7 BuroMuenchen3OG ServerRaum2Rack14 TradingServerFrankfurt01 Backup2ndLineISP Vodafone5GRouter FritzBox7590AX
NAT-GW-eu-west-1a vpn.example.org#office Starlink-Gen3-Roof RaspberryPi4ModelB UbuntuServer2404LTS prod_bot_2 staging
~/bot/.env config.json /home/trader/freqtrade/user_data/config.json C:\\Users\\Trader\\Documents\\BinanceKeys2024.txt
/tmp/tmp.aB3dE5fG7h /tmp/tmpab3de5fg /var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/key.pem /run/user/1000/key.pem
/mnt/Volumes/MyVeryOwnTradingBotOnBinance2024/key.pem /srv/3fa85f64-5717-4562-b3fc-2c963f66afa6/key.pem
/nix/store/0c8xq9kzvfw1sd2aqr7ymp5h3jl4nbg6-python3/bin ~/.mozilla/firefox/xk3jf9a2.default-release/key4.db
/home/eva/Ed25519PrivateKeyForBinance.pem ~/keys/RSA4096BinanceProdKey2.pem D:\\Bots\\Hummingbot2.3\\conf\\connectors
sha256:9f86d081884c7d659a2feaa0c55ad015 203.0.113.0/24 2001:db8::ff00:42:8329 delete encrypted-file abandon
"""
ORDINARY = _ORDINARY.split()


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY[:40],
        f'"{KEY}"',
        f"\x1b[200~{KEY}\x1b[201~",
        f"~/{KEY}",
        f"BINANCE_API_KEY={KEY}",
        f"{KEY}\n{KEY[::-1]}",
        KEY.lower(),
        "ab12" * 16,
        "-----BEGIN PRIVATE KEY",
        generate_ed25519().private_pem.reveal(),
        generate_ed25519().private_pem.reveal().splitlines()[1],
    ],
)
def test_a_key_is_told_whatever_is_around_it(text: str) -> None:
    assert holds_key(text)


def test_the_lines_of_a_long_private_key_are_told() -> None:
    # Of 100,000 lines of random bytes 80 have too few capitals or digits: here are some 50, new each time.
    lines = rsa_4096_pair().signing.reveal().splitlines()[1:-1]
    assert len([line for line in lines[:-1] if not holds_key(line)]) <= 2
    ones = (base64.b64encode(random.Random(n).randbytes(48)).decode() for n in range(500))
    assert len([line for line in ones if not holds_key(line)]) <= 1


@pytest.mark.parametrize("text", [*ORDINARY, "", "home/user/projects/binance/trading/production/keys", KEY[:39]])
def test_an_ordinary_host_label_or_path_is_shown(text: str) -> None:
    assert not holds_key(text)


def test_of_the_paths_of_this_python_hardly_any_looks_like_a_key() -> None:
    roots = (sysconfig.get_paths()[name] for name in ("stdlib", "purelib"))
    paths = [str(path) for root in roots for path in islice(Path(root).rglob("*"), 10_000)]
    told = [path for path in paths if holds_key(path)]
    assert len(paths) > 3_000
    assert len(told) <= len(paths) / 5_000, told


def test_no_piece_of_a_known_value_stands_between_its_percent_signs() -> None:
    signature = "AbCdEfGh/i/KlMnOpQr=="
    encoded = quote(signature, safe="")
    assert mask_keys(f"signature={encoded} of a call", "••••", (signature, encoded)) == "signature=•••• of a call"
