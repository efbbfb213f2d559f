"""binance-sdk-sub-account as its users call it, at another address. All its parameters travel in the query string."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_sub_account.sub_account import SubAccount
from conversation import Login, Refusal, call_from, converse

PATIENCE = 10_000
"""Milliseconds; the SDK's own second is short on a busy machine."""
METHODS = {
    "accounts": "query_sub_account_list",
    "create": "create_sub_account_api_key",
    "query": "query_sub_account_api_key",
    "permit": "modify_sub_account_api_key_permission",
    "restriction": "get_ip_restriction_for_a_sub_account_api_key",
    "restrict": "add_ip_restriction_for_sub_account_api_key",
    "remove": "delete_ip_list_for_a_sub_account_api_key",
    "delete": "delete_sub_account_api_key",
}


@lru_cache(maxsize=2)
def at(login: Login) -> Any:
    made = SubAccount(
        ConfigurationRestAPI(
            api_key=login.api_key,
            api_secret=login.hmac_secret,
            private_key=login.private_key,
            base_path=login.base_url,
            timeout=PATIENCE,
        )
    ).rest_api
    call_from(made._session, login)
    return made


def calling(method: str) -> Callable[[Login], Any]:
    def call(login: Login) -> Any:
        answer = getattr(at(login), method)(**login.given).data()
        # It has no model for the empty answer to a deletion, and hands out what is no model as it came.
        return answer if method == METHODS["delete"] else answer.to_dict()

    return call


def report(error: Exception) -> Refusal | None:
    if isinstance(error, BadRequestError | UnauthorizedError):
        return Refusal(None, error.status_code)
    return None


if __name__ == "__main__":
    converse("binance-sdk-sub-account", {name: calling(method) for name, method in METHODS.items()}, report)
