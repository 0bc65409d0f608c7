import json
import logging
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from megascience.inference import generate
from megascience.inference.completions import COMPLETIONS
from megascience.inference.engines.base import Completion, ModelSpec, Sampling
from megascience.inference.engines.registry import make_engine
from megascience.inference.generate import generate_shard
from megascience.inference.journal.cost import write_cost
from megascience.inference.journal.journal import Journal
from megascience.inference.parse import parse_shard
from megascience.inference.requests import RETRY_TEMPERATURE, SAMPLE_STRIDE, attempt_sampling
from megascience.storage.errors import EngineError, InputError
from megascience.storage.parquet import read_records, read_table, write_records
from owned import SCHEMAS
from refineshard import GOOD, PROMPT, Shard, pair
from waiting import wait_until


def test_a_prompt_s_stops_are_part_of_the_key_and_no_stops_leave_it_as_it_was():
    assert "stop" not in Sampling().as_dict()
    assert Sampling(stop=("Q:",)).as_dict()["stop"] == ("Q:",)


@pytest.fixture
def shard(tmp_path):
    return Shard(tmp_path)


@pytest.fixture
def no_engine(monkeypatch):
    def refuse(spec):
        raise AssertionError("the engine must not be made")

    monkeypatch.setattr(generate, "make_engine", refuse)


def test_each_record_gets_its_completion_in_order_and_the_parser_takes_them(shard, tmp_path):
    shard.rules = [{"contains": "Question 3?", "text": GOOD.replace("That", "Third")}, *shard.rules]
    rows = shard.run()
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(12)]
    assert {row["prompt"] for row in rows} == {"refine"}
    assert [row["text"] for row in rows] == [GOOD.replace("That", "Third") if i == 3 else GOOD for i in range(12)]
    assert {(row["model"], row["revision"], row["finish_reason"], row["attempts"]) for row in rows} == {
        ("model", "rev", "stop", 1)
    }
    assert rows[0]["prompt_tokens"] == 5 and rows[0]["completion_tokens"] == 1
    parse_shard(
        stage="refine",
        records=[tmp_path / "pairs.parquet"],
        completions=tmp_path / "completions.parquet",
        prompts=[tmp_path / "refine.j2"],
        kept=tmp_path / "kept.parquet",
        dropped=tmp_path / "dropped.parquet",
        join=tmp_path / "chunks.parquet",
    )
    assert [row["answer"] for row in read_records(tmp_path / "kept.parquet")][3:5] == ["Third.", "That."]


def test_a_second_run_asks_nothing_makes_no_engine_and_gives_the_same_bytes(shard, tmp_path, no_engine, monkeypatch):
    with monkeypatch.context() as real:
        real.setattr(generate, "make_engine", make_engine)
        shard.run()
    first = (tmp_path / "completions.parquet").read_bytes()
    cost = (tmp_path / "cost.json").read_bytes()
    (tmp_path / "completions.parquet").unlink()
    shard.run()
    assert (tmp_path / "completions.parquet").read_bytes() == first
    assert (tmp_path / "cost.json").read_bytes() == cost
    assert len(shard.sent()) == 12


def test_no_record_needs_no_engine(shard, no_engine):
    shard.pairs = []
    assert shard.run() == []
    assert shard.cost()["requests"] == 0


def test_only_what_changed_is_asked(shard):
    shard.run()
    shard.texts["c1"] = "Another text."
    shard.pairs.insert(0, pair(50, 2))
    shard.run()
    assert len(shard.sent()) == 12 + 3 + 1  # the three pairs of one chunk of four, and a new pair
    shard.settings["sampling"] = Sampling(max_tokens=101)
    shard.run()
    assert len(shard.sent()) == 16 + 13
    shard.pairs = shard.pairs[::-1][:5]
    shard.run()
    assert len(shard.sent()) == 29


def test_requests_about_one_document_run_together(shard, monkeypatch):
    seen = []
    engine = _recording_engine(monkeypatch, seen)
    shard.run()
    assert engine.ran
    groups = [request.group for request in seen]
    assert groups == ["c0"] * 3 + ["c1"] * 3 + ["c2"] * 3 + ["c3"] * 3
    assert [r.messages[0]["content"].split("\n")[1].split("?")[0] for r in seen][:4] == [
        "Question 0",
        "Question 4",
        "Question 8",
        "Question 1",
    ]


