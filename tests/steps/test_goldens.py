"""What Probe, Retire, summaries and unattended runs say in each state, in files that a person reads.

A file begins with what happens, an act in each line; `KEY_WIZARD_WRITE_GOLDENS=1` writes anew what is said then. Those
marked whole are not read by `.ci/run`.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import re
import textwrap
from collections import ChainMap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from screenshots.scene import stage
from tests.steps import golden_bench
from tests.tiers import whole
from wizard.core.text import UNICODE
from wizard.exchange import diagnosis, errors
from wizard.plain.lines import Lines
from wizard.rotation import connection_check, findings, flow, host_proofs, report, retirement
from wizard.steps import probe, retire
from wizard.steps.presenter import Presenter
from wizard.steps.view import State, View
from wizard.tui.app import WizardApp
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.page_header import PageHeader
from wizard.tui.widgets.row_list import RowList

WRITES = bool(os.environ.get("KEY_WIZARD_WRITE_GOLDENS"))
FILES = sorted((Path(__file__).parent / "goldens").glob("*.txt"))
NAMES = dict(ChainMap(*map(vars, (golden_bench, findings, connection_check, errors, host_proofs, flow))))
_RETIRE, _PROBE = retire.RetirePresenter, probe.ProbePresenter
SPEAKING = (diagnosis, retirement, _RETIRE._judged, _RETIRE._stopped, _PROBE._proven, _PROBE._explain, report._left)
SPEAKING += (_PROBE._explain_address, _PROBE._in_the_way, report.Report.verdict.fget, report.Report.rows)  # type: ignore[assignment]
ELSEWHERE = """, so your calls may take two routes.|. Your calls now come from|Binance accepted this key from
|Binance documents this code as a fault or an overload. The key was not judged.|Binance has not been asked about
|Binance's list lacks your address|It is reported on /sapi only, and this was another call.
|Compare the list on Binance's page. It is a different one, or the key is not restricted.
|It is not on the list you composed.|Or your calls take two routes, as the futures host saw
|So it could not compare your address.|The wizard does not know the key's list.|and accepted the current one,
|Try again. The clock is right now, so the call was delayed or the clock has jumped.|to the whitelist of this key:
|an address that was not observed"""
"""What these say in details and in other commands only, or of an exchange that names two addresses."""


class Blank(Presenter):
    TITLE = ABOUT = ""

    def view(self) -> View:
        return View(State.EMPTY, "")


@pytest.fixture
async def screen(tmp_path: Path) -> AsyncIterator[Any]:
    """A screen of 80 columns that is high enough for all that a page says."""
    async with stage(tmp_path / "stage") as world:
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=(80, 60)) as pilot:
            await app.push_screen(screen := ViewScreen(Blank))
            await pilot.pause()
            screen.pilot = pilot  # type: ignore[attr-defined]
            yield screen


async def said(screen: Any, page: Any) -> list[str]:
    """Return the lines of a page on the screen, what lines say of it, and the words that they take."""
    header, heard = screen.query_one(PageHeader), ["-- in lines --"]
    screen.query_one(RowList).show((), (), "")  # else the cursor stays where it was on another page
    screen.presenter, header._progress, header.styles.height = page, page.progress, 3 if page.progress else 2
    header.refresh()
    screen._draw()
    await screen.pilot.pause()
    strips = screen._compositor.render_strips()
    page.face.is_live = False
    talk: Any = type("Listener", (), {"say": lambda _, *lines: heard.extend(lines), "attempt": 0, "confirm": 0})()
    Lines(talk, None, lambda _: page)._say(view := page.view())  # type: ignore[arg-type]
    drawn = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    return [*filter(None, drawn), *heard, f"[{view.actions[0].word}] {' '.join(one.word for one in view.actions[1:])}"]


@pytest.mark.parametrize("mark", ["$ ", *whole("# whole")])
@pytest.mark.parametrize("kind", ["probe", "retire", "summary", "unattended"])
async def test_a_state_is_said_as_it_was_read(kind: str, mark: str, screen: Any, tmp_path: Path) -> None:
    changed = []
    for file in [one for one in FILES if one.name.startswith(kind) and one.read_text().startswith(mark)]:
        lines = file.read_text().splitlines()
        acts = [line for line in lines if line.startswith(("$ ", "# whole"))]
        given = [line.removeprefix("$ settings(") for line in acts if line.startswith("$ settings(")]
        extra = eval(f"dict({given[0]}", NAMES) if given else {}
        async with golden_bench.bench(tmp_path / file.stem, **extra) as bench:
            for act in (line[2:] for line in acts if line.startswith("$ ") and "settings(" not in line):
                names = {name: getattr(bench, name) for name in dir(bench) if not name.startswith("_")}
                if inspect.isawaitable(done := eval(act, NAMES, names)):
                    await done
            now = [*acts, *(bench.said or await said(screen, bench.page))]
            now = "\n".join(now).replace(bench.base_url.rpartition(":")[2], "49152").split("\n")
            now = [re.sub("(operator trace) and (operator plain)", r"\2 and \1", line) for line in now]  # in any order
        if WRITES:
            file.write_text("\n".join([*now, ""]))
            continue
        changed += difflib.unified_diff(lines, now, file.name, "now", n=1, lineterm="")
    assert not changed, "\n".join(changed)


def test_every_verdict_of_the_program_is_in_a_file() -> None:
    read, unsaid = " ".join(" ".join(file.read_text() for file in FILES).split()), set[str]()
    for speaker in SPEAKING:
        tree = ast.parse(textwrap.dedent(inspect.getsource(speaker)))  # type: ignore[arg-type]
        documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
                parts = (" ".join(part.split()) for part in re.split(r"\{.*?\}", node.value))
                unsaid |= {part for part in parts if len(part.split()) > 3 and part not in read}
    assert unsaid == set(ELSEWHERE.replace("\n", "").split("|"))
