"""`key-wizard rehearse --auto`: one object or words on stdout, warnings on stderr, an exit code that can be trusted."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.secret_service import secret_service
from tests.terminal.walk import end_exchange
from tests.tiers import slow
from wizard.custody.keyring import open_keyring
from wizard.rehearsal.process import recall

HURRIED = """
from dataclasses import replace
from wizard.rehearsal import session
session.PACE = replace(session.PACE, between_polls=0.1)
"""
"""Asks ten times as often whether the legacy key is dead."""
STEPS = ["egress", "whitelist", "credentials", "probe", "retire"]


def program(changed: str) -> list[str]:
    """Return the command of the program with something in it changed first."""
    return [sys.executable, "-c", f"{changed}\nimport sys\nfrom wizard.__main__ import main\nsys.exit(main())"]


async def key_wizard(
    *arguments: str, environ: Mapping[str, str] | None = None, is_hurried: bool = True
) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(program(HURRIED) if is_hurried else (sys.executable, "-m", "wizard")),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environ or {})},
        cwd=Path(__file__).parents[2],
    )
    async with asyncio.timeout(170):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture(autouse=True)
async def _no_exchange_is_left() -> AsyncIterator[None]:
    yield
    end_exchange(Path(os.environ["KEY_WIZARD_HOME"]))


@pytest.mark.parametrize("kind", ["ed25519", *slow("hmac")])
async def test_a_rehearsal_by_itself_ends_proven_with_evidence_for_each_step(kind: str) -> None:
    code, out, err = await key_wizard("rehearse", "--auto", "--json", "--kind", kind, is_hurried=False)
    assert code == 0, err
    result: dict[str, Any] = json.loads(out)
    assert result["grade"] == "proven"
    assert [step["step"] for step in result["steps"]] == STEPS
    for step in result["steps"]:
        assert (step["outcome"], step["mending"]) == ("passed", "")
        assert step["seconds"] >= 0
        assert all(evidence["observed"] and evidence["at"] for evidence in step["evidence"])
    slots = {key["slot"]: key for key in result["credentials"]}
    assert slots["retired"]["holding"] == "purged"
    assert slots["current"]["holding"] == "stored"
    assert slots["current"]["kind"] == kind
    assert all(step in err for step in STEPS)


async def test_without_json_words_are_written_and_the_exchange_is_ended_with_the_rehearsal() -> None:
    code, out, err = await key_wizard("rehearse", "--auto")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [*STEPS, "The"]
    assert "The legacy key is proven dead." in out
    assert "memory" in err, "it has to say that no keyring was used"
    assert "Fire drill" not in err
    assert recall(Path(os.environ["KEY_WIZARD_HOME"]) / "state" / "rehearsal" / "exchange.json") is None


@pytest.mark.slow
async def test_from_a_host_without_a_mapped_address_it_still_ends_well() -> None:
    code, out, _ = await key_wizard("rehearse", "--auto", "--json", "--source-address", "127.0.0.2")
    assert code == 0
    assert "203.0.113.77" in out


@pytest.mark.slow
async def test_two_rehearsals_run_at_once() -> None:
    for code, out, err in await asyncio.gather(*[key_wizard("rehearse", "--auto", "--json") for _ in range(2)]):
        assert (code, json.loads(out)["grade"]) == (0, "proven"), err


@pytest.mark.slow
@pytest.mark.keyring
async def test_two_rehearsals_at_once_share_no_key_and_an_open_one_is_resumed_first() -> None:
    with secret_service() as environ:
        outage = ("rehearse", "--auto", "--json", "--scenario", "exchange-down")
        ended = await asyncio.gather(
            key_wizard(*outage, environ=environ), key_wizard("rehearse", "--auto", environ=environ)
        )
        assert [code for code, _, _ in ended] == [6, 0], ended
        assert len(await _in_keyring(environ)) == 2, "of the one that is open"
        code, out, err = await key_wizard(*outage[:3], environ=environ)
        assert (code, json.loads(out)["scenario"]) == (6, "exchange-down"), err
    for note in state().parent.glob("rehearsal*/exchange.json"):
        if known := recall(note):
            await known.end()


@pytest.mark.keyring
@pytest.mark.parametrize("scenario", ["smooth", *slow("sub-account")])
async def test_a_finished_rehearsal_leaves_no_key_in_the_keyring(scenario: str) -> None:
    with secret_service() as environ:
        code, out, err = await key_wizard("rehearse", "--auto", "--json", "--scenario", scenario, environ=environ)
        assert code == 0
        assert all("GNOME" in key["store"] for key in json.loads(out)["credentials"]), "the keyring was used"
        assert await _in_keyring(environ) == ()
    assert "removed from the keyring" in err
    assert list(state().glob("*.sqlite3*")) == []


@pytest.mark.slow
@pytest.mark.keyring
@pytest.mark.timeout(600)  # three rehearsals, each of which starts some thirty interpreters
@pytest.mark.parametrize("login_between", ["without one", *slow("with a keyring")])
async def test_what_a_rehearsal_left_open_goes_once_its_exchange_has_ended(login_between: str) -> None:
    with secret_service() as environ:
        code, _, _ = await key_wizard("rehearse", "--auto", "--scenario", "exchange-down", environ=environ)
        assert code == 6
        left = await _in_keyring(environ)
        assert len(left) == 2, "an open rehearsal can be resumed: the key in use and the new one stay"
        await _end_exchange()
        if login_between == "without one":
            code, _, err = await key_wizard("rehearse", "--auto")
            assert (code, await _in_keyring(environ)) == (0, left), err
        code, _, err = await key_wizard("rehearse", "--auto", environ=environ)
        assert (code, await _in_keyring(environ)) == (0, ()), err
    assert list(state().glob("*.sqlite3*")) == []


async def _in_keyring(environ: Mapping[str, str]) -> tuple[str, ...]:
    return await (await open_keyring(environ={**os.environ, **environ})).names("key-wizard:")


async def _end_exchange() -> None:
    known = recall(state() / "exchange.json")
    assert known is not None
    await known.end()
    async with asyncio.timeout(20):
        while await known.answers():  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def state() -> Path:
    return Path(os.environ["KEY_WIZARD_HOME"]) / "state" / "rehearsal"
