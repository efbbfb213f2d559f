"""What keeps a key from being called proven, what a probe survives, and what the exchange's own pace decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from websockets.frames import Frame, Opcode

from tests.exchange.fake_exchange import FakeExchange, answer
from tests.exchange.fake_websocket import text, websocket_server
from tests.raises import raises_code
from tests.rotation.conftest import HERE, World
from tests.rotation.test_probe import all_of, on, run_probe, told
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.custody.records import Slot
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError, refused, slow_down, unreachable
from wizard.exchange.responses import ApiRestrictions
from wizard.exchange.signing import generate_ed25519
from wizard.net.trace import Phase
from wizard.rehearsal.session import embedded_site
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation import findings as say
from wizard.rotation.flow import Flow
from wizard.rotation.model import Outcome, Step
from wizard.rotation.probe import ProbeReport

WITH_FUTURES = {"enableSpotAndMarginTrading": True, "enableFutures": True}
CLOSE = Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False)


def fail_restrictions(monkeypatch: pytest.MonkeyPatch, of: NewKey, failures: Iterator[ExchangeError]) -> None:
    """Let the exchange not answer about the restrictions of one key for as long as there are failures."""
    real = ExchangeClient.api_restrictions

    async def api_restrictions(self: ExchangeClient, credentials: Credentials) -> ApiRestrictions:
        if credentials.api_key == of.api_key and (failure := next(failures, None)):
            raise failure
        return await real(self, credentials)

    monkeypatch.setattr(ExchangeClient, "api_restrictions", api_restrictions)


async def probe_beside(flow: Flow, world: World, **permissions: bool) -> ProbeReport:
    await world.to_probe(flow, await world.make_key(**permissions))
    return await flow.probe.run()


async def test_a_missing_permission_is_found_although_one_connection_to_the_current_key_is_cut(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow, **WITH_FUTURES)
        fail_restrictions(monkeypatch, old, iter([unreachable(Phase.READ, "api.binance.com")]))
        report = await probe_beside(flow, world, enableSpotAndMarginTrading=True)
    assert told(report)[say.PERMISSIONS].outcome is Outcome.FAILED
    assert not report.is_proven


async def test_a_key_is_not_proven_while_its_permissions_could_not_be_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow, **WITH_FUTURES)
        fail_restrictions(monkeypatch, old, iter([slow_down(30.0, 429, -1003)] * 5))
        report = await probe_beside(flow, world, enableSpotAndMarginTrading=True)
    assert told(report)[say.PERMISSIONS].outcome is Outcome.INCONCLUSIVE
    assert not report.is_proven


async def test_a_current_key_that_left_the_keyring_is_named_and_does_not_hold_the_new_one_up(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, **WITH_FUTURES)
        current = flow.context.journal.key_in("bench", Slot.CURRENT)
        assert current is not None
        await world.store.delete(current.item)
        report = await probe_beside(flow, world, enableSpotAndMarginTrading=True)
    findings = told(report)
    assert findings[say.CONTROL].outcome is Outcome.FAILED
    assert "not in this program's memory" in findings[say.CONTROL].observed
    assert findings[say.PERMISSIONS].outcome is Outcome.INCONCLUSIVE
    assert "no other key" not in findings[say.PERMISSIONS].observed
    assert findings[say.SAME_ACCOUNT].outcome is Outcome.INCONCLUSIVE
    assert report.is_proven


async def test_a_damaged_current_key_can_be_replaced(world: World) -> None:
    async with world.flow() as flow:
        damaged = Credentials(KeyKind.ED25519, Secret("A" * 64), Secret("-----BEGIN PRIVATE KEY-----\nxx"))
        await flow.context.vault.put(damaged, Slot.CURRENT, whitelist=HERE)
        await world.to_probe(flow)
        report = await flow.probe.run()
    assert told(report)[say.CONTROL].outcome is Outcome.FAILED
    assert "private key cannot be read" in told(report)[say.CONTROL].observed
    assert report.is_proven


async def test_an_account_that_could_not_be_compared_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ExchangeClient.account
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)

        async def account(self: ExchangeClient, credentials: Credentials) -> object:
            if credentials.api_key == old.api_key:
                raise slow_down(30.0, 429, -1003)
            return await real(self, credentials)

        monkeypatch.setattr(ExchangeClient, "account", account)
        await world.to_probe(flow)
        finding = told(await flow.probe.run())[say.SAME_ACCOUNT]
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "slow down" in finding.observed


@pytest.mark.parametrize(
    ("futures_url", "outcome"), [("", Outcome.NOT_APPLICABLE), ("http://127.0.0.1:9", Outcome.FAILED)]
)
async def test_a_futures_environment_hears_about_futures_whatever_the_host_does(
    world: World, futures_url: str, outcome: Outcome
) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        site = replace(embedded_site(world.base_url), futures_url=futures_url)
        report = await run_probe(flow, on(flow.context, site, uses_futures=True))
    assert told(report)[say.FUTURES].outcome is outcome
    assert report.is_proven is (outcome is Outcome.NOT_APPLICABLE)


async def test_a_key_whose_rights_changed_since_the_probe_is_not_promoted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ExchangeClient.api_restrictions

    async def unrestricted(self: ExchangeClient, credentials: Credentials) -> ApiRestrictions:
        return replace(await real(self, credentials), ip_restricted=False)

    async with world.flow() as flow:
        await world.to_probe(flow)
        report = await flow.probe.run()
        monkeypatch.setattr(ExchangeClient, "api_restrictions", unrestricted)
        with raises_code("probe.not-proven", match="changed since the probe"):
            await flow.complete(report)
        assert flow.step is Step.PROBE
        assert flow.current is None


async def test_an_account_that_may_not_trade_is_a_warning(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        await world.plant("/api/v3/account", {"canTrade": False, "uid": 5}, times=3)
        finding = told(await run_probe(flow, on(flow.context, embedded_site(world.base_url))))[say.ACCOUNT]
    assert finding.outcome is Outcome.WARNING
    assert "canTrade: false" in finding.observed


@pytest.mark.parametrize("last_words", [CLOSE, b"\xff" * 9], ids=["close", "garbage"])
async def test_a_websocket_that_ends_with_the_answer_to_the_logon_leaves_the_rest_standing(
    world: World, last_words: bytes
) -> None:
    async def talk(reader, writer) -> None:  # type: ignore[no-untyped-def]
        await reader.read(65536)
        writer.write(text(json.dumps({"id": "session.logon", "status": 200, "result": {}})) + last_words)
        await writer.drain()
        await reader.read()

    async with world.flow() as flow, websocket_server(talk) as host:
        await world.to_probe(flow)
        pair = generate_ed25519()
        made = await world.simulated_page.create(
            "new", KeyKind.ED25519, HERE, public_key=pair.public_pem, enableReading=True
        )
        credentials = Credentials(KeyKind.ED25519, Secret(made.api_key.reveal()), pair.private_pem)
        site = replace(embedded_site(world.base_url), websocket_api_url=host.url)
        async with on(flow.context, site).exchange() as client:
            with pytest.raises(ExchangeError) as caught:
                await client.websocket_session(credentials)
    assert caught.value.kind is ErrorKind.NETWORK


async def test_a_ban_is_told_and_nothing_that_was_not_asked_is_left_out(world: World) -> None:
    banned = answer(418, {"code": -1003, "msg": "Way too much request weight used"}, Retry_After="900")
    async with world.flow() as flow, FakeExchange(banned) as fake:
        await world.to_probe(flow)

        async def flaky(_host: str) -> list[str]:
            raise OSError(11, "Temporary failure in name resolution")

        url = fake.site.rest_url.replace("127.0.0.1", "localhost")
        context = replace(on(flow.context, replace(all_of(fake), rest_url=url)), lookup=flaky)
        findings = told(await run_probe(flow, context))
    assert findings[say.REACHABLE].outcome is Outcome.INCONCLUSIVE
    assert "418" in findings[say.REACHABLE].observed
    assert "15 min" in findings[say.REACHABLE].advice
    not_run = {subject for subject, finding in findings.items() if finding.outcome is Outcome.NOT_RUN}
    assert not_run >= {say.CLOCK, say.NEW_KEY, say.ACCOUNT, say.IN_A_ROW, say.IP_RESTRICTION, say.PERMISSIONS}
    assert say.CONTROL not in findings


async def test_the_futures_hosts_word_does_not_accuse_a_listed_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        new = await world.to_probe(flow)
        refusal = refused(-2015, "Invalid API-key, IP, or permissions for action.", 400)
        fail_restrictions(monkeypatch, new, iter([refusal] * 5))
        message = "Invalid API-key, IP, or permissions for action, request ip: 198.51.100.9"
        await world.plant("/fapi/v3/balance", {"code": -2015, "msg": message}, times=5, status=401)
        finding = told(await flow.probe.run())[say.NEW_KEY]
    assert "although your address is on the list you composed" in finding.observed
    assert "the futures host saw 198.51.100.9" in finding.observed


async def test_waiting_begins_when_the_exchange_allows_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with world.flow(pause=pause) as flow:
        new = await world.to_probe(flow)
        fail_restrictions(monkeypatch, new, iter([slow_down(120.0, 429, -1003)]))
        assert (await flow.probe.run()).may_change
        pauses.clear()
        assert (await flow.probe.wait_until_accepted()).is_accepted
    assert pauses[0] == pytest.approx(120.0, abs=5.0)
