"""Upkeep and settings: what the records call for, what journals know, the configuration as the workflow reads it."""

from pathlib import Path

import pytest
import resulttree as tree
from megascience.cli.journals import collect_garbage, journal_stats
from megascience.inference.engines.base import Completion
from megascience.inference.journal.journal import Journal, JournalReader
from megascience.planning.jobs import find_shard, model_identity, pending_of, request_plan, shards_of
from megascience.storage.errors import InputError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path / "results")


def shard(plan, root: Path, stage: str, discipline: str = "physics"):
    return next(s for s in shards_of(plan, root) if s.stage == stage and discipline in s.completions.parts)


def keys(plan, root: Path, stage: str) -> list[str]:
    job = shard(plan, root, stage)
    return [unit.key for unit in request_plan(plan, job, model_identity(plan, root, job.model)) if unit]


def journal_keys(path: Path) -> list[str]:
    return list(JournalReader(path).keys())


def answer(journal: Path, *names: str, text: str = "<decision>YES</decision>") -> None:
    with Journal(journal) as book:
        book.start_session(model="m", revision="r", engine="canned", startup_seconds=0.0)
        for name in names:
            book.append(Completion(name, text, prompt_tokens=3, completion_tokens=2))


def test_jobs_of_the_configuration(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    jobs = list(shards_of(plan, root))
    assert [job.stage for job in jobs][:5] == ["classify"] * 2 + ["extract"] * 3
    assert len(jobs) == 2 + 7 * 3 + 2
    assert shard(plan, root, "classify").records == (root / "classify/physics/000.books.parquet",)
    refine = shard(plan, root, "refine")
    assert refine.records == (root / "dedup/physics/000.parquet",)
    assert refine.join == root / "chunk/physics/000.parquet"
    assert shard(plan, root, "decontaminate").records == (root / "search/physics/000.parquet",)
    assert jobs[-2].journal == root / "journal/evaluate/small.jsonl"
    assert {job.subset for job in jobs if job.stage == "decontaminate" and job.ready} == {"physics"}


def test_requests_of_the_records(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    assert len(keys(plan, root, "extract")) == 2  # a chunk at two standards
    assert len(keys(plan, root, "refine")) == 2
    assert len(keys(plan, root, "distill_cot")) == 1  # p1 has its reasoning
    job = shard(plan, root, "judge_cot")
    request = next(iter(request_plan(plan, job, ("big", "r1"))))
    assert len(request.keys) == 3  # two retries
    assert request.size == len(b"What is p1 in physics? It is p1. That is all.")
    assert next(iter(request_plan(plan, job, ("big", "r2")))).keys != request.keys


def test_garbage_is_what_no_record_calls_for(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    job = shard(plan, root, "refine")
    live = keys(plan, root, "refine")
    answer(job.journal, live[0], "0123456789abcdef", live[1])
    stray = root / "journal" / "refine" / "physics" / "007.jsonl"
    answer(stray, "0123456789abcdef")
    assert list(collect_garbage(plan, root)) == [(job.journal, 1)]
    assert sorted(journal_keys(job.journal)) == sorted(live)
    assert list(journal_keys(stray)) == ["0123456789abcdef"]  # not a shard of this configuration
    assert list(collect_garbage(plan, root)) == [(job.journal, 0)]


def test_garbage_is_left_alone_without_records(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    job = shard(plan, root, "refine")
    answer(job.journal, "0123456789abcdef")
    tree.path(root, "dedup", "physics").unlink()
    assert list(collect_garbage(plan, root)) == []
    assert list(journal_keys(job.journal)) == ["0123456789abcdef"]


def test_keys_of_a_journal_at_work(tmp_path: Path) -> None:
    journal = tmp_path / "0.jsonl"
    answer(journal, "0123456789abcdef", "aaaaaaaaaaaaaaaa")
    with Journal(journal):  # the lock is held
        assert list(journal_keys(journal)) == ["0123456789abcdef", "aaaaaaaaaaaaaaaa"]
    with open(journal, "ab") as handle:
        handle.write(b'{"crc":"00000000","key":"bbbb')
    assert len(list(journal_keys(journal))) == 2
    assert list(journal_keys(tmp_path / "none.jsonl")) == []


def test_statistics(root: Path, tmp_path: Path) -> None:
    answer(root / "journal/refine/physics/000.jsonl", "0123456789abcdef", "aaaaaaaaaaaaaaaa")
    answer(root / "journal/refine/biology/000.jsonl", "0123456789abcdef")
    answer(root / "journal/evaluate/small.jsonl", "cccccccccccccccc")
    rows = [tuple(row[:4]) for row in journal_stats(root).to_numpy().tolist()]
    assert rows == [("evaluate", 1, 1, 1), ("refine", 2, 3, 2)]
    with pytest.raises(InputError, match="there is no journal"):
        journal_stats(tmp_path / "elsewhere")


def test_checkpoint_is_known_when_it_is_trained(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(
        tmp_path, experiments=[{"name": "tuned", "base": "small", "dataset": "textbook_reasoning", "train": "t"}]
    )
    assert plan.evaluated == ["small", "tuned"]
    assert model_identity(plan, root, "small") == ("org/small", "r1")
    assert model_identity(plan, root, "tuned") is None
    (root / "train/tuned").mkdir(parents=True)
    (root / "train/tuned/model.json").write_text('{"name": "tuned", "revision": "f00"}')
    assert model_identity(plan, root, "tuned") == ("tuned", "f00")


def test_evaluation_asks_every_item(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    job = list(shards_of(plan, root))[-1]
    assert not job.ready
    tree.items(root, 3)
    assert job.ready
    assert len({unit.key for unit in request_plan(plan, job, ("small", "r1")) if unit}) == 3


def pending(plan, job) -> int:
    return len(list(pending_of(plan, job, ("org/big", "r1"))))


def test_pending_requests_are_those_that_a_job_would_send(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    job = shard(plan, root, "refine")
    assert pending(plan, job) == 2
    first, second = keys(plan, root, "refine")
    answer(job.journal, first)
    with Journal(job.journal):  # a job is at work
        assert pending(plan, job) == 1
    answer(job.journal, second)
    assert pending(plan, job) == 0


def test_an_unreadable_answer_with_a_retry_left_is_pending(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    job = shard(plan, root, "judge_cot")
    units = list(request_plan(plan, job, ("org/big", "r1")))
    answer(job.journal, *(unit.key for unit in units), text="I think so.")
    assert pending(plan, job) == len(units)
    answer(job.journal, *units[0].keys, text="I think so.")
    assert pending(plan, job) == len(units) - 1, "the last attempt settles"


def test_one_generate_job_is_found_by_its_names(root: Path, tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    for job in shards_of(plan, root):
        if job.stage != "evaluate":
            assert find_shard(plan, root, job.stage, job.subset, job.completions.name[:3]) == job
