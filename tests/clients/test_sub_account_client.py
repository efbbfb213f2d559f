"""Binance's SDK of sub-accounts against the embedded exchange: each call is taken as documented, or refused."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tests.clients.conftest import Strangers
from tests.clients.surroundings import HERE, NEIGHBOUR, Exchange, Stranger, key_pair
from tests.clients.table import KINDS
from tests.clients.test_clients_flows import require_source

pytestmark = pytest.mark.clients
CLIENT = "binance-sdk-sub-account"
KEYS = "/sapi/v1/sub-account/subAccountApi"
_NUMBERS = count()


class Manager:
    """The SDK at work for one sub-account, with the master account's login."""

    def __init__(self, stranger: Stranger, exchange: Exchange, login: dict[str, Any]) -> None:
        # A `+` and an `@` in each email: both must be percent-encoded before they are signed.
        self.email, self.login = f"bot+{next(_NUMBERS)}@example.com", login
        self._stranger = stranger
        exchange.open_sub_account(self.email)

    def ask(self, call: str, **given: object) -> dict[str, Any]:
        return self._stranger.ask(call, {**self.login, "given": {"email": self.email, **given}})

    def done(self, call: str, **given: object) -> Any:
        answer = self.ask(call, **given)
        assert "error" not in answer, answer
        assert call == "delete" or answer["complaints"] == []
        return answer["result"]

    def create(self, **given: object) -> Any:
        form = {"api_name": "rotated", "status": 2, "ip_address": f"{HERE},{NEIGHBOUR}", "can_trade": True}
        return self.done("create", **{**form, **given})


@pytest.fixture(params=KINDS)
def manager(request: pytest.FixtureRequest, strangers: Strangers, exchange: Exchange) -> Manager:
    return Manager(strangers(CLIENT), exchange, exchange.new_key(request.param))


def test_a_key_is_made_listed_restricted_permitted_and_deleted(
    manager: Manager, strangers: Strangers, exchange: Exchange
) -> None:
    (account,) = manager.done("accounts")["subAccounts"]
    assert (account["email"], account["isFreeze"], account["isManagedSubAccount"]) == (manager.email, False, False)
    made = manager.create()
    assert (made["status"], made["canTrade"], made["canFuturesTrade"]) == (2, True, False)
    listing = manager.done("query", page=1, size=100)
    assert (listing["total"], [row["apikey"] for row in listing["rows"]]) == (1, [made["apiKey"]])
    named = {"sub_account_api_key": made["apiKey"]}
    assert set(manager.done("restriction", **named)["ipList"]) == {HERE, NEIGHBOUR}
    restricted = manager.done("restrict", **named, status=2, ip_address=f"{HERE},198.51.100.7")
    assert (restricted["status"], restricted["ipList"]) == ("2", [HERE, "198.51.100.7"])
    assert manager.done("remove", **named, ip_address="198.51.100.7")["ipList"] == [HERE]
    read = manager.done("restriction", **named)
    assert (read["ipRestrict"], read["ipList"], read["apiKey"]) == ("true", [HERE], made["apiKey"])
    spot, login = strangers("binance-sdk-spot"), exchange.login("hmac", made["apiKey"], made["secretKey"])
    assert spot.ask("restrictions", login)["result"]["enableSpotAndMarginTrading"] is True
    permitted = manager.done("permit", **named, can_trade=False, can_futures_trade=True)
    assert (permitted["apikey"], permitted["canTrade"], permitted["canFuturesTrade"]) == (made["apiKey"], False, True)
    assert spot.ask("restrictions", login)["result"]["enableSpotAndMarginTrading"] is False
    assert manager.done("delete", **named) == {}
    assert spot.ask("restrictions", login)["code"] == -2008
    assert manager.done("query")["rows"] == []
    assert manager.ask("delete", **named)["code"] == -9000
    asked = exchange.methods_of(manager.login)
    assert asked.count(("POST", KEYS, 200)) == asked.count(("DELETE", KEYS, 200)) == 1


def test_a_public_key_is_taken_from_the_query_of_the_first_version(
    manager: Manager, strangers: Strangers, exchange: Exchange
) -> None:
    private, public = key_pair("ed25519", "made by API")
    made = manager.create(public_key=public)
    login = exchange.login("ed25519", made["apiKey"], private)
    assert strangers("binance-sdk-spot").ask("account", login)["result"]["canTrade"] is True


def test_a_master_key_is_refused_from_an_unlisted_address(manager: Manager, exchange: Exchange) -> None:
    require_source("127.0.0.2")
    manager.create()
    manager.login["source"] = "127.0.0.2"
    for call, given in (("query", {}), ("create", {"api_name": "x", "status": 1})):
        refused = manager.ask(call, **given)
        assert (refused["error"], refused["code"]) == ("BadRequestError", -2015)
    assert exchange.log_of(manager.login) == [(KEYS, 200, 0), *[(KEYS, 400, -2015)] * 2]


def test_a_wrong_secret_is_refused_as_such_and_makes_no_key(manager: Manager, exchange: Exchange) -> None:
    kind = manager.login["kind"]
    right = manager.login["secret"]
    manager.login["secret"] = "s" * 64 if kind == "hmac" else key_pair(kind, "another")[0]
    refused = manager.ask("create", api_name="x", status=1)
    assert (refused["error"], refused["code"]) == ("BadRequestError", -1022)
    manager.login["secret"] = right
    assert manager.done("query")["rows"] == []
