"""Budgets: a limit holds for all journals of a run together, and a run goes on when it is raised."""

import json
from pathlib import Path

import pytest
from megascience.inference.engines.base import Completion, ModelSpec, Request, Sampling
from megascience.inference.journal import budget
from megascience.inference.journal.budget import Budget, Sum, checkpoint, spending
from megascience.inference.journal.journal import Journal, gc
from megascience.storage.errors import InputError
from refineshard import Shard

MODEL = ModelSpec("m", "r", "vllm")
PRICES = {"m": {"prompt_per_million": 1.0, "completion_per_million": 10.0, "gpu_hour": 2.0}}
REQUEST = Request("0" * 16, ({"role": "user", "content": "x" * 40},), Sampling(max_tokens=20))


def fill(path: Path, *keys: str, gpus: float = 0, startup: float = 0.0) -> None:
    """Add a session with answers of 30 prompt and 20 completion tokens."""
    with Journal(path) as journal:
        journal.start_session(model="m", revision="r", engine="vllm", startup_seconds=startup, gpus=gpus)
        for key in keys:
            journal.append(Completion(key * 16, "text", prompt_tokens=30, completion_tokens=20))
        checkpoint(journal)


def open_budget(journal: Journal, folder: Path, **limits: float) -> Budget:
    return Budget(limits, PRICES, MODEL, journal, folder)


def test_what_sessions_cost(tmp_path):
    fill(tmp_path / "a.jsonl", "1", "2", gpus=4, startup=1800.0)
    with Journal(tmp_path / "a.jsonl") as journal:
        total = spending(journal.sessions, PRICES)
        free = spending(journal.sessions, {})
    assert (total.max_requests, total.max_tokens) == (2, 100)
    assert total.max_gpu_hours == pytest.approx(2.0, abs=1e-3)
    assert total.max_money == pytest.approx(60e-6 + 400e-6 + 4.0, abs=1e-2)
    assert free.max_money == 0.0


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        ({"max_requests": 4}, 2),
        ({"max_tokens": 170}, 2),  # 100 are spent, and a request takes 10 + 20 at most
        ({"max_tokens": 129}, 0),
        ({"max_money": 460e-6 + 2 * 210e-6}, 2),
        ({"max_money": 460e-6 + 2 * 210e-6 - 1e-9}, 1),
    ],
)
def test_a_limit_counts_all_journals_and_what_is_in_flight(tmp_path, limit, fits):
    fill(tmp_path / "refine" / "a.jsonl", "1")
    fill(tmp_path / "extract" / "b.jsonl", "1")
    with Journal(tmp_path / "refine" / "own.jsonl") as journal:
        limits = open_budget(journal, tmp_path, **limit)
        limits.check()
        taken = 0
        while limits.reserve(REQUEST):
            taken += 1
        assert (taken, limits.refused) == (fits, True)
        if fits:
            limits.release(REQUEST)
            assert limits.reserve(REQUEST), "one that came home makes room for another"


def test_gpu_hours_stop_a_run(tmp_path):
    fill(tmp_path / "a.jsonl", "1", gpus=8, startup=3600.0)
    with Journal(tmp_path / "own.jsonl") as journal:
        with pytest.raises(InputError, match=r"budget of the run \(max_gpu_hours 8\) is used up; what was answered"):
            open_budget(journal, tmp_path, max_gpu_hours=8).check()
        open_budget(journal, tmp_path, max_gpu_hours=8.5).check()


def test_journals_that_grow_are_read_on(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "REFRESH", 0.0)
    other = tmp_path / "a.jsonl"
    fill(other, "1")
    with Journal(tmp_path / "own.jsonl") as journal:
        limits = open_budget(journal, tmp_path, max_requests=4)
        assert limits.reserve(REQUEST)
        fill(other, "2")
        assert limits.reserve(REQUEST)
        with open(other, "ab") as handle:
            handle.write(b'{"crc":"0000')  # a line that is being written
        assert not limits.reserve(REQUEST)
        (tmp_path / "b.jsonl").touch()
        limits.release(REQUEST)
        assert limits.reserve(REQUEST)


def test_a_journal_is_not_read_from_its_start_again(tmp_path):
    path = tmp_path / "a.jsonl"
    fill(path, "1", "2")
    known = json.loads(Path(f"{path}.spent").read_text())
    known["sessions"][0]["spent"]["requests"] = 50  # what only the checkpoint can tell
    Path(f"{path}.spent").write_text(json.dumps(known))
    with Journal(path) as journal:  # another job, killed before it wrote a checkpoint
        journal.append(Completion("3" * 16, "text"))
    with Journal(tmp_path / "own.jsonl") as journal:
        limits = open_budget(journal, tmp_path, max_requests=52)
        assert limits.reserve(REQUEST) and not limits.reserve(REQUEST), "50 by the checkpoint, one after it, one now"


@pytest.mark.parametrize("spoil", ["gone", "torn", "of another file"])
def test_without_a_checkpoint_the_journal_tells(tmp_path, spoil):
    path = tmp_path / "a.jsonl"
    fill(path, "1", "2", "3")
    side = Path(f"{path}.spent")
    if spoil == "gone":
        side.unlink()
    elif spoil == "torn":
        side.write_text('{"size": 3, "ino')
    else:
        assert gc(path, {"1" * 16}) == 2  # writes the journal again; what was dropped stays paid for
    with Journal(tmp_path / "own.jsonl") as journal:
        limits = open_budget(journal, tmp_path, max_requests=4)
        assert limits.reserve(REQUEST) and not limits.reserve(REQUEST)


def test_shards_share_the_budget_and_go_on_when_it_is_raised(tmp_path):
    shards = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shards.append(Shard(tmp_path / name))
    shared = {"journals": tmp_path, "budget": {"max_requests": 20}}
    assert len(shards[0].run(**shared)) == 12
    with pytest.raises(InputError, match="max_requests 20.* is used up with 4 requests of this shard unanswered"):
        shards[1].run(**shared)
    assert (len(shards[0].sent()), len(shards[1].sent())) == (12, 8)
    shared["budget"] = {"max_requests": 24}
    assert len(shards[1].run(**shared)) == 12
    assert len(shards[1].sent()) == 12, "only the rest was asked"
    assert len(shards[0].run(**shared)) == 12, "what is answered needs no budget"


def test_no_limit_counts_nothing(tmp_path):
    with Journal(tmp_path / "own.jsonl") as journal:
        limits = open_budget(journal, tmp_path / "not there")
        limits.check()
        assert all(limits.reserve(REQUEST) for _ in range(3))
        assert Sum(1, 2) + Sum(1, 1, 1.0) == Sum(2, 3, 1.0)


def test_an_unknown_limit_is_named(tmp_path):
    with (
        Journal(tmp_path / "own.jsonl") as journal,
        pytest.raises(InputError, match="unknown limit 'max_mony'; known: max_requests"),
    ):
        open_budget(journal, tmp_path, max_mony=3)
