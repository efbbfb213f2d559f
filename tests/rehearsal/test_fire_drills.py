"""Each drill seen through to its end: the wizard names the cause before it is corrected, and there is a way out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest

from tests.rehearsal.test_corrections import rehearsing
from tests.rehearsal.test_unattended import key_wizard
from tests.secret_service import secret_service
from tests.terminal.walk import end_exchange
from tests.tiers import slow
from wizard.core.credentials import KeyKind
from wizard.core.settings import paths
from wizard.environments import RehearsalEnvironments
from wizard.rehearsal.player import Player
from wizard.rehearsal.process import recall
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH
from wizard.rotation.model import Step

NOTE = "state/rehearsal/exchange.json"


@pytest.fixture(autouse=True)
async def _no_exchange_is_left() -> AsyncIterator[None]:
    yield
    end_exchange(Path(os.environ["KEY_WIZARD_HOME"]))


class Time:
    """Wall-clock time that jumps over every pause."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def __call__(self) -> float:
        return time.time() + self._skipped

    async def pause(self, seconds: float) -> None:
        self._skipped += seconds


async def drill(name: str, kind: KeyKind) -> tuple[bool, dict[str, Any]]:
    """Play a drill in this process; its waits cost no time."""
    scenario, now = SCENARIOS[name], Time()
    async with rehearsing(scenario, passes_after=PASSES_AFTER, clock=now, pause=now.pause) as (flow, simulated_page):
        player = Player(flow, simulated_page, kind, scenario, passes_after=PASSES_AFTER)
        return await player.play(), player.as_json()


async def drill_by_command(name: str) -> tuple[int | None, dict[str, Any], str]:
    code, out, err = await key_wizard("rehearse", "--auto", "--json", "--scenario", name, "--kind", "hmac")
    assert out, err
    result = json.loads(out)
    assert result["scenario"] == name
    return code, result, err


def before_correction(result: dict[str, Any]) -> dict[str, Any]:
    """The one step in which something was seen to be wrong and corrected."""
    (step,) = [step for step in result["steps"] if step["mending"]]
    assert step["step"] == "probe"
    assert step["outcome"] != "passed"
    return step  # type: ignore[no-any-return]


def finding(step: dict[str, Any], subject: str) -> dict[str, Any]:
    (found,) = [each for each in step["evidence"] if each["subject"] == subject]
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "kind", "subject", "outcome", "words"),
    [
        ("address-changed", KeyKind.HMAC, "New key", "failed", "203.0.113.92, which is not on the list you composed"),
        ("clock-skewed", KeyKind.HMAC, "New key", "inconclusive", "refuses the time of the call"),
        ("clock-skewed", KeyKind.ED25519, "Clock", "warning", "slow"),
        ("whitelist-forgotten", KeyKind.ED25519, "IP restriction", "failed", "ipRestrict: false"),
        ("whitelist-slow", KeyKind.ED25519, "New key", "failed", "203.0.113.42 is on that list"),
        ("wrong-secret", KeyKind.HMAC, "New key", "failed", "The signature is wrong"),
        ("wrong-secret", KeyKind.ED25519, "New key", "failed", "The signature is wrong"),
        ("permission-missing", KeyKind.HMAC, "Permissions", "failed", "Enable Spot & Margin Trading"),
        ("rate-limited", KeyKind.ED25519, "Binance reachable", "inconclusive", "slow down"),
    ],
)
async def test_the_cause_is_named_then_mended_and_the_rotation_ends_proven(
    name: str, kind: KeyKind, subject: str, outcome: str, words: str
) -> None:
    is_done, result = await drill(name, kind)
    seen = finding(before_correction(result), subject)
    assert seen["outcome"] == outcome
    assert words in seen["observed"]
    assert (is_done, result["grade"]) == (True, "proven")
    slots = {key["slot"]: key for key in result["credentials"]}
    assert slots["retired"]["holding"] == "purged"
    assert slots["current"]["holding"] == "stored"


async def test_a_drill_by_command_says_before_what_goes_wrong() -> None:
    code, result, err = await drill_by_command("address-changed")
    assert before_correction(result)
    assert (code, result["grade"]) == (0, "proven"), err
    assert SCENARIOS["address-changed"].goes_wrong in err


async def test_after_a_change_of_address_the_list_is_changed_and_no_key() -> None:
    code, result, err = await drill_by_command("address-changed-later")
    seen = before_correction(result)["evidence"][0]
    assert (seen["subject"], seen["outcome"]) == ("Current key", "failed")
    assert "203.0.113.92 is not on the list" in seen["observed"]
    assert [step["step"] for step in result["steps"][1:]] == ["egress", "whitelist", "apply", "probe"]
    assert {step["outcome"] for step in result["steps"][1:]} == {"passed"}
    assert (code, "grade" in result) == (0, False), err
    (key,) = result["credentials"]
    assert (key["slot"], key["holding"], key["whitelist"]) == ("current", "stored", "203.0.113.42,203.0.113.92")


