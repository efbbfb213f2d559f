"""The codes that may mean the address: -2015, and -1015 because some sources say so.

-2015 has one text for an unknown key, an address that is not listed and a missing permission
(CONFIRMED). What tells them apart is the order of comparisons here.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from wizard.exchange.errors import Refused, SlowDown
from wizard.exchange.outcomes import Cause, Certainty, Context, Outcome, Verdict

REFUSED = -2015
TOO_MANY_ORDERS = -1015

_ONE_TEXT = "Code -2015 has one text for an unknown key, an address that is not listed and a missing permission."


def refused(error: Refused, context: Context) -> Verdict:
    """Return the verdict on -2015.

    Where the exchange names the address that it saw, its word goes before the echo services'.
    """
    if error.request_ip is not None and context.lists(error.request_ip) is False:
        return _address_named(error.request_ip, context, Certainty.CERTAIN, "With -2015 the exchange")
    seen = error.request_ip or context.egress
    listed = context.lists(seen)
    elsewhere = context.seen_as if context.lists(context.seen_as) is False else None
    if elsewhere and not (listed and context.control_accepted):
        certainty = Certainty.CERTAIN if elsewhere == context.egress else Certainty.LIKELY
        return _address_named(elsewhere, context, certainty, "With the same -2015 the futures host")
    if listed is False:
        return _address_compared(context)
    if listed and context.control_accepted:
        return _key_or_permission(seen, context)
    return _not_yet_visible(error.request_ip or context.seen_as, context)


def order_rate_limit(error: Refused | SlowDown, context: Context) -> Verdict:
    """Return the verdict on -1015, the order rate limit (CONFIRMED): the address is compared anyway."""
    unlisted = context.lists(context.egress) is False
    why = "Code -1015 is documented as the order rate limit. Some sources report it after a change of address."
    if unlisted:
        return Verdict(
            Outcome.INCONCLUSIVE,
            Cause.ADDRESS,
            Certainty.LIKELY,
            "The exchange answered with its order rate limit, but this address is not on the whitelist",
            f"{why} {context.egress} is not in the whitelist.",
            f"Add {context.egress} to the key's whitelist on the exchange's page, then ask again.",
            TOO_MANY_ORDERS,
        )
    return Verdict(
        Outcome.INCONCLUSIVE,
        Cause.ORDER_RATE_LIMIT,
        Certainty.LIKELY,
        "The account sends too many orders",
        f"{why} {_comparison(context)}",
        "Let the software that sends orders pause, then ask again.",
        error.exchange_code,
    )


def _address_named(address: IPv4Address, context: Context, certainty: Certainty, who: str) -> Verdict:
    advice = f"Add {address} to the key's whitelist on the exchange's page, or call from a listed address."
    if context.egress not in (None, address):
        advice = (
            f"Echo services see {context.egress}. Find out whose address {address} is before you list it: another"
            " route, a proxy, or a machine of the exchange's own."
        )
    return _verdict(
        Cause.ADDRESS,
        certainty,
        "This address is not on the key's whitelist",
        f"{who} named the address that it saw, {address}, and {address} is not in the whitelist."
        " (That it names it is reported by users, not documented.)",
        advice,
    )


def _address_compared(context: Context) -> Verdict:
    address = context.egress
    return _verdict(
        Cause.ADDRESS,
        Certainty.LIKELY,
        "The key is refused, most likely because of the address",
        f"This host's egress address {address} is not in the whitelist. {_ONE_TEXT}",
        f"Add {address} to the key's whitelist on the exchange's page, or call from a listed address.",
    )


def _key_or_permission(address: IPv4Address | None, context: Context) -> Verdict:
    return _verdict(
        Cause.PERMISSION_OR_KEY,
        Certainty.LIKELY,
        "The key is refused although this address is in its whitelist",
        f"{address} is in the whitelist, and the other key was accepted from here in the same minute. {_ONE_TEXT}"
        f" So it is the key itself, one of its permissions, or a list that does not count yet.{_other_route(context)}",
        f"{_site_first(context)} Then check that the key still exists, that the list on the page is saved,"
        " and that the permissions are on. A list saved a moment ago may need a few minutes (reported).",
    )


def _other_route(context: Context) -> str:
    if context.seen_as is None or context.lists(context.seen_as) is not False:
        return ""
    return f" Or the calls leave by two routes: the futures host saw {context.seen_as}, which is not in the whitelist."


def _not_yet_visible(address: IPv4Address | None, context: Context) -> Verdict:
    other = "The other key is refused from here as well. " if context.control_accepted is False else ""
    named = f"The exchange saw {address}. " if address else ""
    return _verdict(
        Cause.NOT_YET_VISIBLE,
        Certainty.UNKNOWN,
        "The key is refused, and what was observed does not say why",
        f"{_ONE_TEXT} {named}{other}{_comparison(context)}",
        f"{_site_first(context)} A new key or list may need a few minutes (reported, not documented):"
        " ask again until then.",
    )


def _comparison(context: Context) -> str:
    if context.egress is None:
        return "The egress address is not known yet."
    listed = context.lists(context.egress)
    if listed is None:
        return "The key's whitelist is not known, so the address could not be compared."
    return f"{context.egress} is {'in' if listed else 'not in'} the whitelist."


def _site_first(context: Context) -> str:
    return f"Was this key made on {context.site}? A key of another site is refused in the same words."


def _verdict(cause: Cause, certainty: Certainty, what: str, why: str, advice: str) -> Verdict:
    return Verdict(Outcome.REJECTED, cause, certainty, what, why, advice, REFUSED)
