"""Events, state and effects change together, each fact once."""

import asyncio

import pytest

from bot.store.store import Store
from bot.store.values import Repeated
from bot.task.events import IssueClosed, PullMerged, RunAdmitted
from bot.task.ids import FactKey, IssueNumber, PullNumber, TaskId
from bot.task.model import Phase
from bot.task.moves import Ignored, Moved
from tests.store.given import (
    START,
    born,
    drain,
    feedback,
    in_review,
    labelled,
    now_is,
    result_of,
    stop,
    working,
)
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio


async def test_a_label_begins_a_task_with_its_effects(store: Store) -> None:
    applied = await store.begin(labelled(), FactKey("label:11"))
    assert applied is not None
    assert isinstance(applied.result, Moved)
    assert applied.task.phase is Phase.QUEUED
    assert await store.task(applied.task.id) == applied.task
    assert await store.latest_task(1, IssueNumber(7)) == applied.task
    kinds = [effect.kind for effect in await store.open_effects(applied.task.id)]
    assert kinds == ["React", "StartRun", "UpdateStatus"]
    [told] = await store.history(applied.task.id)
    assert (told.key, told.at, told.ignored) == ("label:11", START, None)
    assert told.event == labelled()


async def test_one_labelling_begins_one_task(store: Store) -> None:
    event, key = labelled(), FactKey("label:11")
    outcomes = await asyncio.gather(*(store.begin(event, key) for _ in range(20)))
    assert len([outcome for outcome in outcomes if outcome is not None]) == 1
    assert len(await store.tasks()) == 1
    assert await store.label_consumed(1, IssueNumber(7), 11)
    assert not await store.label_consumed(1, IssueNumber(7), 12)


async def test_a_label_on_a_live_task_is_recorded_and_ignored(store: Store) -> None:
    task = await born(store)
    applied = await store.begin(labelled(label_event=12), FactKey("label:12"))
    assert applied is not None
    assert applied.task == task
    assert isinstance(applied.result, Ignored)
    assert (await store.history(task.id))[1].ignored == applied.result.reason
    assert not await store.label_consumed(1, IssueNumber(7), 12)


async def test_a_label_after_the_end_begins_the_next_generation(store: Store) -> None:
    first = await born(store)
    await store.apply(first.id, stop(1), FactKey("comment:1"))
    second = await born(store, label_event=12)
    assert (second.id, second.generation) != (first.id, first.generation)
    assert second.generation == 2
    assert await store.latest_task(1, IssueNumber(7)) == second
    assert await store.begin(labelled(), FactKey("label:11")) is None


