"""`key-wizard exchange` as another program starts it: the first line, the seed, the scenario, both protocols."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

PATIENCE = 20


@contextlib.contextmanager
def exchange(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "wizard", "exchange", "--port", "0", "--json", *options]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child, json.loads(child.stdout.readline())
    finally:
        child.kill()
        child.communicate(timeout=PATIENCE)


def make_keys(found: dict[str, str], count: int = 2) -> list[tuple[str, str]]:
    made = [httpx.post(found["desk_url"] + "/keys", json={}, trust_env=False).json() for _ in range(count)]
    return [(each["api_key"], each["secret"]) for each in made]


def test_both_protocols_answer_as_soon_as_the_first_line_is_there_and_a_signal_ends_both_quietly() -> None:
    with exchange() as (child, found):
        assert set(found) == {"schema", "base_url", "ws_url", "desk_url"}
        with connect(found["ws_url"] + "/ws-api/v3", proxy=None) as api:
            api.send('{"id": 1, "method": "ping"}')
            assert json.loads(api.recv(PATIENCE))["result"] == {}
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=PATIENCE)
        assert (child.returncode, out, err) == (0, "", "")


def test_it_listens_on_one_loopback_address_only() -> None:
    with exchange() as (_, found):
        port = httpx.URL(found["base_url"]).port
        assert port is not None
        with pytest.raises(OSError, match="refused"):  # a listener on all addresses would answer here too
            socket.create_connection(("127.0.0.2", port), timeout=PATIENCE)


def test_the_same_seed_makes_the_same_keys_and_none_makes_others() -> None:
    made = []
    for options in (["--seed", "7"], ["--seed", "7"], ["--seed", "8"], [], []):
        with exchange(*options) as (_, found):
            made.append(make_keys(found))
    assert made[0] == made[1]
    assert len({str(keys) for keys in made}) == 4


@pytest.mark.parametrize("name", ["answer-lost", "master-refused"])
def test_a_drill_of_sub_accounts_is_served_and_a_call_that_waits_does_not_hold_up_the_end(name: str) -> None:
    with exchange("--scenario", name) as (child, found):
        silent = {"answers": [{"path": "/api/v3/ping", "sends": "silence"}]}
        httpx.put(found["desk_url"] + "/faults", json=silent, trust_env=False)
        url = httpx.URL(found["base_url"])
        with socket.create_connection((url.host, url.port or 0), timeout=PATIENCE) as waiting:
            waiting.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert httpx.get(found["base_url"] + "/api/v3/time", trust_env=False).status_code == 200
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=PATIENCE)
        assert (child.returncode, out, err) == (0, "", "")


def test_the_scenario_and_its_length_are_taken_from_the_command_line() -> None:
    with exchange("--scenario", "rate-limited", "--passes-after", "3600") as (_, found):
        ping = found["base_url"] + "/api/v3/ping"
        make_keys(found, 1)
        assert httpx.get(ping, trust_env=False).status_code == 200
        make_keys(found, 1)
        limited = httpx.get(ping, trust_env=False)
        assert (limited.status_code, limited.json()["code"]) == (429, -1003)
        assert limited.headers["Retry-After"] == "3600"


@pytest.mark.parametrize(
    "options",
    [
        ["--scenario", "nosuch"],
        ["--seed", "x"],
        ["--passes-after", "-1"],
        ["--passes-after", "nan"],
        ["--passes-after", "inf"],
        ["--passes-after", "soon"],
    ],
)
def test_options_that_make_no_sense_are_usage_errors(options: list[str]) -> None:
    command = [sys.executable, "-m", "wizard", "exchange", "--port", "0", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