async def test_a_leaked_key_is_deleted_first_and_proven_dead_with_the_new_one() -> None:
    code, result, err = await drill_by_command("key-leaked")
    assert [step["step"] for step in result["steps"]] == [
        *("delete", "egress", "whitelist", "credentials", "probe", "retire")
    ]
    assert {step["outcome"] for step in result["steps"]} == {"passed"}
    assert "The proof follows with the new key" in result["steps"][0]["evidence"][0]["observed"]
    control = finding(result["steps"][4], "Current key")
    assert (control["outcome"], "deleted on purpose" in control["observed"]) == ("not applicable", True)
    assert (code, result["grade"]) == (0, "proven"), err
    assert {key["slot"]: key["holding"] for key in result["credentials"]}["retired"] == "purged"


@pytest.mark.parametrize("name", ["sub-account", *slow("answer-lost")])
async def test_a_sub_account_is_rotated_by_api_also_where_the_answer_is_lost(name: str) -> None:
    code, result, err = await drill_by_command(name)
    assert (code, result["grade"]) == (0, "proven"), err
    assert [step["mending"] for step in result["steps"]] == [""] * 5
    assert "read back" in result["steps"][2]["evidence"][0]["observed"]
    slots = {key["slot"]: key for key in result["credentials"]}
    assert set(slots) == {"current", "retired", "discarded"}, "no second key was made"
    assert slots["current"]["kind"] == "ed25519", "the API is given a public key"


async def test_where_the_master_is_refused_the_page_is_used_and_the_end_is_the_same() -> None:
    code, result, err = await drill_by_command("master-refused")
    assert (code, result["grade"]) == (0, "proven"), err
    by_hand = [step["step"] for step in result["steps"] if step["mending"]]
    assert by_hand == ["credentials", "retire"]
    assert "-2015" in err


async def test_a_list_that_is_not_saved_is_not_called_proven() -> None:
    scenario, now = SCENARIOS["address-changed-later"], Time()
    async with rehearsing(scenario, passes_after=PASSES_AFTER, clock=now, pause=now.pause) as (flow, simulated_page):
        player = Player(flow, simulated_page, KeyKind.HMAC, scenario)
        simulated_page.set_whitelist = AsyncMock()  # type: ignore[method-assign]
        assert not await player.play()
        assert flow.step is Step.PROBE
        assert flow.current is not None
        assert flow.current.whitelist == "203.0.113.42"


async def test_in_that_drill_the_records_lead_to_the_whitelist() -> None:
    async with rehearsing(SCENARIOS["address-changed-later"]) as (flow, _):
        (seen,) = flow.context.journal.overview((flow.context.environment,))
        assert (seen.unlisted, seen.next_step) == ("203.0.113.92", "change the whitelist")
        assert seen.current is not None
        assert seen.current.proven_from == "203.0.113.42", "it has worked before"


@pytest.mark.slow
async def test_a_fault_that_passes_is_waited_for_by_command() -> None:
    code, result, err = await drill_by_command("rate-limited")
    assert before_correction(result)["mending"] == "Waited 4 s."
    assert "4 s" in finding(before_correction(result), "Binance reachable")["advice"], "as long as the exchange asks"
    assert (code, result["grade"]) == (0, "proven"), err


async def test_a_legacy_key_that_lives_on_keeps_its_secret_and_the_exit_code_says_so() -> None:
    code, result, _ = await drill_by_command("legacy-will-not-die")
    assert (code, result["grade"]) == (4, "alive")
    assert "still alive" in result["steps"][-1]["evidence"][-1]["observed"]
    slots = {key["slot"]: key for key in result["credentials"]}
    assert slots["legacy"]["holding"] == slots["current"]["holding"] == "stored"


async def test_an_outage_is_no_verdict_on_a_key_and_promotes_nothing() -> None:
    code, result, _ = await drill_by_command("exchange-down")
    assert (code, result["grade"]) == (6, "inconclusive")
    probe = result["steps"][-1]
    assert probe["outcome"] == "inconclusive"
    assert "HTTP 503" in finding(probe, "Binance reachable")["observed"]
    slots = {key["slot"] for key in result["credentials"]}
    assert {"current", "pending"} <= slots
    assert "legacy" not in slots


@pytest.mark.parametrize(("name", "code"), [("smooth", 0), ("legacy-will-not-die", 4), ("exchange-down", 6)])
async def test_whoever_leaves_where_a_drill_ends_gets_the_exit_code_that_it_promises(name: str, code: int) -> None:
    scenario, now = SCENARIOS[name], Time()
    async with rehearsing(scenario, passes_after=PASSES_AFTER, clock=now, pause=now.pause) as (flow, simulated_page):
        await Player(flow, simulated_page, KeyKind.HMAC, scenario).play()
        assert flow.exit_code == code
    assert code == 0 or f"the exit code is {code}." in scenario.advice


