"""The probe on the embedded exchange and on servers that answer anything: what a user is told of each check."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import UNTIMED, examples
from tests.exchange.fake_exchange import FakeExchange, answer, cut, drip, flood, hold
from tests.exchange.test_answer_fuzz import ON_THE_WIRE
from tests.rotation.conftest import ELSEWHERE, HERE, World
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.sites import Site
from wizard.custody.records import Slot
from wizard.exchange.diagnosis import CallOutcome
from wizard.rehearsal.session import embedded_site
from wizard.rotation import findings as say
from wizard.rotation.context import Context, Pace
from wizard.rotation.flow import Flow
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.probe import Probe, ProbeReport

PATIENT = Pace(call=10.0, egress=10.0, between_passes=0.0, between_questions=0.05, patience=60.0)
"""Its deadlines hold on a busy machine too."""
REFUSED = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
HASTY = replace(PATIENT, call=0.5)
"""For servers of which nothing is expected."""


def told(report: ProbeReport) -> dict[str, Finding]:
    return {finding.subject: finding for finding in report.findings}


def on(context: Context, site: Site, **changes: Any) -> Context:
    """The same rotation, with the exchange somewhere else."""
    return replace(context, environment=replace(context.environment, site=site, **changes), pace=PATIENT)


async def run_probe(flow: Flow, context: Context) -> ProbeReport:
    pending = flow.credentials.pending
    assert pending is not None
    credentials = await context.vault.fetch(pending)
    assert credentials is not None
    current = flow.current
    control = await context.vault.fetch(current) if current else None
    return await Probe(context, pending, current, lambda _: None).run(credentials, control)


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_what_a_site_lacks_is_said_and_not_shown_as_passed(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        site = replace(
            embedded_site(world.base_url), has_sapi=False, lacks="the testnet serves /api only", websocket_api_url=""
        )
        report = await run_probe(flow, on(flow.context, site))
    findings = told(report)
    assert findings[say.IP_RESTRICTION].outcome is Outcome.NOT_APPLICABLE
    assert "the testnet serves /api only" in findings[say.IP_RESTRICTION].observed
    assert findings[say.IP_RESTRICTION].does_not_prove
    assert findings[say.WEBSOCKET_API].outcome is Outcome.NOT_APPLICABLE
    assert report.is_proven


async def test_each_check_that_was_made_has_its_own_time(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        findings = told(await flow.probe.run())
    timed = {subject for subject, finding in findings.items() if finding.milliseconds is not None}
    assert timed >= {say.TCP, say.REACHABLE, say.CLOCK, say.NEW_KEY, say.ACCOUNT, say.WEBSOCKET_API}


async def test_where_another_host_of_the_site_answers_it_is_named_with_the_setting(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        alive, dead = world.base_url.replace("127.0.0.1", "localhost"), f"http://127.0.0.1:{closed_port()}"
        site = replace(embedded_site(world.base_url), rest_url=dead, alternative_urls=(dead, alive))
        findings = told(await run_probe(flow, on(flow.context, site)))
    assert findings[say.TCP].outcome is Outcome.INCONCLUSIVE
    assert "At the same time localhost answered." in findings[say.TCP].observed
    assert 'host = "localhost"' in findings[say.TCP].advice
    assert findings[say.NEW_KEY].outcome is Outcome.NOT_RUN


async def test_an_inspecting_proxy_is_named_and_gets_no_key(world: World) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(organization_name="Inspector Ltd").issue_cert("127.0.0.1").configure_cert(tls)
    async with world.flow() as flow, FakeExchange(answer(200, {}), tls) as fake:
        await world.to_probe(flow)
        findings = told(await run_probe(flow, on(flow.context, fake.site)))
        assert fake.seen == []
    assert findings[say.TCP].outcome is Outcome.PASSED
    assert findings[say.TLS].outcome is Outcome.INCONCLUSIVE
    assert "Inspector Ltd" in findings[say.TLS].observed
    assert findings[say.REACHABLE].outcome is findings[say.NEW_KEY].outcome is Outcome.NOT_RUN


async def test_a_blocklist_in_the_place_of_the_name_service_is_named(world: World) -> None:
    async def sinkhole(host: str) -> Sequence[str]:
        return ["0.0.0.0"]

    async with world.flow() as flow:
        await world.to_probe(flow)
        site = Site("binance.com", f"https://exchange.invalid:{closed_port()}", "")
        findings = told(await run_probe(flow, replace(on(flow.context, site), lookup=sinkhole)))
    failed = next(finding for finding in findings.values() if finding.outcome is Outcome.INCONCLUSIVE)
    assert "sinkhole" in failed.observed
    assert "blocklist" in failed.advice


async def test_from_another_address_the_futures_refusal_makes_the_cause_certain(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
    async with world.flow(source_address="127.0.0.2") as flow:
        report = await flow.probe.run()
    key = told(report)[say.NEW_KEY]
    assert f"Binance sees {ELSEWHERE}, which is not on the list you composed" in key.observed
    assert "reported, not documented" in key.observed
    assert report.may_change


async def test_a_current_key_whose_list_is_unknown_is_refused_with_from_where_it_worked(world: World) -> None:
    made = await world.make_key()
    async with world.flow() as flow:
        with Credentials(KeyKind.HMAC, made.api_key, made.secret) as credentials:
            await flow.context.vault.put(credentials, Slot.CURRENT)
        await world.to_probe(flow)
        assert told(await flow.probe.run())[say.CONTROL].passed
    async with world.flow("127.0.0.2") as flow:
        report = await flow.probe.run()
    refusal = told(report)[say.CONTROL]
    assert "most likely because your address changed" in refusal.observed
    assert f"Binance accepted this key from {HERE} on 20" in refusal.observed
    assert f"Your calls now come from {ELSEWHERE}." in refusal.observed


async def test_with_warp_on_no_address_is_offered_for_the_list_although_the_futures_host_names_it(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
    async with world.flow("127.0.0.2") as flow:
        await world.fault(warp=True)
        diagnosis = (await flow.probe.run()).diagnosis
    assert diagnosis is not None
    assert f"Binance sees {ELSEWHERE}" in diagnosis.what
    assert (diagnosis.unlisted, diagnosis.advice[:15]) == (None, "Switch WARP off")


@pytest.mark.parametrize(("enabled", "proven"), [(True, True), (False, False)])
async def test_a_futures_environment_needs_the_futures_permission(world: World, enabled: bool, proven: bool) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow, await world.make_key(enableFutures=enabled))
        context = on(flow.context, embedded_site(world.base_url), uses_futures=True)
        report = await run_probe(flow, context)
    finding = told(report)[say.FUTURES]
    assert report.is_proven is proven
    if not proven:
        assert "enableFutures: false" in finding.observed
        assert "Enable Futures" in finding.advice


@pytest.mark.parametrize(
    ("refusals", "outcome", "said"),
    [
        (2, Outcome.WARNING, "refuses the current key alike"),
        (1, Outcome.FAILED, "accepts the current one"),
    ],
)
async def test_a_futures_refusal_is_compared_with_the_key_in_use(
    world: World, refusals: int, outcome: Outcome, said: str
) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, enableFutures=True, enableSpotAndMarginTrading=True)
    async with world.flow() as flow:
        await world.to_probe(flow, await world.make_key(enableFutures=True, enableSpotAndMarginTrading=True))
        await world.plant("/fapi/v3/balance", REFUSED, times=refusals, status=401)
        context = on(flow.context, embedded_site(world.base_url), uses_futures=True)
        report = await run_probe(flow, context)
    finding = told(report)[say.FUTURES]
    assert (finding.outcome, report.is_proven) == (outcome, outcome is Outcome.WARNING)
    assert said in finding.observed
    assert "another site" not in f"{finding.observed} {finding.advice}"


async def test_a_key_that_only_the_websocket_api_refuses_is_not_promoted(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        await world.plant("/ws-api/v3#account.status", REFUSED, status=401)
        report = await flow.probe.run()
    assert told(report)[say.WEBSOCKET_API].outcome is Outcome.FAILED
    assert not report.is_proven


async def test_a_dead_market_stream_is_told_and_takes_nothing_from_the_proof(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        site = replace(embedded_site(world.base_url), stream_url=f"ws://127.0.0.1:{closed_port()}/ws")
        report = await run_probe(flow, on(flow.context, site))
    assert told(report)[say.MARKET_STREAM].outcome is Outcome.INCONCLUSIVE
    assert report.is_proven


async def test_waiting_ends_when_the_list_counts(world: World) -> None:
    asked_so_far: list[int] = []
    async with world.flow(pause=asyncio.sleep) as flow:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.put(f"{world.base_url}/desk/faults", json={"whitelist_delay_s": 600})
            made = await world.to_probe(flow)
            assert (await flow.probe.run()).may_change
            asked = asyncio.Event()

            def note(_: float, questions: int) -> None:
                asked_so_far.append(questions)
                asked.set()

            waiting = asyncio.create_task(
                type(flow.probe)(replace(flow.context, pace=PATIENT)).wait_until_accepted(note)
            )
            await asked.wait()
            await client.put(f"{world.base_url}/desk/faults", json={"whitelist_delay_s": 0})
            await world.simulated_page.set_whitelist(made.api_key, HERE)
        assert (await waiting).is_accepted
        assert (await flow.probe.run()).is_proven
    assert asked_so_far == list(range(1, len(asked_so_far) + 1))


async def test_waiting_ends_by_itself_and_says_why(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key(whitelist="198.51.100.7")
        await world.to_probe(flow, made)
        waiting = replace(flow.context, pace=replace(PATIENT, patience=0.0))
        verdict = await type(flow.probe)(waiting).wait_until_accepted()
    assert verdict.outcome is CallOutcome.REJECTED
    assert verdict.advice


async def test_a_probe_that_is_cancelled_leaves_nothing_running(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.put(f"{world.base_url}/desk/faults", json={"latency_ms": 2000})
        before = asyncio.all_tasks()
        probe = asyncio.create_task(flow.probe.run())
        await asyncio.sleep(0.2)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert {task for task in asyncio.all_tasks() - before if "wizard" in repr(task.get_coro())} == set()


@pytest.mark.parametrize("script", [hold, drip, flood, cut], ids=["hold", "drip", "flood", "cut"])
async def test_a_server_that_does_not_play_along_ends_in_findings(world: World, script: Any) -> None:
    async with world.flow() as flow, FakeExchange(script) as fake:
        await world.to_probe(flow)
        async with asyncio.timeout(20):
            report = await run_probe(flow, replace(on(flow.context, all_of(fake)), pace=HASTY))
    assert not report.is_proven
    assert told(report)[say.NEW_KEY].outcome is Outcome.NOT_RUN


def all_of(fake: FakeExchange) -> Site:
    """Every host of the exchange at one server that answers as it was told."""
    return replace(embedded_site(fake.site.rest_url), alternative_urls=(fake.site.rest_url,))


@settings(max_examples=examples(60), suppress_health_check=[*UNTIMED, HealthCheck.function_scoped_fixture])
@given(raws=st.lists(ON_THE_WIRE, min_size=1, max_size=4))
async def test_whatever_is_answered_the_probe_ends_in_findings_and_never_in_a_proof(
    world: World, raws: list[bytes]
) -> None:
    async def script(seen: object, reader: object, writer: Any) -> None:
        # The first call is let through, so that what comes after the way is fuzzed too.
        writer.write(answer(200, {}) if len(fake.seen) == 1 else raws[len(fake.seen) % len(raws)])
        writer.write_eof()

    async with FakeExchange(script) as fake, world.flow() as flow:
        if flow.rotation is None:
            await world.to_probe(flow)
        async with asyncio.timeout(20):
            report = await run_probe(flow, replace(on(flow.context, all_of(fake)), pace=HASTY))
    assert not report.is_proven
    assert all(finding.observed for finding in report.findings)
