"""The life of a task: stories, and what holds for every phase and event."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from bot.task import events as ev
from bot.task.effects import (
    Announce,
    Answer,
    CloseWindow,
    CloseWorkspace,
    Effect,
    Reply,
    RunAgent,
    SetLabels,
    StartRun,
    TaskEffect,
    Topic,
    key,
    lane,
)
from bot.task.events import TaskEvent
from bot.task.ids import CommitSha, FactKey, TaskId
from bot.task.lifecycle import begins_anew, birth, transition
from bot.task.model import FINAL, LIVE, RUNNING, Cause, CauseKind, Phase, Task, branch_name, in_order, labels_of
from bot.task.moves import Ignored, Moved
from tests.task.samples import AT, EFFECTS, EVENTS, FEEDBACK, ISSUE, MAINTAINER, OTHER, RUN, SHA, task, verification
from tests.task.table import table, written

PAIRS = list(itertools.product(Phase, EVENTS))


def moved(before: Task, event: TaskEvent) -> Moved:
    result = transition(before, event)
    assert isinstance(result, Moved), result
    return result


def test_every_event_and_effect_has_a_sample() -> None:
    assert {type(event) for event in EVENTS.values()} == set(get_args(TaskEvent))
    assert {type(effect) for effect in EFFECTS} == set(get_args(Effect))


def test_a_task_that_ends_gives_back_its_label_and_worktree() -> None:
    for phase, name in PAIRS:
        before = task(phase)
        result = transition(before, EVENTS[name])
        if isinstance(result, Moved) and phase in LIVE and result.task.phase in FINAL:
            assert (SetLabels() in result.effects) is (name != "AccessLost"), (phase, name)
            assert any(isinstance(effect, CloseWorkspace) for effect in result.effects), (phase, name)


def test_leaving_a_running_phase_from_outside_revokes_its_work() -> None:
    for phase, name in itertools.product(RUNNING, ("LabelRemoved", "StopRequested", "PullMerged", "PullClosed")):
        assert moved(task(phase), EVENTS[name]).revoke, (phase, name)


def test_wanting_a_run_always_asks_for_a_place() -> None:
    for phase, name in PAIRS:
        result = transition(task(phase), EVENTS[name])
        if isinstance(result, Moved) and result.task.phase is Phase.QUEUED and phase is not Phase.QUEUED:
            assert StartRun(result.task.run) in result.effects, (phase, name)
            assert result.task.run == RUN + 1


def test_no_cause_is_ever_lost_while_the_task_lives() -> None:
    waiting = Cause(FEEDBACK.kind, FEEDBACK.fact, FEEDBACK.by)
    for phase, name in itertools.product(LIVE, EVENTS):
        before = task(phase, pending=(waiting,))
        result = transition(before, EVENTS[name])
        if isinstance(result, Moved) and result.task.phase in LIVE:
            assert waiting in (*result.task.pending, *result.task.current), (phase, name)


def test_results_of_an_older_run_or_attempt_are_ignored() -> None:
    for phase, (name, event) in itertools.product(Phase, EVENTS.items()):
        if not isinstance(event, ev.RunResult):
            continue
        assert isinstance(transition(task(phase), replace(event, run=RUN - 1)), Ignored), (phase, name)
        if isinstance(event, ev.AgentResult | ev.Verified):
            assert isinstance(transition(task(phase), replace(event, attempt=0)), Ignored), (phase, name)


def test_the_table_in_the_docs_is_the_one_of_the_function() -> None:
    assert written() == table(), "run: python -m tests.task.table"


# ── stories ──


def test_birth_wants_the_first_run() -> None:
    labelled = EVENTS["Labelled"]
    assert isinstance(labelled, ev.Labelled)
    born = birth(TaskId(3), 1, labelled)
    assert born.task.phase is Phase.QUEUED
    assert born.task.run == 1
    assert [type(effect).__name__ for effect in born.effects] == ["React", "StartRun", "UpdateStatus"]


@pytest.mark.parametrize(
    ("latest", "anew"),
    [
        (None, True),
        (task(Phase.WORKING), False),
        (task(Phase.CANCELLED), False),
        (task(Phase.CANCELLED, pull=None), True),
        (task(Phase.DONE), True),
        (task(Phase.DISCARDED), True),
    ],
)
def test_a_new_label_goes_on_with_an_open_pull_request(latest: Task | None, anew: bool) -> None:
    assert begins_anew(latest) is anew


def test_failing_checks_go_back_to_the_agent_until_the_attempts_are_used_up() -> None:
    again = moved(task(Phase.VERIFYING), ev.Verified(RUN, 1, verification(1)))
    assert RunAgent(RUN, 2) in again.effects
    verifying = replace(again.task, phase=Phase.VERIFYING)
    last = moved(verifying, ev.Verified(RUN, 2, verification(1)))
    assert last.task.phase is Phase.PUBLISHING


def test_a_review_during_a_run_starts_the_next_one_when_it_ends() -> None:
    working = moved(task(Phase.PUBLISHING), EVENTS["FeedbackGiven (review)"]).task
    published = moved(working, EVENTS["Published"])
    assert published.task.phase is Phase.QUEUED
    assert FEEDBACK in published.task.pending
    admitted = moved(published.task, ev.RunAdmitted(RUN + 1)).task
    assert admitted.current == (FEEDBACK,)
    assert admitted.pending == ()


def test_loose_comments_wait_for_the_quiet_minute() -> None:
    noted = moved(task(Phase.IN_REVIEW), EVENTS["FeedbackGiven (comment)"])
    assert noted.task.phase is Phase.IN_REVIEW
    assert CloseWindow() in noted.effects
    assert moved(noted.task, ev.WindowClosed()).task.phase is Phase.QUEUED


def test_a_question_is_answered_only_by_what_comes_after_it() -> None:
    asking = task(Phase.NEEDS_INPUT)
    answer = EVENTS["FeedbackGiven (on the issue)"]
    assert isinstance(answer, ev.FeedbackGiven)
    assert moved(asking, answer).task.phase is Phase.QUEUED
    assert isinstance(transition(asking, replace(answer, at=AT - timedelta(seconds=1))), Ignored)
    assert isinstance(transition(task(Phase.IN_REVIEW), answer), Ignored)


def test_a_question_puts_its_label_and_the_answer_takes_it_away() -> None:
    asking = moved(task(Phase.WORKING), EVENTS["QuestionAsked"])
    assert SetLabels() in asking.effects
    assert "agent:needs-input" in labels_of(asking.task)
    assert Announce(Topic.QUESTION, RUN) in asking.effects
    answered = moved(asking.task, EVENTS["FeedbackGiven (on the issue)"])
    assert SetLabels() in answered.effects
    assert labels_of(answered.task) == {"agent:run"}


def test_a_stale_command_is_acknowledged_and_ignored() -> None:
    stopped = moved(task(Phase.WORKING), EVENTS["StopRequested"]).task
    retry = EVENTS["RetryRequested"]
    assert isinstance(retry, ev.RetryRequested)
    later = replace(stopped, commanded_at=AT + timedelta(minutes=1))
    stale = moved(later, replace(retry, said=replace(retry.said, at=AT + timedelta(seconds=30))))
    assert stale.task == later
    assert Reply(retry.said.fact, True, Answer.STALE) in stale.effects
    older = replace(retry, said=replace(retry.said, at=AT - timedelta(days=1)))
    assert isinstance(transition(stopped, older), Ignored)


def test_a_retry_takes_up_the_causes_of_the_stopped_run() -> None:
    stopped = moved(task(Phase.WORKING), EVENTS["StopRequested"]).task
    again = moved(stopped, EVENTS["RetryRequested"])
    assert FEEDBACK in again.task.pending
    assert SetLabels() in again.effects
    assert again.task.session == "session-1"
    assert moved(stopped, EVENTS["RetryRequested (fresh)"]).task.session is None


def test_saved_work_is_what_the_next_run_builds_on() -> None:
    stopped = moved(task(Phase.WORKING, start=SHA), EVENTS["StopRequested"]).task
    saved = moved(stopped, EVENTS["WorkSaved"]).task
    assert saved.parent == OTHER


def test_a_moved_branch_is_built_on_and_drops_our_unpublished_commit() -> None:
    queued = moved(task(Phase.PUBLISHING, commit=OTHER), EVENTS["HeadMoved"]).task
    assert queued.phase is Phase.QUEUED
    assert queued.commit is None
    assert FEEDBACK in queued.pending


def test_an_unpublished_commit_is_never_published_unverified() -> None:
    working = task(Phase.WORKING, commit=CommitSha("c" * 40))
    assert moved(working, EVENTS["NothingDone"]).task.phase is Phase.VERIFYING


def test_a_question_waits_for_its_answer_though_feedback_is_pending() -> None:
    asking = moved(task(Phase.WORKING, pending=(FEEDBACK,)), EVENTS["QuestionAsked"])
    assert asking.task.phase is Phase.NEEDS_INPUT
    answered = moved(asking.task, EVENTS["FeedbackGiven (on the issue)"])
    assert answered.task.phase is Phase.QUEUED
    assert FEEDBACK in answered.task.pending


def test_feedback_on_a_halted_task_waits_for_its_retry() -> None:
    halted = moved(task(Phase.CANCELLED, current=()), EVENTS["FeedbackGiven (review)"])
    assert halted.task.phase is Phase.CANCELLED
    assert FEEDBACK in moved(halted.task, EVENTS["RetryRequested"]).task.pending


def test_a_pull_request_closed_meanwhile_ends_a_halted_task() -> None:
    assert moved(task(Phase.FAILED), EVENTS["PullClosed"]).task.phase is Phase.DISCARDED


def test_a_lost_comment_stops_nothing_and_a_lost_step_fails_the_task() -> None:
    assert isinstance(transition(task(Phase.WORKING), EVENTS["EffectFailed (a comment)"]), Ignored)
    failed = moved(task(Phase.WORKING), EVENTS["EffectFailed (a step)"])
    assert failed.task.phase is Phase.FAILED
    assert Announce(Topic.FAILED, RUN) in failed.effects


# ── small parts ──


def test_keys_are_unique_within_a_subject() -> None:
    keys = [key(effect) for effect in EFFECTS]
    assert len(set(keys)) == len(keys)
    assert {lane(effect) for effect in EFFECTS if isinstance(effect, TaskEffect)} == {
        "control", "work", "forge", "say",
    }  # fmt: skip


def test_causes_keep_a_fixed_order_and_each_fact_once() -> None:
    label = replace(FEEDBACK, kind=type(FEEDBACK.kind).LABEL)
    assert in_order((FEEDBACK, label, FEEDBACK)) == (label, FEEDBACK)


@pytest.mark.parametrize(
    ("title", "generation", "name"),
    [
        ("Fix session refresh race!", 1, "agent/7-fix-session-refresh-race"),
        ("", 1, "agent/7-issue"),
        ("../../etc/passwd $(rm -rf)", 2, "agent/7-etc-passwd-rm-rf-g2"),
        ("Ünïcode — ☃", 1, "agent/7-n-code"),
        ("word " * 40, 1, "agent/7-word-word-word-word-word-word-word-word"),
    ],
)
def test_branch_names_are_plain(title: str, generation: int, name: str) -> None:
    assert branch_name(ISSUE, title, generation) == name


CONFLICT = Cause(CauseKind.CONFLICT, FactKey(f"conflict:{SHA}:{OTHER}"), MAINTAINER)


def test_a_moved_base_starts_a_run_only_where_people_are_waited_for() -> None:
    queued = moved(task(Phase.IN_REVIEW), EVENTS["BaseMoved"]).task
    assert (queued.phase, queued.pending) == (Phase.QUEUED, (CONFLICT,))
    for phase in set(Phase) - {Phase.IN_REVIEW}:
        assert isinstance(transition(task(phase), EVENTS["BaseMoved"]), Ignored), phase


def test_a_clean_merge_is_checked_without_a_turn_and_a_conflict_gets_one() -> None:
    preparing = task(Phase.PREPARING, current=(CONFLICT,), attempt=0)
    clean = moved(preparing, EVENTS["WorkspacePrepared (merged)"])
    assert (clean.task.phase, clean.task.commit, clean.task.attempt) == (Phase.VERIFYING, OTHER, 1)
    assert moved(preparing, EVENTS["WorkspacePrepared (conflicts)"]).task.phase is Phase.WORKING
    assert moved(preparing, EVENTS["WorkspacePrepared"]).task.phase is Phase.IN_REVIEW
    asked = replace(preparing, current=(FEEDBACK, CONFLICT))
    assert moved(asked, EVENTS["WorkspacePrepared (merged)"]).task.phase is Phase.WORKING


def test_a_conflict_that_is_left_twice_is_a_persons() -> None:
    working = task(Phase.WORKING, current=(CONFLICT,), attempts_allowed=5)
    again = moved(working, EVENTS["HarvestRejected"]).task
    assert (again.phase, again.attempt) == (Phase.WORKING, 2)
    rejected = ev.HarvestRejected(RUN, 2, ("`a.py` holds conflict markers.",), None)
    failed = moved(again, rejected)
    assert failed.task.phase is Phase.FAILED
    assert Announce(Topic.FAILED, RUN) in failed.effects


def test_an_answer_to_a_question_about_a_conflict_goes_on_with_the_merge() -> None:
    asking = task(Phase.NEEDS_INPUT, current=(CONFLICT,))
    assert CONFLICT in moved(asking, EVENTS["FeedbackGiven (review)"]).task.pending
