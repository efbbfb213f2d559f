from __future__ import annotations

import pytest
from embedded_client import HmacSigner, Host


def addresses(count: int) -> list[str]:
    return [f"198.51.100.{number}" for number in range(1, count + 1)]


async def save(host: Host, key: HmacSigner, text: str) -> tuple[int, object]:
    answer = await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": text})
    return answer.status_code, answer.json().get("whitelist", answer.json().get("msg"))


@pytest.mark.parametrize(
    ("text", "saved"),
    [
        ("203.0.113.42", ["203.0.113.42"]),
        ("203.0.113.42,198.51.100.7", ["203.0.113.42", "198.51.100.7"]),
        ("203.0.113.42, 198.51.100.7", ["203.0.113.42", "198.51.100.7"]),
        (" 203.0.113.42 198.51.100.7 ", ["203.0.113.42", "198.51.100.7"]),
        ("203.0.113.42\n198.51.100.7\n", ["203.0.113.42", "198.51.100.7"]),
        ("203.0.113.42\r\n198.51.100.7", ["203.0.113.42", "198.51.100.7"]),
        ("203.0.113.42,\n\t198.51.100.7", ["203.0.113.42", "198.51.100.7"]),
        ("203.0.113.0/24", ["203.0.113.0/24"]),
        ("203.0.113.42/32", ["203.0.113.42"]),
        ("128.0.0.0/1", ["128.0.0.0/1"]),
        ("192.168.1.10", ["192.168.1.10"]),
        ("2001:db8::1, 203.0.113.42, ::/0, 2001:db8::/32, ::ffff:198.51.100.7", ["203.0.113.42"]),
        (",".join(addresses(20)), addresses(20)),
    ],
)
async def test_the_page_saves(host: Host, key: HmacSigner, text: str, saved: list[str]) -> None:
    assert await save(host, key, text) == (200, saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",".join(addresses(21)), "Too many IPs"),
        (" ".join([*addresses(20), "2001:db8::1"]), "Too many IPs"),
        ("", "An IP address must not be empty"),
        (" \n", "An IP address must not be empty"),
        ("203.0.113.42,", "An IP address must not be empty"),
        ("203.0.113.42,,198.51.100.7", "An IP address must not be empty"),
        ("203.0.113.42, ,198.51.100.7", "An IP address must not be empty"),
        ("0.0.0.0/0", "Wildcards are not allowed: 0.0.0.0/0"),
        ("0.0.0.0", "Wildcards are not allowed: 0.0.0.0"),
        ("203.0.113.42/0", "Wildcards are not allowed: 203.0.113.42/0"),
        ("*", "Wildcards are not allowed: *"),
        ("203.0.113.*", "Wildcards are not allowed: 203.0.113.*"),
        ("203.0.113.42/24", "Illegal IP: 203.0.113.42/24"),
        ("203.0.113.0/33", "Illegal IP: 203.0.113.0/33"),
        ("203.0.113.0/024", "Illegal IP: 203.0.113.0/024"),
        ("203.0.113.0/", "Illegal IP: 203.0.113.0/"),
        ("203.0.113.0/255.255.255.0", "Illegal IP: 203.0.113.0/255.255.255.0"),
        ("203.0.113.0/24/24", "Illegal IP: 203.0.113.0/24/24"),
        ("203.0.113.300", "Illegal IP: 203.0.113.300"),
        ("203.0.113", "Illegal IP: 203.0.113"),
        ("203.0.113.042", "Illegal IP: 203.0.113.042"),
        ("203.0.113.42;198.51.100.7", "Illegal IP: 203.0.113.42;198.51.100.7"),
        ("203.0.113.42\u00a0", "Illegal IP: 203.0.113.42 "),
        ("２０３.0.113.42", "Illegal IP: ２０３.0.113.42"),
        ("2001:db8:::1", "Illegal IP: 2001:db8:::1"),
        ("gateway.example", "Illegal IP: gateway.example"),
        ("203.0.113.42\x1b]52;c;AA==", "Illegal IP: 203.0.113.42\ufffd]52;c;AA=="),
    ],
)
async def test_the_page_refuses(host: Host, key: HmacSigner, text: str, message: str) -> None:
    assert await save(host, key, text) == (400, message)
