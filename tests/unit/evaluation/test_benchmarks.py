"""Benchmarks: the registry's schema, adapters, shuffling, items, scores and their statistics."""

import csv
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import resulttree as tree
import yaml
from megascience.evaluation.adapters import ADAPTERS
from megascience.evaluation.items import load_items, local_files
from megascience.evaluation.sampling import majority_vote, pass_at_k
from megascience.evaluation.schemas import ITEMS
from megascience.evaluation.scores import score_items, summarize, wilson
from megascience.inference.completions import COMPLETIONS
from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.generate import generate_shard
from megascience.planning.config.benchmarks import load_registry
from megascience.scoring import KINDS, extract
from megascience.stages.evaluate import fields
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records, write_records

ROOT = Path(__file__).parents[3]

ENTRY = """
quiz:
  source: {path: quiz.jsonl}
  adapter: mmlu
  kind: choice
  group: general
"""


def registry(tmp_path, text=ENTRY):
    path = tmp_path / "benchmarks.yaml"
    path.write_text(text, encoding="utf-8")
    return load_registry(path)


def items_of(tmp_path, adapter, rows, kind="choice", name="rows.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return load_items(
        {"name": "quiz", "source": {"path": name}, "adapter": adapter, "kind": kind, "rows": None}, tmp_path
    )


# -- registry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["config/benchmarks.yaml", "examples/benchmarks.yaml"])
def test_the_shipped_registries_have_the_papers_benchmarks(path):
    entries = load_registry(ROOT / path)
    assert set(entries) == {
        "mmlu", "gpqa_diamond", "mmlu_pro", "super_gpqa", "scibench", "olympic_arena", "chembench", "cs_bench", "medqa",
        "medmcqa", "pubmedqa", "piqa", "gsm8k", "math", "math500",
    }  # fmt: skip
    assert [name for name, entry in entries.items() if not entry.in_average] == ["mmlu"]
    assert Counter(e.group for e in entries.values()) == {"general": 6, "specific": 6, "math": 3}


def test_defaults_are_filled_in(tmp_path):
    entry = registry(tmp_path)["quiz"].entry("quiz")
    assert (entry["name"], entry["in_average"], entry["metric"]) == ("quiz", True, "accuracy")
    assert local_files(entry) == ["quiz.jsonl"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("adapter: mmlu", "adapter: mmul", "quiz.adapter is 'mmul'; it must be one of "),
        ("kind: choice", "kind: chioce", "quiz.kind is 'chioce'; it must be one of "),
        ("group: general", "group: all", "quiz.group is 'all'; it must be one of general, specific, math"),
        ("group: general", "group: general\n  shuffle: true", "quiz: unknown key 'shuffle'"),
        ("  adapter: mmlu\n", "", "quiz: key 'adapter' is missing"),
        ("{path: quiz.jsonl}", "{url: x}", "quiz.source: unknown key 'url'; known: hub, path"),
        ("{path: quiz.jsonl}", "{path: []}", "quiz.source.path is []; it must be"),
        ("{path: quiz.jsonl}", "{hub: {repo: a/b, revision: main, files: [x]}}", "commit of 40 hex digits"),
        ("{path: quiz.jsonl}", "{hub: {repo: a/b, files: [x]}}", "hub: key 'revision' is missing"),
        ("quiz:", "Quiz 1:", "the name 'Quiz 1' must be lower-case letters, digits and _"),
        ("kind: choice", "kind: choice\n  rows: 0", "quiz.rows is 0; it must be at least 1"),
        ("kind: choice", "kind: choice\n  in_average: 1", "quiz.in_average is 1; it must be true or false"),
    ],
)
def test_faults_name_file_and_entry(tmp_path, old, new, message):
    with pytest.raises(InputError) as caught:
        registry(tmp_path, ENTRY.replace(old, new))
    assert message in str(caught.value)
    assert "benchmarks.yaml" in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        registry(tmp_path, ENTRY.replace("adapter: mmlu", "adapter: x").replace("group: general", "group: y"))
    assert len(str(caught.value).splitlines()) == 2