async def test_a_label_revives_a_halted_task_that_has_a_pull_request(store: Store) -> None:
    task = await in_review(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    revived = await born(store, label_event=12)
    assert (revived.id, revived.phase, revived.label_event) == (task.id, Phase.QUEUED, 12)
    assert await store.begin(labelled(label_event=11), FactKey("label:11")) is None
    assert await store.begin(labelled(label_event=12), FactKey("label:12")) is None


async def test_a_fact_told_twice_changes_nothing(store: Store) -> None:
    task = await in_review(store)
    first = await store.apply(task.id, feedback(5), FactKey("comment:5"))
    effects = await store.open_effects(task.id)
    again = await store.apply(task.id, feedback(5), FactKey("comment:5"))
    assert isinstance(first.result, Moved)
    assert again.result == Repeated()
    assert again.task == first.task
    assert await store.open_effects(task.id) == effects
    assert await store.knows_fact(task.id, FactKey("comment:5"))
    assert not await store.knows_fact(task.id, FactKey("comment:6"))


async def test_a_fact_told_by_many_at_once_is_applied_once(store: Store) -> None:
    task = await in_review(store)
    told = [store.apply(task.id, feedback(5), FactKey("comment:5")) for _ in range(20)]
    results = [applied.result for applied in await asyncio.gather(*told)]
    assert len([result for result in results if isinstance(result, Moved)]) == 1
    assert (await now_is(store, task.id)).pending == (feedback(5).cause,)


async def test_an_issue_knows_the_facts_of_all_its_tasks(store: Store) -> None:
    first = await born(store)
    await store.apply(first.id, stop(1), FactKey("comment:1"))
    await born(store, label_event=12)
    assert await store.fact_known(1, IssueNumber(7), FactKey("comment:1"))
    assert await store.fact_known(1, IssueNumber(7), FactKey("label:12"))
    assert not await store.fact_known(1, IssueNumber(8), FactKey("comment:1"))
    assert not await store.fact_known(2, IssueNumber(7), FactKey("comment:1"))


async def test_an_ignored_event_is_recorded_with_its_reason(store: Store) -> None:
    task = await born(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    applied = await store.apply(task.id, IssueClosed(), FactKey("closed"))
    assert isinstance(applied.result, Ignored)
    assert [told.ignored for told in await store.history(task.id)] == [None, None, applied.result.reason]


async def test_an_event_that_cannot_be_applied_leaves_no_trace(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.apply(TaskId(99), IssueClosed(), FactKey("closed"))
    assert await store.tasks() == []
    assert await store.task(TaskId(99)) is None


async def test_the_result_of_an_effect_is_one_fact(store: Store) -> None:
    task, claimed = await working(store)
    key = FactKey(f"effect:{claimed.id}")
    event = result_of(claimed.effect)
    assert event is not None
    await store.finish(claimed, event)
    assert (await store.history(task.id))[-1].key == key
    assert (await store.apply(task.id, event, key)).result == Repeated()


async def test_ids_of_effects_are_never_used_twice(store: Store) -> None:
    """Otherwise the result of the second would be taken for a repetition of the first's."""
    task = await born(store)
    seen = {effect.id for effect in await store.open_effects()}
    await store.admit(1)
    for _ in range(3):
        fresh = {effect.id for effect in await store.open_effects()} - seen
        assert fresh.isdisjoint(seen)
        seen |= fresh
        await drain(store)
    assert len({told.key for told in await store.history(task.id)}) == len(await store.history(task.id))


async def test_tasks_are_found_by_pull_request_and_repository(store: Store, clock: StillClock) -> None:
    reviewed = await in_review(store, 1, 11)
    queued = await born(store, 2, 12)
    halted = await born(store, 3, 13)
    await store.apply(halted.id, stop(1), FactKey("comment:1"))
    stopped = await in_review(store, 4, 14)
    await store.apply(stopped.id, stop(1), FactKey("comment:1"))
    merged = await in_review(store, 5, 15)
    clock.advance(seconds=60)
    await store.apply(merged.id, PullMerged(), FactKey("merged"))

    assert [task.id for task in await store.tasks_of_repo(1)] == [reviewed.id, queued.id, stopped.id]
    assert await store.tasks_of_repo(2) == []
    newest = await store.task_of_pull(1, PullNumber(90))
    assert newest is not None
    assert newest.id == merged.id
    assert await store.task_of_pull(1, PullNumber(91)) is None
    listed = await store.tasks(limit=2)
    assert [one.task.id for one in listed] == [merged.id, stopped.id]
    assert listed[0].created_at == START
    assert listed[0].updated_at == clock.now


async def test_an_older_generation_is_not_watched(store: Store) -> None:
    first = await in_review(store)
    await store.apply(first.id, PullMerged(), FactKey("merged"))
    second = await born(store, label_event=12)
    assert [task.id for task in await store.tasks_of_repo(1)] == [second.id]


async def test_a_run_is_admitted_when_there_is_a_place(store: Store, clock: StillClock) -> None:
    tasks = []
    for number in range(1, 5):
        tasks.append(await born(store, number, number))
        clock.advance(seconds=1)
    assert [await store.position(task.id) for task in tasks] == [1, 2, 3, 4]
    admitted = await store.admit(2)
    assert [task.id for task in admitted] == [tasks[0].id, tasks[1].id]
    assert {task.phase for task in admitted} == {Phase.PREPARING}
    assert await store.admit(2) == []
    assert [await store.position(task.id) for task in tasks] == [None, None, 1, 2]

    await store.apply(tasks[0].id, stop(1), FactKey("comment:1"))
    assert [task.id for task in await store.admit(2)] == [tasks[2].id]
    history = await store.history(tasks[2].id)
    assert history[-1].event == RunAdmitted(1)


async def test_places_are_never_given_twice(store: Store) -> None:
    for number in range(1, 9):
        await born(store, number, number)
    admitted = await asyncio.gather(*(store.admit(3) for _ in range(10)))
    assert sum(map(len, admitted)) == 3