def test_the_candidates_of_one_row_run_together(shard, tmp_path, monkeypatch):
    seen = []
    _recording_engine(monkeypatch, seen)
    shard.write()
    shard.prompt("---\nanswer: text\n---\n{% block user %}{{ question }} {{ item_question }}{% endblock %}", "judge")
    candidates = [
        {"pair_id": f"p{i}", "qa_id": f"q{i % 2}", "question": f"Q{i % 2}", "item_question": f"I{i}", "skipped": False}
        for i in range(6)
    ]
    write_records(tmp_path / "candidates.parquet", candidates, SCHEMAS["search"])
    shard.run(
        stage="decontaminate",
        records=[tmp_path / "candidates.parquet"],
        prompts=[tmp_path / "judge.j2"],
        join=None,
    )
    assert [request.group for request in seen] == ["q0"] * 3 + ["q1"] * 3


def _recording_engine(monkeypatch, seen, answer=lambda request: GOOD):
    class Engine:
        ran = closed = False

        def __init__(self, spec):
            pass

        def start(self):
            pass

        def run(self, next_request):
            Engine.ran = True
            while (request := next_request()) is not None:
                seen.append(request)
                yield Completion(request.key, answer(request))

        def close(self):
            Engine.closed = True

    monkeypatch.setattr(generate, "make_engine", Engine)
    return Engine


def test_the_answer_format_is_the_grammar_only_where_the_config_constrains(shard, monkeypatch):
    seen = []
    _recording_engine(monkeypatch, seen)
    shard.run()
    assert all("root ::=" in request.grammar for request in seen)
    count = len(seen)
    shard.settings["constrain"] = False
    shard.run()
    assert len(seen) == 2 * count
    assert all(request.grammar is None for request in seen[count:])


def test_duplicate_requests_are_asked_once_and_answered_everywhere(shard):
    for i in (4, 8):
        shard.pairs[i] = {**shard.pairs[0], "qa_id": f"q{i}"}
    rows = shard.run()
    assert len(shard.sent()) == 10
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(12)]


def test_duplicates_of_an_unreadable_request_are_retried_once(shard):
    shard.pairs = [{**pair(0, 0), "qa_id": f"q{i}"} for i in range(30)]
    shard.rules = [{"text": ["no tags", "none either", GOOD], "delay": 0.01}]
    rows = shard.run()
    assert [r["seed"] for r in shard.sent()] == [0, 1, 2]
    assert {(row["attempts"], row["text"]) for row in rows} == {(3, GOOD)}


def test_unreadable_completions_are_retried_with_other_seeds_while_the_engine_is_up(shard):
    shard.rules = [
        {"contains": "Question 2?", "text": ["no tags", GOOD]},
        {"contains": "Question 5?", "text": "never"},
        {"contains": "Question 6?", "text": "<question>cut", "finish_reason": "length"},
        *shard.rules,
    ]
    rows = shard.run()
    assert {i: row["attempts"] for i, row in enumerate(rows) if row["attempts"] > 1} == {2: 2, 5: 3, 6: 3}
    assert rows[2]["text"] == GOOD
    assert (rows[5]["text"], rows[5]["finish_reason"]) == ("never", "stop")
    assert (rows[6]["text"], rows[6]["finish_reason"]) == ("<question>cut", "length")
    assert Counter(request["seed"] for request in shard.sent()) == {0: 12, 1: 3, 2: 2}
    assert (shard.cost()["requests"], shard.cost()["retried"], shard.cost()["sessions"]) == (17, 5, 1)
    # The ones that stayed unreadable are settled: nothing is asked again.
    assert shard.run() == rows
    assert len(shard.sent()) == 17


def test_a_retry_that_the_journal_knows_is_not_asked_again(shard, tmp_path):
    shard.rules = [{"contains": "Question 5?", "text": ["bad", GOOD]}, *shard.rules]
    rows = shard.run()
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"text":"bad"' not in line))
    assert shard.run() == rows
    assert len(shard.sent()) == 13 + 1, "the first attempt alone was lost"


def test_more_retries_later_ask_only_the_further_attempts(shard):
    shard.rules = [{"contains": "Question 5?", "text": ["never", "never", "never", GOOD]}, *shard.rules]
    shard.settings["retries"] = 1
    assert shard.run()[5]["attempts"] == 2
    shard.settings["retries"] = 4
    rows = shard.run()
    assert (rows[5]["attempts"], rows[5]["text"]) == (4, GOOD)
    assert len(shard.sent()) == 12 + 1 + 2


