"""Lists and labels across rotations and environments."""

from __future__ import annotations

import random
import string
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.egress_notes import note_egress
from tests.raises import raises_code
from tests.rotation.conftest import HERE, World
from tests.whitelist.listed import text_of
from wizard.core.secret import Secret
from wizard.core.settings import Environment, SubAccountSettings
from wizard.egress.selection import ExchangeObservation
from wizard.net.route import Route
from wizard.rotation.context import Context
from wizard.rotation.model import Mode
from wizard.rotation.steps.egress import keep_exchange_observation
from wizard.rotation.steps.whitelist import list_context
from wizard.whitelist.entries import parse

OFFICE = "198.51.100.7"


def codes(flow, text: str) -> list[str]:
    validation = flow.whitelist.validate(parse(text))
    of_entries = [finding.code for judged in validation.entries for finding in judged.findings]
    return of_entries + [finding.code for finding in validation.findings]


async def test_a_label_is_kept_for_the_environment_and_is_never_in_the_pasted_text(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        flow.whitelist.settle(parse(f"{HERE} # bot-1\n{OFFICE} # office"))
        assert flow.context.journal.whitelist_of(flow.context.rotation) == f"{HERE},{OFFICE}"
        flow.whitelist.settle(parse(f"{HERE}\n{OFFICE} #"))
    async with world.flow() as flow:
        assert text_of(flow.whitelist.proposal()) == f"{HERE}  # bot-1\n{OFFICE}"
        assert [judged.label for judged in flow.whitelist.validate(parse(f"{OFFICE},{HERE}")).entries] == ["", "bot-1"]
    async with world.flow(name="other") as flow:
        await flow.begin(Mode.SET_UP)
        assert [judged.label for judged in flow.whitelist.validate(parse(HERE)).entries] == [""]


async def test_this_host_is_labelled_by_what_was_observed(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        validation = flow.whitelist.validate(parse(f"{HERE},{OFFICE}"))
        assert [judged.label for judged in validation.entries] == ["this host", ""]
        assert "unobserved" in codes(flow, OFFICE)
        assert "unobserved" not in codes(flow, HERE)


async def test_an_address_on_another_environment_s_list_is_a_warning(world: World) -> None:
    async with world.flow(name="staging") as flow:
        await world.put_key_in_use(flow, whitelist=f"{HERE},{OFFICE}")
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        validation = flow.whitelist.validate(parse(f"{OFFICE},203.0.113.9"))
        assert ["shared" in [each.code for each in judged.findings] for judged in validation.entries] == [True, False]
        assert "staging" in validation.warnings[0].message
        assert validation.is_valid
        account = SubAccountSettings("bot-1@example.com", Environment("staging", flow.context.environment.site))
        managed = replace(flow.context.environment, sub_account=account)
        assert list_context(flow.context.journal, managed, {}).others == {}, "this host calls with both keys"


async def test_who_would_lose_access_against_the_list_in_use_is_named_with_the_label(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=f"{HERE},{OFFICE}")
        await flow.begin(Mode.ROTATE)
        flow.whitelist.settle(parse(f"{HERE}\n{OFFICE} # office"))
        validation = flow.whitelist.validate(parse(HERE))
        (lost,) = [finding for finding in validation.findings if finding.code == "access-lost"]
        assert f"{OFFICE} (office)" in lost.message
        assert lost.suggestion == OFFICE
        assert "access-lost" not in codes(flow, f"{HERE},{OFFICE}/32")
        difference = flow.whitelist.difference(validation)
        assert ([str(each) for each in difference.removed], difference.added) == ([f"{OFFICE}/32"], ())


async def test_in_a_split_nothing_is_proposed_or_required_until_the_user_chooses(world: World) -> None:
    seen = {HERE: ("Amazon", "Cloudflare"), OFFICE: ("One, Inc.",)}
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", seen, "split", "direct")
        assert text_of(flow.whitelist.proposal()) == ""
        assert "egress-not-covered" not in codes(flow, "203.0.113.9")
        flow.selection.toggle(flow.candidates()[1])
        assert text_of(flow.whitelist.proposal()) == OFFICE
    async with world.flow() as flow:
        assert [(str(each.address), each.is_wanted) for each in flow.candidates()] == [(HERE, False), (OFFICE, True)]
        assert text_of(flow.whitelist.proposal()) == OFFICE
        assert "egress-not-covered" in codes(flow, HERE)
        flow.selection.toggle(flow.candidates()[1])
        assert text_of(flow.whitelist.proposal()) == ""


async def test_a_lone_operator_puts_nothing_on_the_list_however_its_name_is_written(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(
            flow.context.journal, "bench", {HERE: ("Echo, Inc., Delaware",), OFFICE: ("Echo",)}, "pool", "direct"
        )
        assert [each.is_wanted for each in flow.candidates()] == [False, False]


async def test_what_was_seen_over_another_route_or_for_an_earlier_rotation_is_no_evidence(world: World) -> None:
    seen, now = {HERE: ("Amazon", "Cloudflare")}, 1_800_000_000.0
    async with world.flow(clock=lambda: now) as flow:
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        now += 60.0
        await flow.begin(Mode.SET_UP)
        assert (flow.candidates(), flow.whitelist.proposal()) == ((), ())
        note_egress(flow.context.journal, "bench", seen, "agreed", "proxy http://10.0.0.2:3128")
        assert (flow.candidates(), flow.selection.now.wanted()) == ((), {})
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert [str(address) for address in flow.selection.now.wanted()] == [HERE]
        # A clock that was wrong and is set back makes no evidence stale.
        now -= 7200.0
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert [str(address) for address in flow.selection.now.wanted()] == [HERE]


async def test_a_host_that_has_another_address_now_leaves_the_one_before(world: World) -> None:
    first, second, shared = (IPv4Address(f"198.51.100.{last}") for last in (1, 2, 3))
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", {HERE: ("Amazon", "Cloudflare")}, "agreed", "direct")
        flow.selection.add_hosts({first: "bot-1", shared: "bot-1, bot-2", IPv4Address(HERE): "bot-1"})
        assert str(first) in text_of(flow.whitelist.proposal())
        flow.selection.add_hosts({second: "bot-1"})
        assert flow.selection.now.wanted() == {second: "bot-1", shared: "bot-1, bot-2", IPv4Address(HERE): "this host"}
        assert str(first) not in text_of(flow.whitelist.proposal())


async def test_a_list_that_was_not_compared_with_this_host_s_address_says_so(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        flow.selection.add_hosts({IPv4Address(OFFICE): "bot-1"})
        validation = flow.whitelist.validate(parse(OFFICE))
        assert validation.is_valid
        assert "No address of this host is ticked" in validation.warnings[0].message
        note_egress(flow.context.journal, "bench", {HERE: ("Amazon", "Cloudflare")}, "agreed", "direct")
        assert "this-host-unknown" not in codes(flow, f"{HERE},{OFFICE}")
        flow.selection.toggle(flow.candidates()[0])
        assert "this-host-unknown" in codes(flow, OFFICE)


async def test_what_was_chosen_for_another_route_does_not_count_for_this_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {HERE: ("Amazon", "Cloudflare")}
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        proxied = Route("proxy http://10.0.0.2:3128", "HTTPS_PROXY", proxy_url=Secret("http://10.0.0.2:3128"))
        with monkeypatch.context() as patch:
            patch.setattr(Context, "route", lambda _: proxied)
            note_egress(flow.context.journal, "bench", seen, "agreed", proxied.shown)
            flow.selection.follow(ExchangeObservation("the exchange", named=IPv4Address(OFFICE)))
            flow.selection.add_hosts({IPv4Address("203.0.113.9"): "bot-1"})
            assert set(map(str, flow.selection.now.wanted())) == {OFFICE, "203.0.113.9"}
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert set(map(str, flow.selection.now.wanted())) == {HERE, "203.0.113.9"}


async def test_what_the_exchange_named_is_unticked_by_a_later_detection_of_another_address(world: World) -> None:
    seen, later = {HERE: ("Amazon", "Cloudflare")}, {"203.0.113.9": ("Amazon", "Cloudflare")}
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        flow.selection.follow(ExchangeObservation("the exchange", named=IPv4Address(OFFICE)))
        assert text_of(flow.whitelist.proposal()) == OFFICE
    async with world.flow() as flow:  # the word outlives the program
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert list(map(str, flow.selection.now.wanted())) == [OFFICE]
        note_egress(flow.context.journal, "bench", later, "agreed", "direct")
        assert list(map(str, flow.selection.now.wanted())) == ["203.0.113.9"]
        assert "egress-not-covered" in codes(flow, OFFICE)
        assert [(str(each.address), each.witnesses) for each in flow.candidates()] == [
            (OFFICE, "seen by Binance earlier, now outdated"),
            ("203.0.113.9", "seen by Amazon and Cloudflare"),
        ]


async def test_a_detection_of_another_day_is_told_with_its_age_until_there_is_a_new_one(world: World) -> None:
    seen, now = {HERE: ("Amazon", "Cloudflare")}, 1_800_000_000.0
    async with world.flow(clock=lambda: now) as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        now += 3599.0
        assert "this-host-outdated" not in codes(flow, HERE)
        now += 14 * 3600.0
    async with world.flow(clock=lambda: now) as flow:
        validation = flow.whitelist.validate(parse(HERE))
        assert validation.is_valid
        assert "detected 14 h 59 min ago and may have changed" in validation.warnings[0].message
        # Asking other hosts is no detection of this one.
        note_egress(flow.context.journal, "bench", {OFFICE: ("Amazon",)}, "single", "ssh bot-1", asked_by="hosts")
        assert "this-host-outdated" in codes(flow, HERE)
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert "this-host-outdated" not in codes(flow, HERE)


@pytest.mark.parametrize(("in_use", "left"), [(HERE, ["203.0.113.9"]), (f"{HERE},{OFFICE}", [OFFICE, "203.0.113.9"])])
async def test_an_outdated_word_leaves_the_list_where_the_wizard_put_it_for_that_and_only_there(
    world: World, in_use: str, left: list[str]
) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=in_use)
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.selection.follow(ExchangeObservation("the exchange", named=IPv4Address(OFFICE)))
        assert text_of(flow.whitelist.proposal()) == OFFICE
        note_egress(flow.context.journal, "bench", {"203.0.113.9": ("Amazon", "Cloudflare")}, "agreed", "direct")
        assert (str(flow.candidates()[0].address), flow.candidates()[0].is_wanted) == (OFFICE, False)
        assert text_of(flow.whitelist.proposal()).split() == left


async def test_what_an_earlier_detection_put_onto_the_list_is_told_when_the_newest_sees_another(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        assert text_of(flow.whitelist.proposal()) == HERE
        note_egress(flow.context.journal, "bench", {"203.0.113.9": ("Amazon", "Cloudflare")}, "agreed", "direct")
        text = text_of(flow.whitelist.proposal())
        assert text.split() == [HERE, "203.0.113.9"]  # this host may have both
        told = {each.code: each.message for each in flow.whitelist.validate(parse(text)).warnings}
        assert told["no-longer-seen"].startswith(f"The newest detection sees another address of this host than {HERE}.")
        assert "no-longer-seen" not in codes(flow, "203.0.113.9")
        await flow.egress.detect()
        assert "another address of this host than 203.0.113.9." in str(
            flow.whitelist.validate(flow.whitelist.proposal())
        )


async def test_a_new_detection_that_settles_nothing_does_not_make_an_old_address_new(world: World) -> None:
    seen, now = {HERE: ("Amazon",)}, 1_800_000_000.0
    async with world.flow(clock=lambda: now) as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", seen, "single", "direct")
        flow.selection.toggle(flow.candidates()[0])
        assert "this-host-outdated" not in codes(flow, HERE)
        now += 86400.0
        note_egress(flow.context.journal, "bench", {}, "unknown", "direct")
        assert "detected 1 d ago" in flow.whitelist.validate(parse(HERE)).warnings[0].message
        # Nor does another host behind the same address, nor another way out.
        note_egress(flow.context.journal, "bench", seen, "agreed", "ssh bot-1", asked_by="hosts")
        note_egress(flow.context.journal, "bench", seen, "agreed", "proxy http://10.0.0.2:3128")
        assert "this-host-outdated" in codes(flow, HERE)


async def test_the_exchange_s_word_is_as_old_as_it_is_beside_a_new_detection(world: World) -> None:
    seen, now = {HERE: ("Amazon", "Cloudflare")}, 1_800_000_000.0
    word = ExchangeObservation("the exchange", named=IPv4Address(OFFICE))
    async with world.flow(clock=lambda: now) as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        keep_exchange_observation(word, flow.context.route(), flow.context.journal, "bench")
        flow.selection.follow(word)
        now += 86400.0
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert list(map(str, flow.selection.now.wanted())) == [OFFICE]
        assert "detected 1 d ago" in flow.whitelist.validate(parse(OFFICE)).warnings[0].message


async def test_a_detection_from_before_the_clock_was_set_back_has_no_age_and_says_so(world: World) -> None:
    seen, now = {HERE: ("Amazon", "Cloudflare")}, 1_800_000_000.0
    async with world.flow(clock=lambda: now) as flow:
        await flow.begin(Mode.SET_UP)
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        now -= 30.0  # as time servers do
        assert "this-host-outdated" not in codes(flow, HERE)
        now -= 86400.0
        (warning, *_) = flow.whitelist.validate(parse(HERE)).warnings
        assert "at a time in the future" in warning.message
        note_egress(flow.context.journal, "bench", seen, "agreed", "direct")
        assert "this-host-outdated" not in codes(flow, HERE)


async def test_the_age_of_other_hosts_answers_is_told_too(world: World) -> None:
    now, others = 1_800_000_000.0, {OFFICE: "bot-1, bot-2", "198.51.100.8": "bot-3"}
    async with world.flow(clock=lambda: now) as flow:
        await flow.begin(Mode.SET_UP)
        for address, label in others.items():
            note_egress(
                flow.context.journal, "bench", {address: ("Amazon", "IPinfo")}, "agreed", label, asked_by="hosts"
            )
        flow.selection.add_hosts({IPv4Address(address): label for address, label in others.items()})
        text = ",".join(others)
        assert codes(flow, text)[-1] == "this-host-unknown"
        now += 14 * 3600.0
    async with world.flow(clock=lambda: now) as flow:
        note_egress(flow.context.journal, "bench", {HERE: ("Amazon", "IPinfo")}, "agreed", "direct")
        text = f"{HERE},{text}"
        warnings = flow.whitelist.validate(parse(text)).warnings
        told = [each.message for each in warnings if each.code == "other-hosts-outdated"]
        assert told == [
            "The address of bot-1, bot-2, bot-3 was detected up to 14 h ago and may have changed. Ask again in the"
            " Egress step."
        ]
        note_egress(flow.context.journal, "bench", {OFFICE: ("Amazon",)}, "single", "ssh bot-1", asked_by="hosts")
        warnings = flow.whitelist.validate(parse(text)).warnings
        told = [each.message for each in warnings if each.code == "other-hosts-outdated"]
        assert told[0].startswith("The address of bot-3 was detected 14 h ago")


async def test_what_is_unticked_leaves_the_list_and_what_was_typed_stays(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=f"{HERE},{OFFICE}")
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.whitelist.draft = parse(f"{OFFICE} # office\n{HERE}")
        flow.selection.toggle(flow.candidates()[0])
        assert text_of(flow.whitelist.proposal()) == f"{OFFICE}  # office"
        flow.selection.toggle(flow.candidates()[0])
        assert text_of(flow.whitelist.proposal()) == f"{OFFICE}  # office\n{HERE}"
        flow.whitelist.draft = parse(OFFICE)
        assert text_of(flow.whitelist.proposal()) == OFFICE


async def test_a_key_that_stands_where_a_label_belongs_does_not_get_into_the_journal(world: World) -> None:
    secret = "".join(random.Random(4).choices(string.ascii_letters + string.digits, k=64))
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        with raises_code("whitelist.label-holds-key") as error:
            flow.whitelist.settle(parse(f"{HERE} # {secret[:40]}"))  # a label that is typed is cut at 40
        assert secret[:8] not in str(error.value.sentences())
        assert flow.context.journal.whitelist_of(flow.context.rotation) == ""
