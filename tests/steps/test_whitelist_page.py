"""The Whitelist step, as both faces show it: one list, what is wrong with each row, and what fixes it."""

from __future__ import annotations

import random
import string
from collections.abc import AsyncIterator

import pytest

from tests.raises import raises_code
from tests.rotation.conftest import HERE, World
from tests.steps.face import FakeFace
from tests.whitelist.listed import text_of
from tests.whitelist.table import ENTRIES
from wizard.core.addresses import special_ranges
from wizard.core.errors import UsageError
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step
from wizard.steps.view import Row, State
from wizard.steps.whitelist import STATUS, WhitelistPresenter
from wizard.whitelist.entries import parse

OFFICE = "198.51.100.7"


class Page:
    """The page with its face and its flow."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.face = flow, FakeFace()
        self.presenter = WhitelistPresenter(flow, self.face)

    @property
    def text(self) -> str:
        return text_of(self.presenter.entries)

    @property
    def verdict(self) -> str:
        return self.presenter.view().verdict

    def row(self, address: str) -> Row:
        (row,) = [row for row in self.presenter.view().rows if row.cells[0] == address]
        return row

    def words(self) -> set[str]:
        return {action.word for action in self.presenter.view().actions}

    async def do(self, word: str, *given: str) -> None:
        (action,) = [action for action in self.presenter.view().actions if action.word == word]
        await action.run(*given)

    async def write(self, text: str) -> None:
        """Put another list in the place of this one."""
        self.flow.whitelist.draft = parse(text)


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    """The page of a key in use at this host and at the office."""
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=HERE)
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        yield Page(flow)


def test_all_that_can_be_found_has_its_few_words_and_no_word_of_a_program() -> None:
    kinds = {each.kind for block in ("0.0.0.0/1", "128.0.0.0/1") for each in special_ranges(parse(block)[0].network)}
    assert ({code for _, _, code, _ in ENTRIES} - {""}) | kinds <= STATUS.keys()
    assert not [words for words in STATUS.values() if "-" in words or len(words) > 24]


async def test_the_list_of_the_current_key_is_ready_as_it_stands(page: Page) -> None:
    view = page.presenter.view()
    assert (view.state, view.verdict, view.corner) == (State.GOOD, "1 address, ready to paste.", "1 of 20 used")
    assert [row.cells for row in view.rows] == [(HERE, "this host", "")]
    assert view.evidence[0].cells == ("Nothing changes.",)
    assert view.not_proven == "that Binance has this list"


async def test_each_problem_stands_at_its_row_with_what_is_wrong_and_what_fixes_it(page: Page) -> None:
    await page.do("add", "198.51.100.007 # office\n1.2.3.4/24 # bot-2\n192.0.2.9")
    view = page.presenter.view()
    assert (view.state, view.verdict) == (State.STOP, "2 of 4 entries to fix.")
    assert [row.cells for row in view.rows] == [
        (HERE, "this host", ""),
        ("198.51.100.007", "office", "leading zero"),
        ("1.2.3.4/24", "bot-2", "address or block?"),
        ("192.0.2.9", "", "not on the current key's list"),
    ]
    assert view.cursor == "1", "the first one to fix"
    assert page.row("198.51.100.007").offers == (("fix", f"change it to {OFFICE}"),)
    assert page.row("1.2.3.4/24").offers == (("fix", "change it to 1.2.3.4"), ("other", "change it to 1.2.3.0/24"))
    assert "octal" in page.row("198.51.100.007").detail[0]


@pytest.mark.parametrize(
    ("typed", "address", "word", "phrase", "then"),
    [
        ("10.0.0.1", "10.0.0.1", "fix", "remove it", HERE),
        ("5.6.7.8:443", "5.6.7.8:443", "fix", "change it to 5.6.7.8", f"{HERE}\n5.6.7.8"),
        ("5.6.7.8/28", "5.6.7.8/28", "fix", "change it to 5.6.7.8", f"{HERE}\n5.6.7.8"),
        ("5.6.7.8/28", "5.6.7.8/28", "other", "change it to 5.6.7.0/28", f"{HERE}\n5.6.7.0/28"),
        ("5.6.7.8 # bot, 9.9.9.9", "9.9.9.9", "fix", "put it on the list", f"{HERE}\n5.6.7.8  # bot\n9.9.9.9"),
        (HERE, None, "fix", "remove it", HERE),
        ("5.6.7.8/31", "5.6.7.8/31", "fix", "write it as 2 entries", f"{HERE}\n5.6.7.8\n5.6.7.9"),
        (",", "(empty field)", "fix", "remove it", f"{HERE}"),
    ],
)
async def test_what_a_row_offers_is_what_is_done(
    page: Page, typed: str, address: str | None, word: str, phrase: str, then: str
) -> None:
    await page.do("add", typed)
    rows = [row for row in page.presenter.view().rows if row.offers and row.cells[0] in {address or HERE}]
    for row in rows:
        assert dict(row.offers)[word] == phrase
    for row in reversed(rows):
        await page.do(word, row.item)
    assert page.text == then


async def test_a_row_without_a_fix_says_so_and_stays(page: Page) -> None:
    await page.do("add", "5.6.7, 8.8.8.8/24")
    before = page.text
    await page.do("fix", "1")
    await page.do("other", "0")
    assert page.text == before
    assert page.face.notes == [
        "There is no fix for 5.6.7. Edit it, or delete it.",
        "There is no other fix for this row.",
    ]


async def test_an_address_that_has_to_be_on_the_list_is_the_first_row_until_it_is_there(page: Page) -> None:
    await page.do("edit", "0", "9.9.9.9")
    view = page.presenter.view()
    assert (view.state, view.verdict) == (State.STOP, f"{HERE} is missing.")
    assert view.rows[0].cells == (HERE, "this host", "missing")
    assert len([row for row in view.rows if row.cells[0] == HERE]) == 1, "that it was removed is not said again"
    assert view.corner == "1 of 20 used"
    for word in ("delete", "edit", "name"):
        with pytest.raises(UsageError) as error:
            await page.do(word, view.rows[0].item, *(["1.1.1.1"] if word != "delete" else []))
        assert HERE in error.value.what
    await page.do("fix", view.rows[0].item)
    assert page.text == f"9.9.9.9\n{HERE}"


async def test_what_the_current_key_allows_and_this_list_does_not_stays_in_sight(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=f"{HERE},{OFFICE},9.9.9.9")
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.whitelist.settle(parse(f"{HERE}\n{OFFICE} # office"))
        page = Page(flow)
        await page.write(f"{HERE}\n8.8.8.8")
        view = page.presenter.view()
        assert [row.cells for row in view.rows] == [
            (HERE, "this host", ""),
            ("8.8.8.8", "", "not on the current key's list"),
            (OFFICE, "office", "removed"),
            ("9.9.9.9", "", "removed"),
        ]
        assert [row.state for row in view.rows] == [State.GOOD, State.LOOK, State.LOOK, State.LOOK]
        assert view.verdict == "2 addresses, ready to paste. 3 need a look."
        assert view.evidence[0].cells == ("1 new, 2 removed, 1 kept.",)
        assert "would lose access" in view.rows[2].detail[0]
        await page.do("fix", view.rows[2].item)
        assert page.text == f"{HERE}\n8.8.8.8\n{OFFICE}"


async def test_a_first_list_is_compared_with_nothing(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        view = Page(flow).presenter.view()
        assert (view.state, view.evidence, view.rows[0].state) == (State.GOOD, (), State.GOOD)


async def test_what_is_said_of_the_whole_list_stands_below_the_verdict(page: Page) -> None:
    await page.do("add", ",".join(f"9.9.9.{last}" for last in range(20)))
    view = page.presenter.view()
    assert (view.state, view.corner) == (State.STOP, "21 of 20 used")
    assert "21 of at most 20" in " ".join((view.verdict, *view.because))
    await page.write("")
    view = page.presenter.view()
    assert (view.state, view.verdict) == (State.STOP, "The list is empty.")
    assert view.rows[0].cells == (HERE, "this host", "missing")


async def test_a_detection_that_grew_old_is_said_below_the_verdict(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.rotation.steps.whitelist.FRESH", 0.0)
    view = page.presenter.view()
    assert (view.state, view.verdict) == (State.LOOK, "1 address, ready to paste. 1 needs a look.")
    assert "This host's address was detected" in view.because[0]


async def test_enter_goes_on_only_without_errors_and_else_says_what_is_left(page: Page) -> None:
    await page.do("add", "5.6.7")
    await page.do("continue")
    assert (page.flow.step, page.face.left) == (Step.WHITELIST, "")
    assert page.face.notes == ["Not yet. 1 of 2 entries to fix."]
    assert page.text == f"{HERE}\n5.6.7", "it is kept"
    await page.do("delete", "1")
    await page.do("continue")
    assert (page.flow.step, page.face.left) == (Step.CREDENTIALS, "leave")
    assert page.flow.context.journal.whitelist_of(page.flow.context.rotation) == HERE


async def test_a_key_that_stands_for_a_name_is_not_kept(page: Page) -> None:
    secret = "".join(random.Random(4).choices(string.ascii_letters + string.digits, k=64))
    await page.do("name", "0", secret)
    with raises_code("whitelist.label-holds-key"):
        await page.do("continue")
    assert page.flow.step is Step.WHITELIST


async def test_what_was_typed_is_there_again_after_leaving_with_its_mistakes_and_can_be_undone(page: Page) -> None:
    await page.do("add", "198.51.100.300 # bot")
    await page.do("back")
    assert page.face.left == "leave"
    again = Page(page.flow)
    assert again.text == f"{HERE}\n198.51.100.300  # bot"
    await again.do("undo")
    assert again.text == HERE
    assert "undo" not in again.words()


async def test_all_that_is_safe_is_done_at_once_and_offered_only_where_it_does_something(page: Page) -> None:
    assert not page.words() & {"fix", "other", "fix-all", "expand", "join", "undo"}
    await page.do("add", "5.6.7.8:443\n９.9.9.9, 8.8.8.8/24")
    await page.do("fix-all")
    assert page.text == f"{HERE}\n5.6.7.8\n9.9.9.9\n8.8.8.8/24"
    assert "fix-all" not in page.words()
    assert page.verdict == "1 of 4 entries to fix."


async def test_blocks_are_spelled_out_and_neighbours_joined_where_that_changes_the_list(page: Page) -> None:
    await page.do("add", "9.9.9.8/31 # office")
    assert {"expand", "join"} & page.words() == {"expand"}
    await page.do("expand")
    assert page.text == f"{HERE}\n9.9.9.8  # office\n9.9.9.9  # office"
    await page.do("join")
    assert page.text == f"{HERE}\n9.9.9.8/31  # office"
    await page.do("undo")
    await page.do("undo")
    await page.do("undo")
    assert page.text == HERE


async def test_the_text_to_paste_is_copied_in_each_form_one_after_the_other(page: Page) -> None:
    await page.do("add", f"{OFFICE} # office")
    for _ in range(4):
        await page.do("copy")
    commas = f"{HERE},{OFFICE}"
    assert page.face.copied == [commas, commas.replace(",", " "), commas.replace(",", "\n"), commas]
    await page.do("add", "5.6.7.8/31")
    await page.do("copy")
    assert page.face.copied[-1] == f"{commas},5.6.7.8/31", "another list begins with commas"
    await page.do("add", "5.6.7")
    assert "copy" not in page.words(), "nothing with errors is copied"


async def test_a_name_goes_with_its_entry_and_one_that_stays_changes_nothing(page: Page) -> None:
    await page.do("name", "0", "this host")  # known, not typed
    assert "undo" not in page.words()
    await page.do("name", "0", "bot-1")
    await page.do("edit", "0", f"{HERE} {OFFICE}")
    assert page.text == f"{HERE}  # bot-1\n{OFFICE}  # bot-1"
    await page.do("name", "1", "")
    assert page.row(OFFICE).cells[1] == ""
    await page.do("name", "1", "n" * 60)
    assert len(page.row(OFFICE).cells[1]) == 40


async def test_an_edit_without_a_text_changes_nothing(page: Page) -> None:
    await page.do("edit", "0", " ")
    await page.do("add", "")
    assert page.text == HERE
    assert "undo" not in page.words()


async def test_the_simulated_page_is_given_the_list_as_it_stands(page: Page) -> None:
    await page.do("add", f"{OFFICE}, 5.6.7")
    assert page.presenter.whitelist_to_paste == f"{HERE},{OFFICE}"


@pytest.mark.parametrize(
    ("typed", "said", "then"),
    [
        ("", f"{HERE} (this host)", HERE),
        ("0.0.0.0/0", "allows every address", HERE),
        ("10.0.0.1,2001:db8::1", "IPv6", HERE),
        (f"{HERE}/24", "neither one address nor a block", HERE),
        (f"{HERE},", "separators", HERE),
        (OFFICE, f"{HERE} (this host)", f"{OFFICE}\n{HERE}"),
        (f"{OFFICE},192.168.1.7", "192.168.1.7", f"{OFFICE}\n{HERE}"),
    ],
)
async def test_a_bad_list_is_not_taken_and_one_fix_after_the_other_makes_it_good(
    page: Page, typed: str, said: str, then: str
) -> None:
    await page.write(typed)
    view = page.presenter.view()
    assert view.state is State.STOP
    assert said in " ".join((*view.because, *(sentence for row in view.rows for sentence in row.detail)))
    await page.do("continue")
    assert page.flow.step is Step.WHITELIST
    for _ in range(4):
        if (view := page.presenter.view()).state is State.STOP:
            await page.do("fix", view.cursor)
    assert page.text == then
    await page.do("continue")
    assert page.flow.step is Step.CREDENTIALS