def test_a_parser_that_reads_more_asks_nothing(shard, no_engine, monkeypatch):
    """An answer that was retried, and that a fixed format reads at the first attempt, is taken from the journal."""
    with monkeypatch.context() as real:
        real.setattr(generate, "make_engine", make_engine)
        shard.rules = [{"contains": "Question 5?", "text": ["odd", GOOD]}, *shard.rules]
        shard.settings["constrain"] = False
        assert shard.run()[5]["attempts"] == 2
    monkeypatch.setattr("megascience.stages.prompting.answer_format.AnswerFormat.read", lambda self, text: [{}])
    row = shard.run()[5]
    assert (row["attempts"], row["text"]) == (1, "odd")


def test_sampling_of_attempts_and_samples():
    greedy = Sampling(temperature=0.0, seed=5)
    assert attempt_sampling(greedy, 0) == greedy
    assert attempt_sampling(greedy, 2) == Sampling(temperature=RETRY_TEMPERATURE, seed=7)
    warm = Sampling(temperature=0.3, seed=5)
    assert attempt_sampling(warm, 1) == Sampling(temperature=0.3, seed=6)
    assert attempt_sampling(warm, 1, sample=3) == Sampling(temperature=0.3, seed=5 + 3 * SAMPLE_STRIDE + 1)
    assert RETRY_TEMPERATURE > 0


def test_free_text_is_retried_only_when_it_is_empty_or_cut_off(shard):
    shard.prompt("---\nanswer: text\n---\n{% block user %}{{ document }} {{ question }} {{ answer }}{% endblock %}")
    shard.rules = [
        {"contains": "Question 1?", "text": ["  ", "words"]},
        {"contains": "Question 2?", "text": "cut", "finish_reason": "length"},
        {"text": "any words"},
    ]
    rows = shard.run()
    assert [row["attempts"] for row in rows[:4]] == [1, 2, 3, 1]
    assert rows[2]["finish_reason"] == "length"


def test_a_complete_answer_that_runs_on_to_the_limit_is_not_retried(shard):
    shard.rules = [{"text": GOOD + " and so on", "finish_reason": "length"}]
    assert {row["attempts"] for row in shard.run()} == {1}


# Context


def test_prompts_that_do_not_fit_are_never_sent(shard, tmp_path):
    _tokenizer(tmp_path / "tokenizer.json")
    shard.serving["tokenizer"] = str(tmp_path)
    shard.settings["context"] = 400
    shard.texts["c2"] = "word " * 400
    rows = shard.run()
    overflowing = [row for row in rows if row["finish_reason"] == "overflow"]
    assert [row["id"] for row in overflowing] == ["q2", "q6", "q10"]
    assert {(row["text"], row["attempts"], row["prompt_tokens"]) for row in overflowing} == {("", 0, None)}
    assert len(shard.sent()) == 9
    parse_shard(
        stage="refine",
        records=[tmp_path / "pairs.parquet"],
        completions=tmp_path / "completions.parquet",
        prompts=[tmp_path / "refine.j2"],
        kept=tmp_path / "kept.parquet",
        dropped=tmp_path / "dropped.parquet",
        join=tmp_path / "chunks.parquet",
    )
    assert {row["reason"] for row in read_records(tmp_path / "dropped.parquet")} == {"context_overflow"}


def test_no_prompt_that_may_fit_is_left_out(shard, tmp_path):
    """400 words are 2,000 bytes: by bytes they overflow 600 tokens, by tokens they do not."""
    shard.settings["context"] = 600
    shard.texts["c2"] = "word " * 400
    assert len({row["id"] for row in shard.run() if row["finish_reason"] == "stop"}) == 12  # the engine decides
    _tokenizer(tmp_path / "tokenizer.json")
    shard.serving["tokenizer"] = str(tmp_path / "tokenizer.json")
    (tmp_path / "journal.jsonl").unlink()
    assert {row["finish_reason"] for row in shard.run()} == {"stop"}


def test_max_tokens_beyond_the_context_fits_nothing(shard, no_engine):
    shard.settings["context"] = 100
    assert {row["finish_reason"] for row in shard.run()} == {"overflow"}


def test_a_tokenizer_that_is_not_there_is_named(shard, tmp_path):
    shard.serving["tokenizer"] = str(tmp_path / "none")
    shard.settings["context"] = 200
    with pytest.raises(InputError, match="none: there is no tokenizer.json"):
        shard.run()


def _tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "word": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path))


