"""What separates a new key from the one that it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from wizard.exchange.errors import ExchangeError
from wizard.exchange.responses import Account, ApiRestrictions, read_account, read_api_restrictions
from wizard.rotation import findings as say
from wizard.rotation.findings import FindingWriter, prove
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.permissions import LABELS, WITHDRAWALS, PermissionDifference, compare

TRADING = dict.fromkeys(LABELS, False) | {"enableReading": True, "enableSpotAndMarginTrading": True}


def key(created_ms: int | None = 2, ip_restricted: bool | None = True, **permissions: bool) -> ApiRestrictions:
    return ApiRestrictions(ip_restricted, created_ms, {**TRADING, **permissions})


def weights(differences: Sequence[PermissionDifference]) -> list[Outcome]:
    return [difference.outcome for difference in differences]


def test_the_same_permissions_on_a_newer_restricted_key_need_no_word() -> None:
    assert compare(key(2), key(1)) == ()


def test_a_missing_permission_blocks_and_is_named_as_on_the_page() -> None:
    (missing,) = compare(key(enableSpotAndMarginTrading=False), key(1))
    assert missing.permissions == ("enableSpotAndMarginTrading",)
    assert missing.outcome is Outcome.FAILED
    assert "Enable Spot & Margin Trading" in missing.what


ABSENT = object()
NOTHING = [ABSENT, None]
NO_FLAG = ["true", "false", "", 0, 1, 1.0, [], {}]


def answer(name: str, value: object) -> dict[str, object]:
    """What the exchange tells of a key that may do everything, but for one field."""
    whole = {"ipRestrict": True, **dict.fromkeys(LABELS, True), WITHDRAWALS: False}
    return {field: told for field, told in {**whole, name: value}.items() if told is not ABSENT}


def told_of(new: ApiRestrictions, current: ApiRestrictions | None) -> Finding:
    writer = FindingWriter(lambda: 1.0, "203.0.113.42")
    return writer.permissions(new, current, has_control=current is not None)


@pytest.mark.parametrize("name", ["ipRestrict", *LABELS])
@pytest.mark.parametrize("value", NO_FLAG)
def test_what_is_no_flag_makes_the_answer_unreadable(name: str, value: object) -> None:
    with pytest.raises(ExchangeError, match="cannot be read"):
        read_api_restrictions(answer(name, value))


@pytest.mark.parametrize("name", sorted(LABELS.keys() - {WITHDRAWALS}))
@pytest.mark.parametrize(
    ("new", "current", "outcome"),
    [
        *[(value, True, Outcome.INCONCLUSIVE) for value in NOTHING],
        *[(value, False, Outcome.INCONCLUSIVE) for value in NOTHING],
        *[(True, value, Outcome.INCONCLUSIVE) for value in NOTHING],
        *[(False, value, Outcome.INCONCLUSIVE) for value in NOTHING],
        (ABSENT, ABSENT, Outcome.WARNING),
        (None, None, Outcome.WARNING),
        (False, True, Outcome.FAILED),
        (True, False, Outcome.WARNING),
        (False, False, Outcome.PASSED),
        (True, True, Outcome.PASSED),
    ],
)
def test_a_permission_is_compared_only_where_both_are_told(
    name: str, new: object, current: object, outcome: Outcome
) -> None:
    finding = told_of(*(read_api_restrictions(answer(name, value)) for value in (new, current)))
    assert finding.outcome is outcome
    assert (LABELS[name] in finding.observed) is (outcome is not Outcome.PASSED)
    assert ("Nothing is missing" in finding.observed) is (outcome is Outcome.PASSED)


@pytest.mark.parametrize("value", NOTHING)
def test_a_first_key_whose_withdrawals_are_not_told_is_not_passed_over(value: object) -> None:
    finding = told_of(read_api_restrictions(answer(WITHDRAWALS, value)), None)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert LABELS[WITHDRAWALS] in finding.observed
    assert "Withdrawals are off" not in finding.observed


@pytest.mark.parametrize("value", NOTHING)
@pytest.mark.parametrize("is_adopted", [True, False])
def test_an_untold_restriction_is_inconclusive(value: object, is_adopted: bool) -> None:
    told = read_api_restrictions(answer("ipRestrict", value)).ip_restricted
    assert told is None
    assert FindingWriter(lambda: 1.0, "").restriction(told, is_adopted).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "told",
    [{}, {"ipRestrict": True}, {"ipRestrict": True, "createTime": 1}, {"ipRestrict": True, "enableReading": None}],
)
def test_an_answer_without_a_permission_tells_nothing(told: dict[str, object]) -> None:
    with pytest.raises(ExchangeError, match="cannot be read"):
        read_api_restrictions(told)


@pytest.mark.parametrize("value", [ABSENT, None, *NO_FLAG])
def test_an_account_that_does_not_tell_whether_it_may_trade_is_unreadable(value: object) -> None:
    with pytest.raises(ExchangeError, match="cannot be read"):
        read_account({name: told for name, told in {"canTrade": value, "uid": 1}.items() if told is not ABSENT})


@pytest.mark.parametrize("value", ["1", 1.5, True, [], {}])
def test_a_number_of_an_account_that_is_no_number_is_unreadable(value: object) -> None:
    with pytest.raises(ExchangeError, match="cannot be read"):
        read_account({"canTrade": True, "uid": value})


@pytest.mark.parametrize(("new", "current"), [(None, 1), (1, None), (None, None)])
def test_accounts_without_a_number_are_not_the_same(new: int | None, current: int | None) -> None:
    finding = FindingWriter(lambda: 1.0, "").same_account(Account(new, True), Account(current, True))
    assert finding.outcome is Outcome.INCONCLUSIVE


def test_a_key_that_could_not_be_compared_is_not_proven_for_another_warning() -> None:
    """That it may withdraw is worth a word; it does not stand for the comparison that was not made."""
    new = key(enableWithdrawals=True)
    finding = FindingWriter(lambda: 1.0, "").permissions(new, None, has_control=True)
    assert finding.outcome is Outcome.INCONCLUSIVE
    rest = [Finding(subject, Outcome.PASSED, "", 1.0) for subject in say.MUST_PASS]
    control = Finding(say.CONTROL, Outcome.INCONCLUSIVE, "", 1.0)
    assert not prove([*rest, finding, control])


def test_an_extra_permission_warns_and_does_not_block() -> None:
    (extra,) = compare(key(enableFutures=True), key(1))
    assert extra.permissions == ("enableFutures",)
    assert extra.outcome is Outcome.WARNING


def test_a_flag_of_the_future_is_compared_under_its_own_name() -> None:
    (unknown,) = compare(key(enableMoonTrading=True), key(1))
    assert "enableMoonTrading" in unknown.what


@pytest.mark.parametrize("is_restricted", [False, None])
def test_a_key_that_may_work_from_anywhere_is_not_proven(is_restricted: bool | None) -> None:
    finding = FindingWriter(lambda: 1.0, "").restriction(is_restricted, is_adopted=False)
    assert ("from anywhere" in finding.observed) is (is_restricted is False)
    rest = [Finding(subject, Outcome.PASSED, "", 1.0) for subject in say.MUST_PASS - {say.IP_RESTRICTION}]
    assert not prove([*rest, finding])
    assert prove([*rest, replace(finding, outcome=Outcome.PASSED)])


def test_withdrawals_warn_also_when_the_current_key_may_withdraw_too() -> None:
    (withdrawals,) = compare(key(enableWithdrawals=True), key(1, enableWithdrawals=True))
    assert "may withdraw" in withdrawals.what
    assert withdrawals.outcome is Outcome.WARNING


def test_a_key_no_newer_than_the_legacy_key_is_suspected_to_be_it() -> None:
    for created in (4, 5):
        (not_newer,) = compare(key(created), key(5))
        assert "not younger than the current one" in not_newer.what
    assert compare(key(6), key(5)) == ()
    assert compare(key(None), key(5)) == ()
    assert compare(key(5), key(None)) == ()


def test_without_a_current_key_nothing_is_missing_or_extra() -> None:
    assert compare(key(), None) == ()


def test_findings_come_with_the_weightiest_first() -> None:
    found = compare(key(1, False, enableReading=False, enableWithdrawals=True), key(1))
    assert weights(found) == [Outcome.FAILED, Outcome.WARNING, Outcome.WARNING, Outcome.WARNING]
    assert [difference.permissions for difference in found] == [
        ("enableReading",),
        (),
        ("enableWithdrawals",),
        (),
    ]
