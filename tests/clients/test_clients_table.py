"""Strangers' clients against the embedded exchange: each is answered as the exchange documents, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.conftest import Strangers
from tests.clients.surroundings import ELSEWHERE, HERE, Exchange, key_pair
from tests.clients.table import (
    CELLS,
    DELETED_KEY,
    FINE,
    NOT_LISTED,
    PATHS,
    STALE,
    UNKNOWN_KEY,
    WRONG_SECRET,
    Cell,
    Told,
)

pytestmark = pytest.mark.clients
MINUTE = 60_000
UNKNOWN = "u" * 64


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_each_cell_is_answered_and_told_as_documented(cell: Cell, strangers: Strangers, clock: Exchange) -> None:
    stranger = strangers(cell.client)
    if cell.cannot:
        pytest.skip(f"{cell.client}, {cell.kind}: {cell.cannot}")
    login = arranged(cell, clock)
    answer = stranger.ask(cell.call, login)
    assert clock.log_of(login)[-1:] == [(PATHS[cell.call], cell.answer.status, cell.answer.code)]
    if cell.answer == FINE:
        assert_result(cell.call, answer)
    else:
        assert Told(answer["error"], answer["status"], answer["code"]) == cell.told


def arranged(cell: Cell, exchange: Exchange) -> dict[str, Any]:
    """Bring the cell's situation about and return the login with which the client meets it."""
    login = exchange.new_key(cell.kind, ELSEWHERE if cell.situation == NOT_LISTED else HERE)
    if cell.situation == WRONG_SECRET:
        return {**login, "secret": another_secret(cell.kind)}
    if cell.situation == UNKNOWN_KEY:
        return {**login, "api_key": UNKNOWN}
    if cell.situation == DELETED_KEY:
        exchange.delete(login)
    if cell.situation == STALE:
        exchange.set_clock(MINUTE)
    return login


def another_secret(kind: str) -> str:
    return "s" * 64 if kind == "hmac" else key_pair(kind, "another")[0]


def assert_result(call: str, answer: dict[str, Any]) -> None:
    result = answer["result"]
    assert answer["complaints"] == []
    if call == "restrictions":
        assert (result["ipRestrict"], result["enableReading"], result["enableWithdrawals"]) == (True, True, False)
    elif call == "order":
        assert result == {}
    else:
        held = {balance["asset"]: balance["free"] for balance in result["balances"]}
        assert (result["canTrade"], held["USDT"]) == (True, "10000.00000000")