def test_an_overflow_that_the_engine_finds_is_kept_until_the_context_grows(shard, monkeypatch):
    seen = []

    class Engine:
        def __init__(self, spec):
            self.context = spec.context

        def start(self):
            pass

        def run(self, next_request):
            while (request := next_request()) is not None:
                seen.append(request)
                long = "Document 1." in request.messages[0]["content"]
                if long and self.context < 6000:
                    yield Completion(request.key, "", "overflow", prompt_tokens=5000)
                else:
                    yield Completion(request.key, GOOD)

        def close(self):
            pass

    monkeypatch.setattr(generate, "make_engine", Engine)
    rows = shard.run()
    assert [row["id"] for row in rows if row["finish_reason"] == "overflow"] == ["q1", "q5", "q9"]
    assert {row["attempts"] for row in rows} == {1}  # another seed makes no prompt shorter
    shard.run()
    assert len(seen) == 12
    shard.settings["context"] = 5050  # 5,000 + 100 still exceed it
    shard.run()
    assert len(seen) == 12
    shard.settings["context"] = 6000
    assert {row["finish_reason"] for row in shard.run()} == {"stop"}
    assert len(seen) == 15


# Trouble


def test_what_was_answered_before_an_engine_failed_is_kept(shard):
    shard.rules = [{"contains": "Question 9?", "error": "the machine is on fire"}, *shard.rules]
    shard.serving["concurrency"] = 1
    with pytest.raises(EngineError, match="on fire"):
        shard.run()
    answered = len(shard.sent()) - 1
    assert answered == 5  # group by group: 0 4 8, 1 5 9
    with Journal(shard.folder / "journal.jsonl") as journal:
        assert len(journal) == answered
    shard.rules.pop(0)
    shard.run()
    assert max(Counter(request["key"] for request in shard.sent()).values()) == 2
    assert len(shard.sent()) == 13


def test_an_engine_that_forgets_a_request_is_an_error(shard, monkeypatch):
    class Forgetful:
        closed = False

        def __init__(self, spec):
            pass

        def start(self):
            pass

        def run(self, next_request):
            next_request()
            while (request := next_request()) is not None:
                yield Completion(request.key, GOOD)

        def close(self):
            Forgetful.closed = True

    monkeypatch.setattr(generate, "make_engine", Forgetful)
    with pytest.raises(EngineError, match="1 requests unanswered; run again"):
        shard.run()
    assert Forgetful.closed
    assert not (shard.folder / "completions.parquet").exists()


def test_an_engine_that_does_not_start_is_closed(shard, monkeypatch):
    closed = []

    class Broken:
        def __init__(self, spec):
            pass

        def start(self):
            raise EngineError("no memory")

        def close(self):
            closed.append(1)

    monkeypatch.setattr(generate, "make_engine", Broken)
    with pytest.raises(EngineError, match="no memory"):
        shard.run()
    assert closed == [1]
    assert shard.cost()["sessions"] == 0


def test_two_jobs_on_one_shard_are_refused(shard, tmp_path):
    with Journal(tmp_path / "journal.jsonl"), pytest.raises(InputError, match="is working on this shard"):
        shard.run()


def test_a_chunk_that_is_not_there_is_named(shard):
    shard.pairs.append(pair(99, 77))
    with pytest.raises(InputError, match=r"chunks\.parquet: chunk c77 of .*pairs\.parquet is not there"):
        shard.run()


def test_a_file_that_is_no_parquet_is_named(shard, tmp_path):
    settings = shard.write()
    (tmp_path / "pairs.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match=r"pairs\.parquet: not a readable Parquet"):
        generate_shard(**settings)


def test_a_damaged_journal_asks_only_what_was_lost(shard, tmp_path):
    rows = shard.run()
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"garbage\n", *lines[5:-1], lines[-1][:-20]]))
    assert shard.run() == rows
    assert len(shard.sent()) == 12 + 2


# Several prompts, records that pass through


def test_every_prompt_is_asked_of_every_record(shard, tmp_path):
    shard.write()
    for name in ("x_high", "x_low"):
        shard.prompt(f"---\nanswer: text\n---\n{{% block user %}}{name} {{{{ document }}}}{{% endblock %}}", name)
    rows = shard.run(
        stage="extract",
        records=[tmp_path / "chunks.parquet"],
        prompts=[tmp_path / "x_high.j2", tmp_path / "x_low.j2"],
        join=None,
    )
    assert [(row["id"], row["prompt"]) for row in rows] == [
        (f"c{c}", f"x_{standard}") for c in range(4) for standard in ("high", "low")
    ]
    assert len({row["prompt_hash"] for row in rows}) == 2
    assert len(shard.sent()) == 8


