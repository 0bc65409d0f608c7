"""Contamination: any YES removes a row, nothing unreadable lets one pass, and the judged keeps the evidence."""

import itertools

import pytest
from megascience.curation.decontaminate import decide_shard
from megascience.inference.completions import COMPLETIONS
from megascience.report.tables.contamination import contamination_table
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.drops import DROPPED
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_metadata, read_records, write_records
from owned import SCHEMAS

PROMPT = """---
answer:
  analysis: text
  decision: [YES, NO]
---
{% block system %}Judge.{% endblock %}
{% block user %}{{ question }} / {{ item_question }}{% endblock %}
"""
NO = "<analysis>other values</analysis>\n<decision>NO</decision>"
YES = "<analysis>the same in other words</analysis>\n<decision>YES</decision>"


class Shard:
    """A shard's files: rows, candidates as (row, item, skipped), and the judge's answers."""

    def __init__(self, folder, rows, candidates, answers):
        self.folder = folder
        (folder / "judge.j2").write_text(PROMPT)
        self.prompt = load_prompt(folder / "judge.j2")
        write_records(folder / "rows", [{"qa_id": r, "question": f"{r}?"} for r in rows], SCHEMAS["filter"])
        pairs = [
            {
                "pair_id": f"{row}/{item}",
                "qa_id": row,
                "question": f"{row}?",
                "benchmark": item[0],
                "item_id": item,
                "item_question": f"{item}?",
                "similarity": 0.75,
                "ngram_overlap": 0.0,
                "skipped": skipped,
            }
            for row, item, skipped in candidates
        ]
        write_records(folder / "candidates", pairs, SCHEMAS["search"])
        completions = [
            {
                "id": pair_id,
                "prompt": "judge",
                "sample": 0,
                "prompt_hash": self.prompt.hash,
                "text": text,
                "finish_reason": finish,
                "model": "M",
                "revision": "r1",
            }
            for pair_id, (text, finish) in answers.items()
        ]
        write_records(folder / "completions", completions, COMPLETIONS)

    def decide(self):
        f = self.folder
        decide_shard(
            records=[f / "rows"],
            candidates=f / "candidates",
            completions=f / "completions",
            prompts=[f / "judge.j2"],
            kept=f / "kept",
            dropped=f / "dropped",
            verdicts=f / "verdicts",
        )
        kept = [r["qa_id"] for r in read_records(f / "kept", SCHEMAS["decontaminate"])]
        dropped = {r["id"]: (r["reason"], r["detail"]) for r in read_records(f / "dropped", DROPPED)}
        return kept, dropped, read_records(f / "verdicts", SCHEMAS["verdicts"])


def case(folder, verdicts):
    """A shard from row → its candidates' answers; each answer is a text or (text, finish reason)."""
    candidates, answers = [], {}
    for row, said in verdicts.items():
        for i, text in enumerate(said):
            candidates.append((row, f"b{i}", False))
            answers[f"{row}/b{i}"] = text if isinstance(text, tuple) else (text, "stop")
    return Shard(folder, list(verdicts), candidates, answers)