async def test_a_scenario_that_does_not_exist_is_a_usage_error() -> None:
    code, out, err = await key_wizard("rehearse", "--auto", "--scenario", "nosuch")
    assert (code, out) == (2, "")
    assert all(name in err for name in SCENARIOS)


@pytest.mark.slow
@pytest.mark.keyring
async def test_a_rehearsal_that_was_left_open_keeps_its_scenario() -> None:
    with secret_service() as environ:
        arguments = ("rehearse", "--auto", "--json", "--scenario")
        code, _, err = await key_wizard(*arguments, "legacy-will-not-die", environ=environ)
        assert code == 4, err
        left = recall(Path(os.environ["KEY_WIZARD_HOME"]) / NOTE)
        assert left is not None
        assert left.scenario == "legacy-will-not-die"
        code, out, err = await key_wizard(*arguments, "smooth", environ=environ)
        assert (code, json.loads(out)["scenario"]) == (4, "legacy-will-not-die")
        assert "The open rehearsal keeps its scenario" in err


async def test_the_list_of_drills_says_of_each_what_happens_and_the_way_out() -> None:
    code, out, err = await key_wizard("rehearse", "--list")
    assert (code, err) == (0, "")
    for name, scenario in SCENARIOS.items():
        assert name in out.splitlines()
        assert all(sentence in out for sentence in scenario.sentences)


async def test_every_scenario_says_what_goes_wrong_what_is_seen_and_the_way_out() -> None:
    assert list(SCENARIOS) == [
        *(
            "smooth",
            "sub-account",
            "address-changed",
            "address-changed-later",
            "key-leaked",
            "clock-skewed",
            "whitelist-forgotten",
            "whitelist-slow",
            "wrong-secret",
        ),
        *("permission-missing", "legacy-will-not-die", "rate-limited", "exchange-down"),
        *("answer-lost", "master-refused"),
    ]
    for scenario in SCENARIOS.values():
        assert all(sentence.endswith(".") for sentence in scenario.sentences)


async def test_the_home_screen_of_a_drill_says_what_will_go_wrong_what_is_seen_and_the_way_out() -> None:
    for scenario in SCENARIOS.values():
        about = RehearsalEnvironments(paths(), "127.0.0.1", scenario).about
        assert about[0] == "This is a rehearsal. Binance is simulated. No money is touched."
        assert [sentence in about for sentence in scenario.sentences] == [scenario is not SMOOTH] * 3


@pytest.mark.slow
@pytest.mark.keyring
async def test_a_drill_whose_new_key_is_gone_ends_with_its_evidence_and_no_traceback() -> None:
    with secret_service() as environ:
        arguments = ("rehearse", "--auto", "--json", "--kind", "hmac")
        # The outage leaves the rotation open at the probe, with the new key stored.
        code, _, _ = await key_wizard(*arguments, "--scenario", "exchange-down", environ=environ)
        assert code == 6
        left = recall(Path(os.environ["KEY_WIZARD_HOME"]) / NOTE)
        assert left is not None
        async with httpx.AsyncClient(base_url=left.desk_url, trust_env=False) as simulated_page:
            new = (await simulated_page.get("/keys")).json()[-1]["api_key"]
            await simulated_page.delete(f"/keys/{new}")
            await simulated_page.put("/faults", json={})
        code, out, err = await key_wizard(*arguments, environ=environ)
        assert code == 6, err
        result = json.loads(out)
        assert result["scenario"] == "exchange-down"
        assert "-2008" in json.dumps(result) or "does not know this key" in json.dumps(result)
        assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.keyring
async def test_a_rehearsal_without_an_open_rotation_takes_the_scenario_that_is_asked_for() -> None:
    with (
        secret_service() as environ,
        subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here
            [sys.executable, "-m", "wizard", "exchange", "--port", "0", "--json", "--scenario", "wrong-secret"],
            stdout=subprocess.PIPE,
            text=True,
        ) as left,
    ):
        assert left.stdout is not None
        found = json.loads(left.stdout.readline())
        note = Path(os.environ["KEY_WIZARD_HOME"]) / NOTE
        note.parent.mkdir(parents=True)
        port = httpx.URL(found["base_url"]).port
        note.write_text(json.dumps({"pid": left.pid, "port": port, "scenario": "wrong-secret"}))
        arguments = ("rehearse", "--auto", "--json", "--scenario", "smooth")
        code, out, err = await key_wizard(*arguments, environ=environ)
        assert (code, json.loads(out)["scenario"]) == (0, "smooth"), err
        assert left.wait(20) == 0, "the exchange that was left is ended"
