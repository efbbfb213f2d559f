"""What one run of `check` saw, and what it comes to: one table for each question, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from types import MappingProxyType

import pytest

from wizard.core.credentials import KeyKind, KeyName
from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.egress.detection import EgressReport
from wizard.egress.ssh_hosts.hosts import Trouble
from wizard.exchange.diagnosis import UNKNOWN_KEY, WRONG_SIGNATURE
from wizard.exchange.errors import ExchangeError, refused, server_fault
from wizard.exchange.responses import ApiRestrictions
from wizard.net.route import Route
from wizard.rotation.exchange_calls import SignedAnswer, circumstances
from wizard.rotation.findings import FindingWriter
from wizard.rotation.host_proofs import HostProof, ProofOutcome
from wizard.rotation.key_check import SOON, KeyState, Observations, OtherKey, judge
from wizard.rotation.model import Finding, Outcome

NOW, DAY = 1_795_000_000.0, 86400.0
HERE, ELSEWHERE = "203.0.113.42", "203.0.113.99"
SITE = Site("binance.com", "https://api.binance.com", "", futures_url="https://fapi.binance.com")
ENVIRONMENT = Environment("production", SITE, uses_futures=True)
PROVEN = MappingProxyType({"enableReading": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": False})
WHITELIST_JOB = "key-wizard --env production --job whitelist"


def record(last_four: str = "C7zq", slot: Slot = Slot.CURRENT, **fields: object) -> KeyRecord:
    name = KeyName("0123456789ab", last_four)
    whole = {"stored_at": NOW - DAY, "whitelist": HERE, "proven_from": HERE, "permissions": PROVEN, **fields}
    return KeyRecord("production", name, KeyKind.HMAC, slot, Holding.STORED, "item", "here", "memory", **whole)  # type: ignore[arg-type]


def answer(error: ExchangeError | None = None, **told: object) -> SignedAnswer:
    fields = {"ip_restricted": True, "created_ms": round((NOW - DAY) * 1000), "permissions": PROVEN, **told}
    restrictions = None if error else ApiRestrictions(**fields)  # type: ignore[arg-type]
    return SignedAnswer(circumstances(SITE), error, restrictions)


def no(code: int, named: str = "") -> ExchangeError:
    return refused(code, "Refused.", 400, IPv4Address(named) if named else None)


def report(address: str = HERE, state: EgressState = EgressState.AGREED) -> EgressReport:
    verdict = EgressVerdict(state, {IPv4Address(address): ("one", "another")})
    return EgressReport(verdict, (), Route("direct", "test"), ())


FINE = Observations(
    ENVIRONMENT, record(), "the keyring", answer(), report(), SignedAnswer(replace(circumstances(SITE), surface="fapi"))
)


def judged(seen: Observations, max_age: float = 90 * DAY) -> dict[str, Finding]:
    writer = FindingWriter(lambda: NOW, str(seen.address or ""))
    return {finding.subject: finding for finding in judge(seen, writer, max_age)}


def with_other(said: SignedAnswer | WizardError, slot: Slot = Slot.LEGACY, **fields: object) -> Observations:
    return replace(FINE, others=(OtherKey(record("0L94", slot, **fields), said),))


def test_where_all_is_as_it_was_every_check_passed() -> None:
    assert {finding.outcome for finding in judged(FINE).values()} == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("proven", "now", "outcome", "says"),
    [
        (PROVEN, PROVEN, "passed", "Withdrawals are off"),
        (PROVEN, {**PROVEN, "enableSpotAndMarginTrading": False}, "failed", "lost permissions: Enable Spot & Margin"),
        (PROVEN, {**PROVEN, "enableMargin": True}, "warning", "that it did not have: Enable Margin Loan"),
        (PROVEN, {**PROVEN, "enableWithdrawals": True}, "failed", "Enable Withdrawals. Whoever has the key"),
        (PROVEN, {**PROVEN, "enableMargin": False}, "passed", "Nothing changed"),
        (PROVEN, {"enableReading": True, "enableWithdrawals": False}, "inconclusive", "no longer says"),
        ({**PROVEN, "enableWithdrawals": True}, {**PROVEN, "enableWithdrawals": True}, "passed", "Withdrawals are on"),
        ({"enableReading": True}, {"enableReading": True, "enableWithdrawals": True}, "failed", "Enable Withdrawals"),
        (None, PROVEN, "not applicable", "nothing was compared"),
        (None, {**PROVEN, "enableWithdrawals": True}, "warning", "Withdrawals are on"),
        # The worst speaks, and all are named.
        (PROVEN, {"enableReading": False, "enableMargin": True}, "failed", "Enable Margin"),
    ],
)
def test_permissions_are_compared_with_those_at_the_proof(
    proven: Mapping[str, bool] | None, now: Mapping[str, bool], outcome: str, says: str
) -> None:
    found = judged(replace(FINE, key=record(permissions=proven), answer=answer(permissions=now)))["Permissions"]
    assert found.outcome == outcome
    assert says in found.observed
    if outcome in ("failed", "warning"):
        assert WHITELIST_JOB in found.advice


@pytest.mark.parametrize(
    ("left", "outcome"), [(SOON + 60, "passed"), (SOON - 60, "warning"), (1, "warning"), (-1, "failed")]
)
def test_the_end_of_trading_is_a_warning_before_and_a_failure_after(left: float, outcome: str) -> None:
    found = judged(replace(FINE, answer=answer(trading_until_ms=round((NOW + left) * 1000))))["Trading authority"]
    assert found.outcome == outcome
    assert "Trading authority" not in judged(FINE)


@pytest.mark.parametrize(
    ("whitelist", "restricted", "outcome"),
    [(HERE, False, "failed"), (HERE, None, "inconclusive"), ("", False, "warning"), ("", True, "passed")],
)
def test_a_key_that_works_from_anywhere_is_sent_to_the_whitelist_job(
    whitelist: str, restricted: bool | None, outcome: str
) -> None:
    found = judged(replace(FINE, key=record(whitelist=whitelist), answer=answer(ip_restricted=restricted)))
    assert found["IP restriction"].outcome == outcome
    assert (WHITELIST_JOB in found["IP restriction"].advice) == (restricted is False)


@pytest.mark.parametrize(
    ("whitelist", "egress", "outcome", "says"),
    [
        (HERE, report(), "passed", "covers it"),
        ("203.0.113.0/24", report(ELSEWHERE), "passed", "covers it"),
        (HERE, report(ELSEWHERE), "failed", f"Add {ELSEWHERE} to the whitelist of …C7zq: {WHITELIST_JOB}"),
        ("", report(), "warning", WHITELIST_JOB),
        (HERE, report(HERE, EgressState.SPLIT), "inconclusive", "key-wizard egress"),
        (HERE, report(HERE, EgressState.SHARED), "inconclusive", "Switch WARP off"),
        (HERE, WizardError("The proxy is none"), "inconclusive", "The proxy is none"),
    ],
)
def test_the_address_is_compared_with_the_list(
    whitelist: str, egress: EgressReport | WizardError, outcome: str, says: str
) -> None:
    found = judged(replace(FINE, key=record(whitelist=whitelist), egress=egress))["Whitelist"]
    assert found.outcome == outcome
    assert says in f"{found.observed} {found.advice}"


def test_a_refused_address_is_sent_to_the_whitelist_job_and_not_to_a_new_key() -> None:
    found = judged(replace(FINE, answer=answer(no(-2015)), egress=report(ELSEWHERE)))
    assert (found["Accepted"].outcome, found["Futures"].outcome) == ("failed", "not run")
    assert WHITELIST_JOB in found["Accepted"].advice


@pytest.mark.field(3, "answers", "https://github.com/JKorf/Binance.Net/issues/85")
def test_a_changed_address_is_named_also_where_the_list_is_not_known() -> None:
    seen = replace(FINE, key=record(whitelist="", proven_at=NOW - DAY), answer=answer(no(-2015)))
    found = judged(replace(seen, egress=report(ELSEWHERE)))["Accepted"]
    assert f"Binance accepted this key from {HERE}" in found.observed
    assert f"Add {ELSEWHERE} to the whitelist" in found.advice
    assert WHITELIST_JOB in found.advice
    assert WHITELIST_JOB not in judged(seen)["Accepted"].advice  # the address is the same


@pytest.mark.parametrize(
    ("said", "permissions", "outcome", "says"),
    [
        (None, PROVEN, "passed", "accepts this key"),
        (no(-2015), PROVEN, "failed", "-2015"),
        (no(-2015), {**PROVEN, "enableFutures": False}, "failed", "enableFutures: false"),
        (server_fault(503), PROVEN, "inconclusive", "servers have a problem"),
    ],
)
def test_the_futures_host_has_its_own_answer(
    said: ExchangeError | None, permissions: Mapping[str, bool], outcome: str, says: str
) -> None:
    futures = SignedAnswer(replace(circumstances(SITE), surface="fapi"), said)
    found = judged(replace(FINE, futures=futures, answer=answer(permissions=permissions)))["Futures"]
    assert found.outcome == outcome
    assert says in found.observed
    spot_only = replace(FINE, environment=replace(ENVIRONMENT, uses_futures=False))
    assert "Futures" not in judged(spot_only)


NOT_SAPI = replace(answer(no(UNKNOWN_KEY)), known=replace(circumstances(SITE), surface="api"))


@pytest.mark.parametrize(
    ("said", "worked_from", "state", "outcome"),
    [
        (answer(), HERE, KeyState.ALIVE, "failed"),
        (answer(no(WRONG_SIGNATURE)), HERE, KeyState.ALIVE, "failed"),
        (answer(no(UNKNOWN_KEY)), "", KeyState.REFUSED, "passed"),
        (answer(no(-2015)), HERE, KeyState.REFUSED, "passed"),
        (answer(no(-2015)), ELSEWHERE, KeyState.REFUSED, "inconclusive"),
        (answer(no(-2015)), "", KeyState.REFUSED, "inconclusive"),
        (NOT_SAPI, "", KeyState.REFUSED, "inconclusive"),
        (answer(server_fault(503)), HERE, KeyState.NO_ANSWER, "inconclusive"),
        (answer(no(-1021)), HERE, KeyState.NO_ANSWER, "inconclusive"),
        (WizardError("Its secret is no longer stored"), HERE, KeyState.NO_ANSWER, "inconclusive"),
    ],
)
@pytest.mark.parametrize("slot", [Slot.LEGACY, Slot.UNUSED])
def test_a_key_that_should_be_dead_is_asked(
    said: SignedAnswer | WizardError, worked_from: str, state: KeyState, outcome: str, slot: Slot
) -> None:
    seen = with_other(said, slot, proven_from=worked_from)
    seen = replace(seen, environment=replace(ENVIRONMENT, two_keys_limit=2 * DAY))
    found = judged(seen)["Legacy key" if slot is Slot.LEGACY else "Unused key"]
    assert (seen.state_of(seen.others[0]), found.outcome) == (state, outcome)
    assert "…0L94" in found.observed
    assert "key-wizard --env production" in found.advice
    assert ("Delete …0L94 on Binance" in found.advice) == (state is KeyState.ALIVE)


@pytest.mark.parametrize("current", [answer(no(-2015)), answer(server_fault(503))])
def test_without_a_working_key_in_use_no_other_key_is_to_be_deleted(current: SignedAnswer) -> None:
    seen = replace(with_other(answer()), answer=current)
    found = judged(seen)["Legacy key"]
    assert found.outcome == "failed"
    assert "Do not delete …0L94 now" in found.advice
    assert "Delete …0L94 on Binance's page." in judged(replace(seen, is_leaked=True))["Legacy key"].advice
    patient = replace(ENVIRONMENT, two_keys_limit=2 * DAY)
    doubtful = replace(with_other(answer(no(-2015))), answer=current, environment=patient)
    assert doubtful.state_of(doubtful.others[0]) is KeyState.NO_ANSWER
    assert judged(doubtful)["Legacy key"].outcome == "inconclusive"


def test_a_key_that_this_site_never_knew_is_not_called_dead() -> None:
    seen = with_other(answer(no(UNKNOWN_KEY)), proven_from="")
    never = replace(seen, others=(replace(seen.others[0], was_known=False),))
    assert judged(never)["Legacy key"].outcome == "inconclusive"
    assert "never seen to work" in judged(never)["Legacy key"].observed


def test_two_keys_for_longer_than_they_should_are_a_failure_also_without_an_answer() -> None:
    seen = with_other(WizardError("Its secret is no longer stored"))
    assert judged(seen)["Legacy key"].outcome == "failed"  # a day, and the limit is an hour
    assert "Both may work for 1 h." in judged(seen)["Legacy key"].observed
    unused = with_other(WizardError("Its secret is no longer stored"), Slot.UNUSED)
    assert judged(unused)["Unused key"].outcome == "inconclusive"


@pytest.mark.parametrize(
    ("proof", "outcome"),
    [
        (HostProof("bot-1", ELSEWHERE, ProofOutcome.PROVEN), "passed"),
        (
            HostProof("bot-1", ELSEWHERE, ProofOutcome.REFUSED, Trouble("not-listed", "not on the list", "Add it")),
            "failed",
        ),
        (HostProof("bot-1", "", ProofOutcome.NOT_TRIED, Trouble("login", "the login was refused", "")), "inconclusive"),
    ],
)
def test_a_host_that_binance_refuses_is_a_failure(proof: HostProof, outcome: str) -> None:
    (found,) = (finding for name, finding in judged(replace(FINE, proofs=(proof,))).items() if "bot-1" in name)
    assert found.outcome == outcome


def test_hosts_are_not_run_where_the_key_was_not_accepted_from_here() -> None:
    seen = replace(FINE, answer=answer(no(UNKNOWN_KEY)), hosts=("bot-1",))
    (found,) = (finding for name, finding in judged(seen).items() if "bot-1" in name)
    assert found.outcome == "not run"


@pytest.mark.parametrize(
    ("stored", "created", "outcome"),
    [(1.0, 1.0, "passed"), (91.0, None, "failed"), (1.0, 91.0, "failed"), (-1.0, None, "inconclusive")],
)
def test_the_older_date_is_the_age(stored: float, created: float | None, outcome: str) -> None:
    born = None if created is None else round((NOW - created * DAY) * 1000)
    seen = replace(FINE, key=record(stored_at=NOW - stored * DAY), answer=answer(created_ms=born))
    assert judged(seen)["Age"].outcome == outcome
