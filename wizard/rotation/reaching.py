"""How the exchange of an environment is reached: over the one decided route."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from wizard.core.clock import Clock
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.egress.ipv6 import Ipv6Lookup, Ipv6Way, find_ipv6_way
from wizard.exchange.client import ExchangeClient
from wizard.net.route import Route, decide_route, open_transport


def route_to_exchange(environment: Environment, environ: Mapping[str, str]) -> Route:
    """Return the one way that echo services and exchange are reached.

    Raises:
        wizard.net.route.RouteError: the proxy settings cannot be used.
    """
    return decide_route(environment, environment.site.rest_url, environ)


async def ipv6_way_to_exchange(environment: Environment, route: Route, lookup: Ipv6Lookup) -> Ipv6Way | None:
    """Return how software here could call the exchange over IPv6; None where it could not, or goes through a proxy."""
    host = urlsplit(environment.site.rest_url).hostname or ""
    return None if route.is_proxied else await find_ipv6_way(host, lookup=lookup)


def open_exchange(
    environment: Environment,
    route: Route,
    *,
    timeout: float,
    clock: Clock = time.time,
    stopwatch: Clock = time.perf_counter,
    site: Site | None = None,
) -> ExchangeClient:
    """Return a client of the environment's exchange, to be used as an async context manager.

    Args:
        environment: Its site is called.
        route: The way there.
        timeout: The deadline of one call, in seconds.
        clock: This host's clock.
        stopwatch: Seconds from any start, for round trips.
        site: Other hosts of the environment's exchange; None for those of its settings.

    Raises:
        wizard.net.route.RouteError: the route's proxy cannot be used.
    """
    is_proxied = route.is_proxied
    return ExchangeClient(
        site or environment.site,
        open_transport(route),
        clock=clock,
        stopwatch=stopwatch,
        timeout=timeout,
        proxied=is_proxied,
    )
