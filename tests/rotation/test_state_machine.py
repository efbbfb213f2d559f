"""The tables of jobs and moves: what they allow, and that nothing else leads anywhere."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

import pytest

import wizard
from wizard.rotation.model import Mode, RotationRecord, Step
from wizard.rotation.state_machine import JOBS, RULES, Facts, Move, transition

FACTS = [Facts(*flags) for flags in product((False, True), repeat=5)]
EVERYWHERE = [
    (mode, step, move, now) for mode, job in JOBS.items() for step in job.steps for move in Move for now in FACTS
]


def at(mode: Mode, step: Step) -> RotationRecord:
    return RotationRecord(1, "bench", mode, step, 0.0)


def reached(mode: Mode, step: Step, move: Move, now: Facts) -> Step | None:
    taken = transition(at(mode, step), move, now)
    return taken.to if taken else None


def test_no_move_leads_out_of_its_job() -> None:
    for mode, step, move, now in EVERYWHERE:
        assert reached(mode, step, move, now) in (None, *JOBS[mode].steps)


def test_a_key_is_in_use_only_after_a_proof() -> None:
    for mode, step, move, now in EVERYWHERE:
        leads_to = reached(mode, step, move, now)
        if step is not Step.RETIRE and leads_to in (Step.RETIRE, Step.DONE) and move is not Move.GIVE_UP:
            assert step is Step.DONE or now.is_proven, (mode, step, move, now)


def test_nothing_goes_back_behind_the_switch_but_its_undoing() -> None:
    for mode, step, move, now in EVERYWHERE:
        leads_to = reached(mode, step, move, now)
        if step is Step.RETIRE and leads_to not in (None, Step.DONE):
            assert move is Move.UNDO
            assert now.has_legacy
            assert now.accepts_legacy


def test_a_job_is_not_finished_while_its_legacy_key_is_there() -> None:
    for mode, step, move, now in EVERYWHERE:
        if step is Step.RETIRE and now.has_legacy:
            assert reached(mode, step, move, now) is not Step.DONE


def test_the_list_alone_is_recorded_by_the_job_that_changes_it_and_no_other() -> None:
    assert {mode for mode, step, move, now in EVERYWHERE if move is Move.RECORD and reached(mode, step, move, now)} == {
        Mode.WHITELIST
    }
    assert not any(reached(Mode.WHITELIST, Step.PROBE, Move.SWITCH, now) for now in FACTS)


@pytest.mark.parametrize("mode", Mode)
def test_every_job_can_be_walked_to_its_end(mode: Mode) -> None:
    now = Facts(has_list=True, has_new_key=True, is_proven=True)
    walked = [JOBS[mode].steps[0]]
    while walked[-1] is not Step.DONE and len(walked) < 20:
        moves = (Move.NEXT, Move.SWITCH, Move.RECORD, Move.FINISH)
        walked.append(next(step for move in moves if (step := reached(mode, walked[-1], move, now))))
    assert tuple(walked) == JOBS[mode].steps


def test_every_rule_is_needed() -> None:
    for rule in RULES:
        assert any(
            transition(at(mode, step), rule.move, now)
            for mode in rule.jobs
            for step in rule.at & set(JOBS[mode].steps)
            for now in FACTS
        ), rule


def test_no_other_module_makes_a_transition() -> None:
    root = Path(wizard.__file__).parent
    makers = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Transition"
    }
    assert makers == {"rotation/state_machine.py"}