def test_a_record_that_passes_through_is_not_asked(shard, tmp_path):
    shard.write()
    schema = SCHEMAS["judge_cot"]
    records = [{**p, "has_reasoning": i % 3 == 0} for i, p in enumerate(shard.pairs)]
    write_records(tmp_path / "judged.parquet", records, schema)
    shard.prompt(PROMPT.replace("{{ document }}", ""))
    rows = shard.run(stage="distill_cot", records=[tmp_path / "judged.parquet"])
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(12) if i % 3]


def test_several_files_of_records_stay_in_their_order(shard, tmp_path):
    shard.write()
    write_records(tmp_path / "more.parquet", [pair(100, 1), pair(101, 0)], SCHEMAS["dedup"])
    rows = shard.run(records=[tmp_path / "more.parquet", tmp_path / "pairs.parquet"])
    assert [row["id"] for row in rows] == ["q100", "q101", *[f"q{i}" for i in range(12)]]


def test_records_beyond_one_batch(shard, monkeypatch):
    monkeypatch.setattr("megascience.storage.parquet.BATCH_ROWS", 5)
    rows = shard.run()
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(12)]
    shard.texts["c3"] = "Changed."
    shard.run()
    assert len(shard.sent()) == 12 + 3


# Several samples


def test_each_sample_is_a_draw_of_its_own(shard):
    shard.settings["sampling"] = Sampling(temperature=0.7, max_tokens=100, seed=3)
    shard.rules = [{"text": [GOOD.replace("That", f"Draw {n}") for n in range(7)]}]
    rows = shard.run(samples=4)
    assert [(row["id"], row["sample"]) for row in rows] == [(f"q{i}", n) for i in range(12) for n in range(4)]
    seeds = [3 + n * SAMPLE_STRIDE for n in range(4)]
    assert Counter(request["seed"] for request in shard.sent()) == dict.fromkeys(seeds, 12)
    assert [row["text"] for row in rows[:4]] == [GOOD.replace("That", f"Draw {seed % 7}") for seed in seeds]
    assert shard.cost()["requests"] == 48


def test_the_samples_of_a_record_run_together(shard, monkeypatch):
    seen = []
    _recording_engine(monkeypatch, seen)
    shard.settings["sampling"] = Sampling(temperature=0.7)
    shard.run(samples=3)
    contents = [request.messages[0]["content"] for request in seen]
    assert contents[0] == contents[1] == contents[2] != contents[3]


def test_more_samples_ask_only_the_further_ones(shard):
    shard.settings["sampling"] = Sampling(temperature=0.7)
    one = shard.run()
    assert [row["text"] for row in shard.run(samples=3) if row["sample"] == 0] == [row["text"] for row in one]
    assert len(shard.sent()) == 3 * 12
    shard.run(samples=2)
    assert len(shard.sent()) == 3 * 12


def test_a_sample_that_cannot_be_read_is_retried_by_itself(shard):
    shard.settings["sampling"] = Sampling(temperature=0.7)
    shard.rules = [{"contains": "Question 5?", "text": [*[GOOD] * 7, "bad", GOOD, GOOD, GOOD]}, {"text": GOOD}]
    bad = next(n for n in range(11) if n * SAMPLE_STRIDE % 11 == 7)
    rows = shard.run(samples=bad + 1)
    assert {(row["id"], row["sample"]) for row in rows if row["attempts"] > 1} == {("q5", bad)}


def test_samples_of_a_greedy_draw_are_refused(shard, no_engine):
    with pytest.raises(InputError, match="4 samples at temperature 0 would be one; raise the temperature"):
        shard.run(samples=4)


# Cost and budget


def test_the_cost_adds_up_over_sessions(shard):
    shard.run()
    first = shard.cost()
    assert set(first) == {
        "stage",
        "model",
        "revision",
        "engine",
        "sessions",
        "requests",
        "retried",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "wall_seconds",
        "startup_seconds",
        "gpus",
        "tokens_per_second",
    }
    assert (first["stage"], first["model"], first["engine"]) == ("refine", "model", "canned")
    assert (first["requests"], first["sessions"], first["completion_tokens"]) == (12, 1, 12)
    shard.texts["c1"] = "Another text."
    shard.run()
    second = shard.cost()
    assert (second["requests"], second["sessions"]) == (15, 2)
    assert second["prompt_tokens"] > first["prompt_tokens"]
    shard.run()
    assert shard.cost() == second


