"""What a market stream tells: invented prices in the documented shapes (web-socket-streams.md).

The same second gives the same event, so that two runs can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wizard.rehearsal.simulator.markets import BASES

_BASE_PRICES = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
_OTHER_BASE_PRICE = 100
_QUANTITY = "0.01000000"

Event = dict[str, object]


def event(stream: str, now_ms: int) -> Event | None:
    """Return what `stream` tells at this time; None for streams that do not exist, which stay silent.

    Args:
        stream: Its name, such as `btcusdt@trade`; in lower case, as symbols are in streams.
        now_ms: The exchange's time in milliseconds since 1970.
    """
    symbol, _, kind = stream.partition("@")
    make = _KINDS.get(kind)
    if make is None or symbol != symbol.lower() or symbol.upper() not in BASES:
        return None
    return make(symbol.upper(), now_ms)


def _cents(symbol: str, now_ms: int) -> int:
    return _BASE_PRICES.get(symbol, _OTHER_BASE_PRICE) * 100 + now_ms // 1000 * 7919 % 10_000


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}000000"


def _trade(symbol: str, now_ms: int) -> Event:
    return {
        "e": "trade",
        "E": now_ms,
        "s": symbol,
        "t": now_ms // 1000,
        "p": _price(_cents(symbol, now_ms)),
        "q": _QUANTITY,
        "T": now_ms,
        "m": bool(now_ms // 1000 % 2),
        "M": True,
    }


def _aggregate_trade(symbol: str, now_ms: int) -> Event:
    number = now_ms // 1000
    return {**_trade(symbol, now_ms), "e": "aggTrade", "a": number, "f": number, "l": number}


def _book_ticker(symbol: str, now_ms: int) -> Event:
    cents = _cents(symbol, now_ms)
    return {
        "u": now_ms // 1000,
        "s": symbol,
        "b": _price(cents),
        "B": _QUANTITY,
        "a": _price(cents + 1),
        "A": _QUANTITY,
    }


def _mini_ticker(symbol: str, now_ms: int) -> Event:
    base = _BASE_PRICES.get(symbol, _OTHER_BASE_PRICE) * 100
    return {
        "e": "24hrMiniTicker",
        "E": now_ms,
        "s": symbol,
        "c": _price(_cents(symbol, now_ms)),
        "o": _price(base),
        "h": _price(base + 9_999),
        "l": _price(base),
        "v": "10000.00000000",
        "q": f"{base // 100 * 10_000}.00000000",
    }


def _ticker(symbol: str, now_ms: int) -> Event:
    mini, book, cents = _mini_ticker(symbol, now_ms), _book_ticker(symbol, now_ms), _cents(symbol, now_ms)
    base = _BASE_PRICES.get(symbol, _OTHER_BASE_PRICE) * 100
    return {
        **mini,
        "e": "24hrTicker",
        "p": _price(cents - base),
        "P": f"{(cents - base) * 100 / base:.3f}",
        "w": _price(base),
        "x": _price(base),
        "Q": _QUANTITY,
        **{name: book[name] for name in "bBaA"},
        "O": now_ms - 86_400_000,
        "C": now_ms,
        "F": now_ms // 1000 - 86_400,
        "L": now_ms // 1000,
        "n": 86_401,
    }


def _minute_kline(symbol: str, now_ms: int) -> Event:
    opened = now_ms // 60_000 * 60_000
    mini = _mini_ticker(symbol, now_ms)
    kline = {
        "t": opened,
        "T": opened + 59_999,
        "s": symbol,
        "i": "1m",
        "f": opened // 1000,
        "L": now_ms // 1000,
        **{name: mini[name] for name in "ochl"},
        "v": _QUANTITY,
        "n": (now_ms - opened) // 1000 + 1,
        "x": False,
        **dict.fromkeys(("q", "V", "Q"), _QUANTITY),
        "B": "0",
    }
    return {"e": "kline", "E": now_ms, "s": symbol, "k": kline}


_KINDS: Mapping[str, Callable[[str, int], Event]] = {
    "trade": _trade,
    "aggTrade": _aggregate_trade,
    "bookTicker": _book_ticker,
    "miniTicker": _mini_ticker,
    "ticker": _ticker,
    "kline_1m": _minute_kline,
}
