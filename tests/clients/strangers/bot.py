"""A bot: it logs in as its environment says, reads the account four times a second, and says how each call ended.

    bot.py CLIENT BASE_URL

`freqtrade-style` stands in for freqtrade, which is too large to install: it merges FREQTRADE__ variables over its
configuration as freqtrade documents, and calls by ccxt as freqtrade does.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conversation import Login


def ccxt(place: dict[str, Any], key: str = "", secret: str = "") -> Callable[[], Any]:
    import ccxt as package
    from talk_ccxt import at

    key, secret = key or os.environ["BINANCE_APIKEY"], secret or os.environ["BINANCE_SECRET"]
    return at(Login(api_key=key, secret=secret, **place), package.binance).private_get_account


def freqtrade_style(place: dict[str, Any]) -> Callable[[], Any]:
    configuration: dict[str, Any] = {"exchange": {"name": "binance", "key": "", "secret": ""}}
    for name, value in os.environ.items():
        if name.startswith("FREQTRADE__"):
            *sections, last = name.removeprefix("FREQTRADE__").lower().split("__")
            part = configuration
            for section in sections:
                part = part.setdefault(section, {})
            part[last] = value
    return ccxt(place, configuration["exchange"]["key"], configuration["exchange"]["secret"])


def python_binance(place: dict[str, Any]) -> Callable[[], Any]:
    from binance.client import Client
    from talk_python_binance import at

    key, secret = os.environ["BINANCE_API_KEY"], os.environ.get("BINANCE_API_SECRET")
    file = os.environ.get("BINANCE_PRIVATE_KEY")
    login = Login(api_key=key, secret="", **place)
    return at(login, Client)(key, secret, private_key=Path(file) if file else None).get_account


def binance_sdk_spot(place: dict[str, Any]) -> Callable[[], Any]:
    from binance_common.configuration import ConfigurationRestAPI
    from binance_sdk_spot.spot import Spot

    how = {"api_secret": os.environ.get("API_SECRET"), "private_key": os.environ.get("PRIVATE_KEY")}
    configuration = ConfigurationRestAPI(
        api_key=os.environ["API_KEY"], base_path=place["base_url"], timeout=10_000, **how
    )
    return Spot(configuration).rest_api.get_account


LOG_INS = {
    "ccxt": ccxt,
    "freqtrade-style": freqtrade_style,
    "python-binance": python_binance,
    "binance-sdk-spot": binance_sdk_spot,
}


def main(client: str, base_url: str) -> None:
    place = {"base_url": base_url, "ws_url": "", "kind": "", "source": None}
    call = LOG_INS[client](place)
    key = next(value for name, value in os.environ.items() if name.upper().endswith(("API_KEY", "APIKEY", "GE__KEY")))
    while True:
        try:
            call()
            print(key[-4:], "ok", flush=True)
        except Exception as error:
            print(key[-4:], type(error).__name__, str(error)[:200].replace(key, "…"), flush=True)
        time.sleep(0.25)


if __name__ == "__main__":
    main(*sys.argv[1:])