def test_gpus_are_averaged_over_the_seconds_that_they_were_held(tmp_path):
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        for gpus, startup in ((1, 10.0), (4, 30.0), (8, 0.0)):
            journal.start_session(model="m", revision="r", engine="vllm", startup_seconds=startup, gpus=gpus)
        journal.start_session(model="other", revision="r", engine="vllm", startup_seconds=99.0, gpus=9)
        write_cost(tmp_path / "cost.json", "refine", ModelSpec("m", "r", "vllm"), journal)
    cost = json.loads((tmp_path / "cost.json").read_text())
    assert (cost["gpus"], cost["startup_seconds"], cost["sessions"]) == ((10 + 4 * 30) / 40, 40.0, 3)


@pytest.mark.parametrize("budget", [{"max_requests": 7}, {"max_tokens": 149}])
def test_a_budget_stops_new_requests_and_can_be_raised(shard, budget):
    """A request reserves 100 tokens of answer and some 8 of its prompt, and is charged the 6 it took."""
    shard.budget = budget
    shard.serving["concurrency"] = 3
    with pytest.raises(InputError, match=r"budget of the run \(max_\w+ \d+\) is used up with 5 requests of this shard"):
        shard.run()
    assert len(shard.sent()) == 7
    spent = shard.cost()
    assert spent["prompt_tokens"] + spent["completion_tokens"] == 42
    with pytest.raises(InputError, match="is used up.* raise the budget"):
        shard.run()
    assert len(shard.sent()) == 7
    shard.budget = None
    shard.run()
    assert len(shard.sent()) == 12


def test_a_budget_for_what_is_already_answered_does_not_matter(shard):
    shard.run()
    shard.budget = {"max_requests": 1}
    assert len(shard.run()) == 12


def test_progress_is_logged(shard, caplog, monkeypatch):
    monkeypatch.setattr("megascience.inference.progress.EVERY", 0.0)
    with caplog.at_level(logging.INFO):
        shard.run()
    assert "12 records, 12 completions wanted: 0 answered in the journal, 12 to ask" in caplog.text
    assert "6 of 12 answered (50 %)" in caplog.text


# Killed at any moment


@pytest.mark.long
def test_kill_9_loses_only_what_is_in_flight(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole, killed = Shard(tmp_path / "whole", 500, 50), Shard(tmp_path / "killed", 500, 50)
    for shard in (whole, killed):
        shard.rules = [{"contains": "Question 11", "text": ["bad", GOOD]}, {"text": GOOD}]
        shard.serving["concurrency"] = 6
        shard.write()
    whole.run()
    hold = tmp_path / "hold"
    hold.write_text("70")  # no job that is to be killed comes to its end before

    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from refineshard import Shard, generate_shard\n"
        "shard = Shard(Path(sys.argv[3]), 500, 50)\n"
        "shard.serving |= {'concurrency': 6, 'hold': sys.argv[4]}\n"
        "import yaml; rules = yaml.safe_load((shard.folder / 'answers.yaml').read_text()); shard.rules = rules\n"
        "generate_shard(**shard.write())\n"
    )
    library = str(Path(generate.__file__).parents[2])
    command = [sys.executable, "-c", script, library, str(Path(__file__).parents[1]), str(killed.folder)]
    command.append(str(hold))
    dice = random.Random(20)
    kills = 5

    def kill_a_job() -> None:
        job = subprocess.Popen(command)
        target = len(killed.sent()) + dice.randint(5, 60)
        wait_until(lambda: len(killed.sent()) >= target, "the job did not ask", lambda: job.poll() is None)
        os.kill(job.pid, signal.SIGKILL)
        job.wait()

    for _ in range(kills):
        kill_a_job()
    hold.unlink()
    assert subprocess.run(command, check=False).returncode == 0
    asked = Counter(request["key"] for request in killed.sent())
    wanted = Counter(request["key"] for request in whole.sent())
    assert set(asked) == set(wanted), "nothing is lost and nothing else is asked"
    assert sum(asked.values()) - len(asked) <= kills * 6
    finished = (tmp_path / "killed" / "completions.parquet").read_bytes()
    assert finished == (tmp_path / "whole" / "completions.parquet").read_bytes()


def test_completions_have_the_declared_schema(shard, tmp_path):
    shard.run()
    assert read_table(tmp_path / "completions.parquet").schema.equals(pa.schema(COMPLETIONS), check_metadata=False)