def test_a_row_stays_only_with_a_no_to_every_candidate(tmp_path):
    kept, dropped, judged = case(
        tmp_path,
        {
            "clean": [NO, NO],
            "copy": [NO, YES, NO],
            "garbled": [NO, "I think NO"],
            "cut": [("<analysis>it goes on and", "length")],
            "long": [("", "overflow")],
            "both": ["?", YES],
            "both2": [YES, "?"],
        },
    ).decide()
    assert kept == ["clean"]
    assert {row: reason for row, (reason, _) in dropped.items()} == {
        "copy": "contaminated",
        "garbled": "unreadable",
        "cut": "truncated",
        "long": "context_overflow",
        "both": "contaminated",
        "both2": "contaminated",
    }
    assert dropped["copy"][1] == "b b1 (similarity 0.750)"
    assert [(v["qa_id"], v["verdict"]) for v in judged] == [
        ("clean", "no"),
        ("clean", "no"),
        ("copy", "no"),
        ("copy", "yes"),
        ("copy", "no"),
        ("garbled", "no"),
        ("garbled", "unreadable"),
        ("cut", "unreadable"),
        ("long", "unreadable"),
        ("both", "unreadable"),
        ("both", "yes"),
        ("both2", "yes"),
        ("both2", "unreadable"),
    ]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("<analysis>a</analysis><decision>YES</decision> (same numbers)", "yes"),
        ("<analysis>a</analysis><decision>**YES**</decision>", "yes"),
        ("<analysis>a</analysis><decision>MAYBE</decision>", "unreadable"),
        ("<analysis>NO</analysis>", "unreadable"),
        ("<decision>NO", "unreadable"),
        ("", "unreadable"),
        ("NO", "unreadable"),
    ],
)
def test_no_form_of_answer_passes_unread(tmp_path, text, verdict):
    kept, _, judged = case(tmp_path, {"row": [text]}).decide()
    assert kept == []
    assert [v["verdict"] for v in judged] == [verdict]


def test_the_record_keeps_the_evidence(tmp_path):
    _, _, judged = case(tmp_path, {"row": [YES]}).decide()
    assert judged == [
        {
            "pair_id": "row/b0",
            "qa_id": "row",
            "benchmark": "b",
            "item_id": "b0",
            "similarity": 0.75,
            "ngram_overlap": 0.0,
            "verdict": "yes",
            "rationale": YES,
            "model": "M",
            "revision": "r1",
        }
    ]
    footer = read_metadata(tmp_path / "verdicts")
    assert (footer["stage"], footer["model"], footer["revision"]) == ("decontaminate", "M", "r1")
    assert footer["prompt_hash"] == load_prompt(tmp_path / "judge.j2").hash


def test_rows_are_conserved_in_order_and_bytes_repeat(tmp_path):
    texts = [NO, YES, "?"]
    rows = {f"r{i:02d}": list(said) for i, said in enumerate(itertools.product(texts, repeat=2))}
    shard = case(tmp_path, rows)
    kept, dropped, judged = shard.decide()
    assert kept == ["r00"]
    assert list(dropped) == [f"r{i:02d}" for i in range(1, 9)]
    assert len(judged) == 18
    before = [(tmp_path / n).read_bytes() for n in ("kept", "dropped", "verdicts")]
    shard.decide()
    assert [(tmp_path / n).read_bytes() for n in ("kept", "dropped", "verdicts")] == before


def test_candidates_under_the_floor_are_counted_and_do_not_decide(tmp_path, monkeypatch):
    from megascience.stages import decontaminate

    def fields(record):
        return None if record["skipped"] else {"question": "q", "item_question": "i"}

    monkeypatch.setattr(decontaminate, "fields", fields)
    answers = {"a/b0": (NO, "stop"), "c/b0": (YES, "stop")}
    candidates = [("a", "b0", False), ("a", "b1", True), ("b", "b2", True), ("c", "b0", False), ("c", "b1", True)]
    kept, dropped, judged = Shard(tmp_path, ["a", "b", "c"], candidates, answers).decide()
    assert kept == ["a", "b"]
    assert list(dropped) == ["c"]
    assert [v["verdict"] for v in judged] == ["no", "skipped", "skipped", "yes", "skipped"]
    assert [v["model"] for v in judged] == ["M", "", "", "M", ""]


def test_a_candidate_that_was_passed_over_without_leave_does_not_clear_a_row(tmp_path, monkeypatch):
    from megascience.stages import decontaminate

    monkeypatch.setattr(decontaminate, "fields", lambda record: None)
    kept, dropped, judged = Shard(tmp_path, ["a"], [("a", "b0", False)], {}).decide()
    assert kept == []
    assert dropped == {"a": ("unreadable", "b b0 (similarity 0.750): not judged")}
    assert [v["verdict"] for v in judged] == ["unreadable"]


