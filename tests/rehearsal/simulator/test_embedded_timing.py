from __future__ import annotations

import pytest
from embedded_client import ACCOUNT, NOW, HmacSigner, Host, refusal

MILLI = round(NOW * 1000)
MICRO = round(NOW * 1_000_000)
OUTSIDE = "Timestamp for this request is outside of the recvWindow."
AHEAD = "Timestamp for this request was 1000ms ahead of the server's time."


@pytest.mark.parametrize(
    "query",
    [
        f"timestamp={MILLI}",
        f"timestamp={MICRO}",
        f"timestamp={MILLI - 5000}",
        f"timestamp={MICRO - 5_000_000}",
        f"timestamp={MILLI + 999}",
        f"timestamp={MICRO + 999_999}",
        f"recvWindow=60000&timestamp={MILLI - 60_000}",
        f"recvWindow=60000.000&timestamp={MILLI - 60_000}",
        f"recvWindow=6000.346&timestamp={MICRO - 6_000_346}",
        f"recvWindow=0&timestamp={MILLI}",
    ],
)
async def test_a_call_in_time_is_accepted(host: Host, key: HmacSigner, query: str) -> None:
    assert (await host.sealed(key, ACCOUNT, query)).status_code == 200


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"timestamp={MILLI - 5001}", OUTSIDE),
        (f"timestamp={MICRO - 5_000_001}", OUTSIDE),
        (f"timestamp={MILLI + 1000}", AHEAD),
        (f"timestamp={MICRO + 1_000_000}", AHEAD),
        (f"recvWindow=100&timestamp={MILLI - 101}", OUTSIDE),
        (f"recvWindow=6000.346&timestamp={MICRO - 6_000_347}", OUTSIDE),
        (f"recvWindow=60000&timestamp={MILLI + 5000}", AHEAD),
        (f"timestamp={round(NOW)}", OUTSIDE),
    ],
)
async def test_a_call_out_of_time_is_refused(host: Host, key: HmacSigner, query: str, message: str) -> None:
    answer = await host.sealed(key, ACCOUNT, query)
    assert refusal(answer) == (400, -1021)
    assert answer.json()["msg"] == message


@pytest.mark.parametrize("window", ["60000.001", "60001", "9999999"])
async def test_a_window_above_a_minute_is_refused(host: Host, key: HmacSigner, window: str) -> None:
    answer = await host.sealed(key, ACCOUNT, f"recvWindow={window}&timestamp={MILLI}")
    assert refusal(answer) == (400, -1131)


async def test_an_empty_window_is_named(host: Host, key: HmacSigner) -> None:
    answer = await host.sealed(key, ACCOUNT, f"recvWindow=&timestamp={MILLI}")
    assert refusal(answer) == (400, -1105)
    assert answer.json()["msg"] == "Parameter 'recvWindow' was empty."


async def test_a_parameter_that_is_there_twice_is_refused(host: Host, key: HmacSigner) -> None:
    answer = await host.sealed(key, ACCOUNT, f"timestamp={MILLI}&timestamp={MILLI - 1}")
    assert refusal(answer) == (400, -1101)
    assert answer.json()["msg"] == "Duplicate values for a parameter detected."


@pytest.mark.parametrize("query", ["", "timestamp="])
async def test_a_missing_timestamp_is_named(host: Host, key: HmacSigner, query: str) -> None:
    answer = await host.sealed(key, ACCOUNT, query)
    assert refusal(answer) == (400, -1102)
    assert answer.json()["msg"] == "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    "query",
    [
        "timestamp=now",
        f"timestamp=-{MILLI}",
        f"timestamp={MILLI}.5",
        f"timestamp={'1' * 21}",
        f"timestamp={MILLI}&recvWindow=soon",
        f"timestamp={MILLI}&recvWindow=-1",
        f"timestamp={MILLI}&recvWindow=5000.0001",
        f"timestamp={MILLI}&recvWindow=5e3",
        f"timestamp={MILLI}&recvWindow=NaN",
    ],
)
async def test_numbers_that_are_none_are_refused(host: Host, key: HmacSigner, query: str) -> None:
    assert refusal(await host.sealed(key, ACCOUNT, query)) == (400, -1100)


async def test_a_clock_fault_shows_in_the_time_and_refuses_who_keeps_true_time(host: Host, key: HmacSigner) -> None:
    await host.faults(clock_offset_ms=-1000)
    assert (await host.get("/api/v3/time")).json() == {"serverTime": MILLI - 1000}
    assert refusal(await host.signed(key)) == (400, -1021)
    assert (await host.signed(key, at=NOW - 1)).status_code == 200
    await host.faults()
    assert (await host.signed(key)).status_code == 200
    assert [entry["time"] for entry in await host.log()] == [MILLI] * 3
