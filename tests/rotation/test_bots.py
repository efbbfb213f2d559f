"""The user's own commands: no shell, no input, no key, a deadline for all they start, and an output safe to show."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE, World
from wizard.core.settings import Bot
from wizard.rotation.bots import HIDDEN, LINES, RESTARTED, child_environ, item_of, run_command

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
PLAIN = {"PATH": os.environ["PATH"]}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups")


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


async def until(comes_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not comes_true():  # noqa: ASYNC110 - nothing says so
            await asyncio.sleep(0.02)


async def until_gone(pid: int) -> None:
    await until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def pid_in(file: Path) -> int:
    await until(lambda: file.exists() and bool(file.read_text().strip()))
    return int(file.read_text())


async def test_arguments_are_taken_as_they_are_and_there_is_no_input(tmp_path: Path) -> None:
    run = await run_command((*python("import sys; print(sys.argv[1:], repr(sys.stdin.read()))"), "$HOME; ls *"), PLAIN)
    assert (run.exit, run.output) == (0, ("['$HOME; ls *'] ''",))


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -15 $$", -15), ("true", 0)])
async def test_the_exit_code_is_that_of_the_command(script: str, code: int) -> None:
    run = await run_command(shell(script), PLAIN)
    assert (run.exit, run.trouble) == (code, "")


@pytest.mark.parametrize("program", ["/nonexistent/program", "/etc/passwd", "/"])
async def test_what_cannot_be_started_says_why(program: str) -> None:
    run = await run_command((program,), PLAIN)
    assert run.exit is None
    assert "cannot be started (" in run.trouble


async def test_at_the_deadline_all_that_it_started_is_ended(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/child; echo so far; wait"
    run = await run_command(shell(script), PLAIN, deadline=1.0)
    assert (run.exit, run.trouble, run.output) == (None, "ended after 1 s", ("so far",))
    await until_gone(await pid_in(tmp_path / "child"))


async def test_when_it_is_cancelled_all_that_it_started_is_ended(tmp_path: Path) -> None:
    task = asyncio.ensure_future(run_command(shell(f"sleep 600 & echo $! > {tmp_path}/child; wait"), PLAIN))
    child = await pid_in(tmp_path / "child")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone(child)


async def test_a_program_that_is_left_running_on_the_output_is_no_restart(tmp_path: Path) -> None:
    """It would be killed by its next line of output, long after the tick."""
    run = await run_command(shell(f"sleep 600 & echo $! > {tmp_path}/child"), PLAIN)
    assert run.exit == 0
    assert "left a program running" in run.trouble
    os.kill(await pid_in(tmp_path / "child"), 9)


async def test_one_that_writes_elsewhere_stays(tmp_path: Path) -> None:
    script = f"sleep 600 > /dev/null 2>&1 & echo $! > {tmp_path}/child"
    run = await run_command(shell(script), PLAIN)
    child = await pid_in(tmp_path / "child")
    assert (run.exit, run.trouble, _lives(child)) == (0, "", True)
    os.kill(child, 9)


async def test_output_without_end_is_read_and_the_last_lines_are_shown() -> None:
    run = await run_command(python("for n in range(200_000): print('line', n)"), PLAIN)
    assert run.output == tuple(f"line {number}" for number in range(200_000 - LINES, 200_000))


async def test_output_cannot_steer_the_terminal() -> None:
    steers = r"print('\x1b]52;c;aGk=\x07' + chr(0x202e) + 'x' * 999 + '\r\x1b[2J')"
    run = await run_command(python(steers), PLAIN)
    assert all(line.isprintable() and len(line) <= 200 for line in run.output)


@pytest.mark.parametrize("text", [f"API key {KEY}", f"{KEY[:20]}\x1b[1m{KEY[20:]}", "-----BEGIN PRIVATE KEY-----"])
async def test_output_that_holds_a_key_is_not_shown(text: str) -> None:
    run = await run_command(python(f"print({text!r}, flush=True); import sys; print('more', file=sys.stderr)"), PLAIN)
    assert run.output == (HIDDEN,)


async def test_no_end_of_a_key_is_left_where_the_output_was_cut() -> None:
    filler = 16 * 1024 - 30
    run = await run_command(python(f"print({KEY!r} + 'é' + ' ' * {filler})"), PLAIN)
    assert not any(KEY[-5:] in line for line in run.output)


def test_variables_that_hold_a_key_stay_here() -> None:
    logins = {"BAO_TOKEN": "s.b1WOgs4uTnIfVeILcRPJ02kk", "VAULT_TOKEN": "root"}  # they open the place of all keys
    keys = {"MINE": KEY, "BINANCE_API_KEY": "short", "URL": f"wss://x/?k={KEY}"}
    given = child_environ({"PATH": "/bin", **keys, **logins})
    assert given == {"PATH": "/bin"}


async def test_a_restart_is_kept_in_the_journal_without_its_output(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        bot = Bot("freqtrade", shell("echo all is well"))
        assert (await flow.retire.restart(bot)).run.output == ("all is well",)
        (event,) = flow.context.journal.events(flow.context.rotation, RESTARTED)
        assert event.detail == {
            "environment": "bench", "name": "freqtrade", "exit": 0, "trouble": "", "is_check": False,
        }  # fmt: skip
        assert flow.retire.restarts()["freqtrade"].is_good
    async with world.flow() as flow:  # after the next start
        assert flow.retire.restarts()["freqtrade"].phrase.startswith("exit 0 at ")
        assert item_of(bot) in flow.retire.done()


@pytest.mark.parametrize(
    ("restart", "check", "is_good", "phrase"),
    [
        ("exit 0", "exit 0", True, "checked at"),
        ("exit 0", "exit 3", False, "check exit 3"),
        ("exit 3", "exit 0", False, "exit 3"),
        ("kill -9 $$", "", False, "signal 9"),
    ],
)
async def test_a_bot_is_ticked_once_both_commands_end_well_and_not_any_more_once_they_do_not(
    world: World, restart: str, check: str, is_good: bool, phrase: str
) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        bot = Bot("b", shell(restart), shell(check) if check else ())
        flow.retire.note_done(frozenset() if is_good else frozenset({item_of(bot)}))
        assert (await flow.retire.restart(bot)).is_good is is_good
        assert (item_of(bot) in flow.retire.done()) is is_good
        assert phrase in flow.retire.restarts()["b"].phrase


async def test_what_was_restarted_before_the_switch_was_undone_is_not_done_after_the_next_one(world: World) -> None:
    world.bots = (bot := Bot("b", ("true",)),)
    async with world.flow() as flow:
        await world.to_retire(flow)
        assert flow.retire.bots_left == (bot,)
        await flow.retire.restart(bot)
        assert flow.retire.bots_left == ()
        new = (await world.simulated_page.keys())[-1]
        await world.simulated_page.set_whitelist(new.api_key, ELSEWHERE)
        await flow.retire.poll()
        flow.revert()
        await world.simulated_page.set_whitelist(new.api_key, HERE)
        await flow.complete(await flow.probe.run())
        assert flow.retire.bots_left == (bot,)
        assert flow.retire.restarts() == {}