def test_no_rows_and_no_candidates(tmp_path):
    assert Shard(tmp_path, [], [], {}).decide() == ([], {}, [])
    assert Shard(tmp_path, ["a", "b"], [], {}).decide() == (["a", "b"], {}, [])  # an index without items


class TestBadInput:
    def test_row_that_was_not_searched(self, tmp_path):
        shard = Shard(tmp_path, ["a", "b"], [("a", "b0", False)], {"a/b0": (NO, "stop")})
        with pytest.raises(InputError, match=r"candidates: row b is not in both .* must not pass"):
            shard.decide()

    def test_candidate_of_another_row(self, tmp_path):
        shard = Shard(tmp_path, ["a"], [("a", "b0", False), ("z", "b0", False)], {})
        with pytest.raises(InputError, match="candidates: row z is not in both"):
            shard.decide()

    def test_completion_that_is_missing(self, tmp_path):
        shard = Shard(tmp_path, ["a"], [("a", "b0", False)], {})
        with pytest.raises(InputError, match="no completion for row a/b0"):
            shard.decide()

    def test_answer_to_another_version_of_the_prompt(self, tmp_path):
        shard = case(tmp_path, {"a": [NO]})
        (tmp_path / "judge.j2").write_text(PROMPT.replace("Judge.", "Judge with care."))
        with pytest.raises(InputError):
            shard.decide()


def test_table_counts_rows_and_verdicts(tmp_path):
    verdicts = [
        ("a", "gsm8k", "yes"),
        ("a", "gsm8k", "yes"),
        ("a", "math", "no"),
        ("b", "gsm8k", "skipped"),
        ("b", "math", "unreadable"),
    ]
    rows = [{"pair_id": str(i), "qa_id": q, "benchmark": b, "verdict": v} for i, (q, b, v) in enumerate(verdicts)]
    write_records(tmp_path / "1", rows[:3], SCHEMAS["verdicts"])
    write_records(tmp_path / "2", rows[3:], SCHEMAS["verdicts"])
    write_records(tmp_path / "3", [], SCHEMAS["verdicts"])
    table = contamination_table({"physics": [tmp_path / "1", tmp_path / "2"], "biology": [tmp_path / "3"]})
    assert list(table) == [
        "discipline", "benchmark", "rows", "rows_contaminated", "candidates", "yes", "no", "unreadable", "skipped",
    ]  # fmt: skip
    assert table.to_numpy().tolist() == [
        ["biology", "all", 0, 0, 0, 0, 0, 0, 0],
        ["physics", "gsm8k", 2, 1, 3, 2, 0, 0, 1],
        ["physics", "math", 2, 0, 2, 0, 1, 1, 0],
        ["physics", "all", 2, 1, 5, 2, 1, 1, 1],
    ]


def test_gold_set_is_what_its_benchmarks_take_it_for():
    import json
    from collections import Counter
    from pathlib import Path

    path = Path(__file__).parents[3] / "workflow" / "gold" / "decontamination.jsonl"
    gold = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(gold) >= 300
    assert len({pair["pair_id"] for pair in gold}) == len(gold)
    assert len(Counter(pair["discipline"] for pair in gold)) == 7
    relations = Counter(pair["relation"] for pair in gold)
    assert min(relations.values()) >= 30 and len(relations) == 8
    questions = Counter(pair["question"] for pair in gold)
    for pair in gold:
        clean = pair["relation"] in ("changed_values", "same_topic")
        assert pair["contaminated"] is not clean
        assert (pair["question"] == pair["item_question"]) is (pair["relation"] == "verbatim")
        assert (pair["language"] == "en") is (pair["relation"] != "translated")
        assert questions[pair["question"]] == 1
        if pair["relation"] == "options_reordered":
            given = [line[3:] for line in pair["question"].splitlines()[1:]]
            assert given != pair["item_options"] and sorted(given) == sorted(pair["item_options"])
