"""What separates a new key from the one that it replaces."""

from __future__ import annotations

from wizard.exchange.permissions import PermissionDiff, Weight, compare
from wizard.exchange.records import ApiRestrictions

TRADING = {"enableReading": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": False}


def key(created_ms: int | None = 2, ip_restricted: bool | None = True, **permissions: bool) -> ApiRestrictions:
    return ApiRestrictions(ip_restricted, created_ms, {**TRADING, **permissions})


def weights(diff: PermissionDiff) -> list[Weight]:
    return [finding.weight for finding in diff.findings()]


def test_the_same_permissions_on_a_newer_restricted_key_need_no_word() -> None:
    diff = compare(key(2), key(1))
    assert diff.findings() == ()
    assert not diff.blocks


def test_a_missing_permission_blocks_and_is_named_as_on_the_page() -> None:
    diff = compare(key(enableSpotAndMarginTrading=False), key(1))
    assert diff.missing == ("enableSpotAndMarginTrading",)
    assert diff.blocks
    assert "Enable Spot & Margin Trading" in diff.findings()[0].what


def test_a_permission_that_is_not_told_counts_as_missing() -> None:
    assert compare(key(), key(1, enableFutures=True)).missing == ("enableFutures",)


def test_an_extra_permission_warns_and_does_not_block() -> None:
    diff = compare(key(enableFutures=True), key(1))
    assert diff.extra == ("enableFutures",)
    assert weights(diff) == [Weight.WARNS]


def test_a_flag_of_the_future_is_compared_under_its_own_name() -> None:
    diff = compare(key(enableMoonTrading=True), key(1))
    assert "enableMoonTrading" in diff.findings()[0].what


def test_a_key_that_works_from_anywhere_blocks_even_when_there_is_no_current_key() -> None:
    diff = compare(key(ip_restricted=False), None)
    assert diff.unrestricted
    assert diff.blocks
    assert "from anywhere" in diff.findings()[0].what


def test_an_unsaid_restriction_is_not_taken_for_a_restriction() -> None:
    diff = compare(key(ip_restricted=None), key(1))
    assert not diff.unrestricted
    assert diff.restriction_unknown
    assert diff.blocks


def test_withdrawals_warn_loudly_also_when_the_current_key_may_withdraw_too() -> None:
    diff = compare(key(enableWithdrawals=True), key(1, enableWithdrawals=True))
    assert diff.withdrawals_on
    assert weights(diff) == [Weight.WARNS_LOUDLY]


def test_a_key_no_newer_than_the_legacy_key_is_suspected_to_be_it() -> None:
    assert compare(key(5), key(5)).not_newer
    assert compare(key(4), key(5)).not_newer
    assert not compare(key(6), key(5)).not_newer
    assert not compare(key(None), key(5)).not_newer
    assert not compare(key(5), key(None)).not_newer


def test_without_a_current_key_nothing_is_missing_or_extra() -> None:
    diff = compare(key(), None)
    assert (diff.missing, diff.extra, diff.not_newer) == ((), (), False)


def test_findings_come_with_the_weightiest_first() -> None:
    diff = compare(key(1, False, enableReading=False, enableWithdrawals=True), key(1))
    assert weights(diff) == [Weight.BLOCKS, Weight.BLOCKS, Weight.WARNS_LOUDLY, Weight.WARNS, Weight.WARNS]