def test_an_absent_or_broken_registry(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_registry(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read as YAML"):
        registry(tmp_path, "a: [")


# -- items --------------------------------------------------------------------------------------------------------


def test_every_example_file_is_read_without_loss():
    for name, benchmark in load_registry(ROOT / "examples" / "benchmarks.yaml").items():
        entry = benchmark.entry(name)
        items = load_items(entry, ROOT)
        assert len(items) == 3 * len(local_files(entry)), entry["name"]
        assert len({item["item_id"] for item in items}) == len(items)
        for item in items:
            if item["kind"] == "choice" and item["options"]:
                assert ord(item["answer"]) - 65 < len(item["options"])


def test_adapters_read_hub_and_file_forms_alike(tmp_path):
    hub = items_of(tmp_path, "mmlu", [{"question": "q", "choices": ["a", "b"], "answer": 1, "subject": "s"}])
    local = items_of(tmp_path, "mmlu", [{"question": "q", "options": ["a", "b"], "answer": "B"}])
    assert hub == local
    assert items_of(tmp_path, "gsm8k", [{"question": "q", "answer": "1 + 1 = 2\n#### 2"}], "number")[0]["answer"] == "2"
    math = items_of(tmp_path, "math", [{"problem": "p", "solution": "So \\boxed{1}, no: $\\boxed{\\frac{1}{2}}$."}])
    assert math[0]["answer"] == "\\frac{1}{2}"


def test_items_fit_the_schema(tmp_path):
    items = items_of(
        tmp_path, "scibench", [{"problem_text": " p ", "answer_number": " -2.5 ", "unit": " $\\mathrm{m}$ "}]
    )
    write_records(tmp_path / "items.parquet", items, ITEMS)
    (row,) = read_records(tmp_path / "items.parquet", ITEMS)
    assert (row["question"], row["answer"], row["unit"]) == ("p", "-2.5", "\\mathrm{m}")


def test_typed_answers_keep_their_kind(tmp_path):
    rows = [
        {"problem": "p1", "answer": ["5"], "answer_type": "NV", "unit": "m"},
        {"problem": "p2", "answer": ["A", "C"], "answer_type": "MC", "unit": None},
        {"problem": "p3", "answer": ["1", "2"], "answer_type": "MPV", "unit": None},
        {"problem": "p4", "answer": ["def"], "answer_type": "CODE", "unit": None},
        {"problem": "p5", "answer": ["5"], "answer_type": "NV", "unit": "m", "figure_urls": ["x.png"]},
    ]
    found = [(i["kind"], i["answer"], i["unit"]) for i in items_of(tmp_path, "olympic_arena", rows, "auto")]
    assert found == [("quantity", "5", "m"), ("multi_choice", "A,C", None), ("tuple", "(1, 2)", None)]


@pytest.mark.parametrize(
    ("adapter", "row", "message"),
    [
        ("mmlu", {"question": "q", "options": ["a"], "answer": "B"}, "field 'answer' is 'B', not a letter of one of 1"),
        ("mmlu", {"question": "q", "options": ["a"]}, "field 'answer' is missing"),
        ("mmlu", {"question": " ", "options": ["a"], "answer": "A"}, "the question is empty"),
        ("medmcqa", {"question": "q", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": -1}, "field 'cop' is -1"),
        ("piqa", {"goal": "g", "sol1": "a", "sol2": "b", "label": "x"}, "field 'label' is 'x'"),
        ("medqa", {"question": "q", "options": {"A": "a", "C": "c"}, "answer_idx": "A"}, "letters A, C"),
        ("pubmedqa", {"question": "q", "context": {"contexts": ["c"]}, "final_decision": "perhaps"}, "'perhaps'"),
        ("scibench", {"problem_text": "p", "answer_number": "five m", "unit": None}, "unit"),
        ("scibench", {"problem_text": "p", "answer_number": "", "unit": ""}, "not a number"),
        ("cs_bench_assertion", {"Question": "q", "Answer": "yes"}, "not True or False"),
        ("math", {"problem": "p", "solution": "none"}, "has no \\boxed answer"),
        ("chembench", {"examples": [{"input": "q", "target_scores": '{"a": 0}'}]}, "without a right option"),
    ],
)  # fmt: skip
def test_malformed_rows_name_file_row_and_field(tmp_path, adapter, row, message):
    good = {"question": "q", "options": ["a", "b"], "answer": "A"}
    with pytest.raises(InputError) as caught:
        items_of(tmp_path, adapter, [good, row] if adapter == "mmlu" else [row])
    assert "rows.jsonl, row " + ("2" if adapter == "mmlu" else "1") in str(caught.value)
    assert message in str(caught.value)


def test_broken_json_missing_files_and_wrong_counts(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"question": "q"\n', encoding="utf-8")
    entry = {"name": "quiz", "source": {"path": "rows.jsonl"}, "adapter": "mmlu", "kind": "choice", "rows": None}
    with pytest.raises(InputError, match="rows.jsonl, row 1: is not valid JSON"):
        load_items(entry, tmp_path)
    with pytest.raises(InputError, match="none.jsonl is missing"):
        load_items({**entry, "source": {"path": "none.jsonl"}}, tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"question": "q", "options": ["a"], "answer": "A"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="have 1 rows, the registry says 2"):
        load_items({**entry, "rows": 2}, tmp_path)


def test_an_item_that_stands_there_twice_keeps_both_rows(tmp_path):
    row = {"question": "q", "options": ["a", "b"], "answer": "A"}
    items = items_of(tmp_path, "mmlu", [row, row, row])
    assert len({item["item_id"] for item in items}) == 3


def test_ids_depend_on_the_question_and_its_options_alone(tmp_path):
    rows = [{"question": f"q{i}", "options": ["a", "b"], "answer": "A"} for i in range(3)]
    first, second = items_of(tmp_path, "mmlu", rows), items_of(tmp_path, "mmlu", rows[::-1])
    assert [i["item_id"] for i in first] == [i["item_id"] for i in second[::-1]]


def test_right_answers_are_spread_evenly(tmp_path):
    def row(i):
        return {"Question": f"question {i}", "Correct Answer": "right",
                **{f"Incorrect Answer {k}": f"wrong {k}" for k in (1, 2, 3)}}  # fmt: skip

    items = items_of(tmp_path, "gpqa", [row(i) for i in range(2000)])
    counts = Counter(item["answer"] for item in items)
    assert all(item["options"][ord(item["answer"]) - 65] == "right" for item in items)
    # chi-square with three degrees of freedom: 16.3 is passed by chance once in a thousand times
    assert sum((counts[letter] - 500) ** 2 / 500 for letter in "ABCD") < 16.3


def test_a_hub_source_is_read_at_its_commit(tmp_path, monkeypatch):
    import huggingface_hub

    asked = {}

    def download(repo, *, repo_type, revision, allow_patterns):
        asked.update(repo=repo, repo_type=repo_type, revision=revision, patterns=allow_patterns)
        (tmp_path / "data").mkdir()
        rows = [{"question": "q", "options": ["a", "b"], "answer": "B"}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "test-0.parquet")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    hub = {"repo": "who/what", "revision": "a" * 40, "files": ["data/test-*.parquet"]}
    entry = {"name": "quiz", "source": {"hub": hub}, "adapter": "mmlu", "kind": "choice", "rows": 1}
    (item,) = load_items(entry, "nowhere")
    assert item["answer"] == "B"
    assert asked == {"repo": "who/what", "repo_type": "dataset", "revision": "a" * 40, "patterns": hub["files"]}
    with pytest.raises(InputError, match="has no file 'other'"):
        monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: str(tmp_path))
        load_items({**entry, "source": {"hub": {**hub, "files": ["other"]}}}, "nowhere")


def test_an_unreachable_hub_says_what_to_do(monkeypatch):
    import huggingface_hub

    def download(*args, **kwargs):
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    hub = {"repo": "who/what", "revision": "a" * 40, "files": ["x"]}
    entry = {"name": "quiz", "source": {"hub": hub}, "adapter": "mmlu", "kind": "choice"}
    with pytest.raises(InputError, match="who/what at a{40} cannot be had.*give a local path"):
        load_items(entry)


def test_csv_files(tmp_path):
    with open(tmp_path / "gpqa.csv", "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, ["Question", "Correct Answer", *(f"Incorrect Answer {i}" for i in (1, 2, 3))])
        writer.writeheader()
        writer.writerow({"Question": 'a "quoted"\nquestion', "Correct Answer": "r", "Incorrect Answer 1": "x",
                         "Incorrect Answer 2": "y", "Incorrect Answer 3": "z"})  # fmt: skip
    entry = {"name": "g", "source": {"path": "gpqa.csv"}, "adapter": "gpqa", "kind": "choice"}
    (item,) = load_items(entry, tmp_path)
    assert item["question"] == 'a "quoted"\nquestion'
    assert sorted(item["options"]) == ["r", "x", "y", "z"]


def test_every_adapter_is_used():
    used = {e.adapter for p in ("config", "examples") for e in load_registry(ROOT / p / "benchmarks.yaml").values()}
    assert set(ADAPTERS) - used == {"cs_bench_assertion", "cs_bench_choice"}  # parts of cs_bench


# -- scores -------------------------------------------------------------------------------------------------------


def item(number, answer="B", kind="choice", **more):
    return {"item_id": f"i{number}", "benchmark": "quiz", "question": f"q{number}", "options": ["a", "b", "c", "d"],
            "context": "", "answer": answer, "kind": kind, "unit": None, "tolerance": None, **more}  # fmt: skip


PROMPTS = {"evaluate": load_prompt(ROOT / "prompts/evaluate.j2")}


def completion(identifier, text, finish="stop", tokens=10, sample=0):
    return {"id": identifier, "prompt": "evaluate", "sample": sample, "text": text, "finish_reason": finish,
            "completion_tokens": tokens}  # fmt: skip


def test_items_and_completions_are_joined_by_id():
    items = [item(1), item(2), item(3, "5", "number", options=[], tolerance=0.1)]
    completions = [
        completion("i3", "The answer is 5.4."), completion("other", "A"), completion("i2", "no idea", "length"),
        completion("i1", "The answer is B.", tokens=40),
    ]  # fmt: skip
    rows = score_items(items, completions, PROMPTS)
    assert [(r["item_id"], r["verdict"], r["extracted"]) for r in rows] == [
        ("i1", "correct", "B"), ("i2", "unreadable", None), ("i3", "correct", "5.4"),
    ]  # fmt: skip
    summary = summarize(rows)
    assert {k: summary[k] for k in ("n", "samples", "correct", "unreadable", "truncated", "mean_tokens")} == {
        "n": 3, "samples": 3, "correct": 2, "unreadable": 1, "truncated": 1, "mean_tokens": 20.0,
    }  # fmt: skip
    assert summary["accuracy"] == summary["score"] == pytest.approx(2 / 3)


def test_rows_show_what_the_model_was_asked():
    (row,) = score_items([item(1)], [completion("i1", "B")], PROMPTS)
    (message,) = json.loads(row["prompt"])
    assert message["role"] == "user"
    assert "q1" in message["content"] and "D. d" in message["content"] and "\\boxed{X}" in message["content"]


def test_an_item_without_completion_is_an_error():
    with pytest.raises(InputError, match="item i2 of quiz: has no completion"):
        score_items([item(1), item(2)], [completion("i1", "B")], PROMPTS)


def test_several_samples():
    texts = ["The answer is B."] * 3 + ["The answer is A."] * 2
    completions = [completion("i1", text, sample=n) for n, text in enumerate(texts)]
    completions += [completion("i2", "The answer is C.", sample=n) for n in range(5)]
    rows = score_items([item(1), item(2)], completions[::-1], PROMPTS)
    assert [row["sample"] for row in rows] == [*range(5)] * 2
    summary = summarize(rows)
    assert summary["accuracy"] == pytest.approx(0.3)
    assert summary["majority"] == 0.5
    assert summary["pass_at_k"]["1"] == pytest.approx(0.3)
    assert summary["pass_at_k"]["4"] == pytest.approx(0.5)
    assert set(summary["pass_at_k"]) == {"1", "2", "4", "5"}
    assert summary["score"] == summary["accuracy"]
    majority = summarize(rows, "majority", "choice")
    assert (majority["score"], majority["accuracy"], majority["metric"]) == (0.5, pytest.approx(0.3), "majority")
    assert majority["ci_low"] == pytest.approx(wilson(1, 2)[0])
    for metric, values in (("accuracy", (0.6, 0.0)), ("majority", (1.0, 0.0)), ("pass@2", (0.9, 0.0))):
        rows = score_items([item(1), item(2)], completions, PROMPTS, metric=metric)
        assert [row["item_score"] for row in rows] == pytest.approx([values[0]] * 5 + [values[1]] * 5)
    assert summarize(rows, "pass@2")["score"] == pytest.approx(0.45)
    with pytest.raises(InputError, match="pass@8.*needs 8 samples an item, not 5; raise evaluate.samples"):
        summarize(rows, "pass@8")


def test_wilson_against_known_values():
    # R: binom::binom.wilson(81, 263)
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(0, 0) == (0.0, 1.0)


def test_pass_at_k_against_enumeration():
    from itertools import combinations

    for n, c, k in ((5, 2, 1), (5, 2, 3), (6, 0, 2), (6, 6, 4), (7, 3, 5)):
        samples = [True] * c + [False] * (n - c)
        draws = list(combinations(samples, k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    with pytest.raises(ValueError, match="pass@6 of 5"):
        pass_at_k(5, 2, 6)


def vote(*answers):
    return majority_vote([{"extracted": a, "verdict": "correct" if a in ("1/2", "0.5") else "wrong"} for a in answers])


def test_majority_votes_count_equal_answers_together():
    assert vote("1/2", "0.5", "3", "3", "\\frac{1}{2}") is True
    assert vote("3", "3", "0.5") is False
    assert vote(None, None, "0.5") is True
    assert vote(None) is False


FEW_SHOT = load_prompt(ROOT / "prompts/evaluate_few_shot.j2")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "auto"])
def test_few_shot_examples_are_answered_in_a_form_that_the_scorer_reads(kind):
    options = ["x", "y"] if kind in ("choice", "multi_choice") else []
    (message,) = FEW_SHOT.render(fields(item(1, kind=kind, options=options)))
    assert message["role"] == "text"
    *examples, asked = message["content"].split("\nQuestion:")
    assert len(examples) >= 2
    assert all(extract(example.split("Answer:")[1], kind).rule == "answer phrase" for example in examples)
    assert "q1" in asked and asked.endswith("\nAnswer:")
    assert all(end in "\nQuestion:" for end in FEW_SHOT.stop)


def test_a_benchmark_is_asked_with_its_own_prompt():
    asked = {"quiz": "evaluate", "riddles": "short"}
    assert fields({**item(1), "prompts": asked, "prompt": "evaluate"}) is not None
    assert fields({**item(1), "prompts": asked, "prompt": "short"}) is None
    assert fields({**item(1, benchmark="riddles"), "prompts": asked, "prompt": "short"}) is not None


def test_base_models_get_the_few_shot_prompt_and_benchmarks_their_own(tmp_path):
    registry = yaml.safe_load((ROOT / "config/benchmarks.yaml").read_text())
    registry["gsm8k"]["prompt"] = "prompts/small/evaluate.j2"
    (tmp_path / "benchmarks.yaml").write_text(yaml.safe_dump(registry))
    model = {"name": "m", "revision": "r", "format": "served", "context": 1000}
    plan = tree.plan(
        tmp_path,
        models={"big": model, "small": model, "base": {**model, "base": True}, "chat": model},
        evaluate={
            "registry": str(tmp_path / "benchmarks.yaml"),
            "benchmarks": ["mmlu", "gsm8k"],
            "prompt": "prompts/evaluate.j2",
            "sampling": {"max_tokens": 9},
        },
    )
    assert set(plan.benchmark_prompts("base").values()) == {"prompts/evaluate_few_shot.j2"}
    # an experiment's checkpoint is not a model of the config: it was tuned
    for model in ("chat", "tuned"):
        assert plan.benchmark_prompts(model) == {
            "mmlu": "prompts/evaluate.j2", "gsm8k": "prompts/small/evaluate.j2",
        }  # fmt: skip
    assert "prompt" not in plan.benchmark_source("gsm8k")


def test_from_requests_to_scores_with_samples_and_two_prompts(tmp_path):
    """Each benchmark is asked with its own prompt, several times an item, and every sample is scored."""
    items = [item(1), item(2, "5", "number", benchmark="sums", options=[])]
    write_records(tmp_path / "items.parquet", items, ITEMS)
    (tmp_path / "answers.yaml").write_text(yaml.safe_dump([
        {"contains": "Question: q2", "text": ["The answer is 5.", "The answer is 6.", "The answer is 7."]},
        {"contains": "q1", "text": "The answer is B."},
    ]))  # fmt: skip
    prompts = [ROOT / "prompts/evaluate.j2", ROOT / "prompts/evaluate_few_shot.j2"]
    generate_shard(
        stage="evaluate",
        records=[tmp_path / "items.parquet"],
        prompts=prompts,
        output=tmp_path / "completions.parquet",
        cost=tmp_path / "cost.json",
        journal=tmp_path / "journal.jsonl",
        model=ModelSpec("m", "r", "canned", context=4096, serving={"answers": str(tmp_path / "answers.yaml")}),
        sampling=Sampling(temperature=0.8, max_tokens=50),
        retries=0,
        constrain=False,
        samples=2,
        given={"prompts": {"quiz": "evaluate", "sums": "evaluate_few_shot"}},
    )
    completions = read_records(tmp_path / "completions.parquet", COMPLETIONS)
    rows = score_items(items, completions, {prompt.name: prompt for prompt in map(load_prompt, prompts)})
    assert [(r["item_id"], r["sample"], json.loads(r["prompt"])[0]["role"]) for r in rows] == [
        ("i1", 0, "user"), ("i1", 1, "user"), ("i2", 0, "text"), ("i2", 1, "text"),
    ]  # fmt: skip
    assert summarize(rows[2:], "pass@2")["score"] == 1.0
    assert summarize(rows[:2])["score"] == 1.0 and summarize(rows[2:])["score"] == 0.5
