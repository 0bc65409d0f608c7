"""The example sources: real formats, right numbers, and what is planted in them is really there."""

import json
import math
from pathlib import Path

import pytest
import yaml
from megascience.curation.normalize import shingle_hashes
from megascience.ingest.public.import_source import import_source
from megascience.planning.config.read import read_config
from megascience.storage.parquet import read_records

ROOT = Path(__file__).parents[3]
NAMES = ("natural_reasoning", "nemotron_science", "scp_116k")
FIELDS = {
    "natural_reasoning": "question reference_answer responses",
    "nemotron_science": "input output category license reasoning generator used_in_training version system_prompt",
    "scp_116k": "domain problem matched_solution o1_solution is_o1_solution_same_with_matched_solution qwq_solution "
    "is_qwq_solution_same_with_matched_solution",
}
ROWS = {
    name: [json.loads(line) for line in (ROOT / f"examples/sources/{name}.jsonl").read_text("utf-8").splitlines()]
    for name in NAMES
}
#: (source, row from 1) twice: the same question, and the least similarity that deduplication must see.
ALIKE = [
    (("natural_reasoning", 7), ("natural_reasoning", 17)),
    (("scp_116k", 15), ("scp_116k", 19)),
    (("natural_reasoning", 14), ("scp_116k", 1)),
    (("natural_reasoning", 18), ("nemotron_science", 2)),
]
PARAPHRASES = [
    ("natural_reasoning", 19, "scibench.json", 1, "problem_text"),
    ("nemotron_science", 16, "mmlu.jsonl", 1, "question"),
    ("scp_116k", 22, "super_gpqa.json", 0, "question"),
]


def question(name: str, number: int) -> str:
    row = ROWS[name][number - 1]
    return row["input"][-1]["content"] if name == "nemotron_science" else row.get("question", row.get("problem"))


def jaccard(one: str, other: str) -> float:
    import pyarrow as pa

    hashes, offsets = shingle_hashes(pa.chunked_array([[one, other]]), 3)
    first, second = (set(hashes[offsets[i] : offsets[i + 1]].tolist()) for i in (0, 1))
    return len(first & second) / len(first | second)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Source → (kept rows by row number, reasons by row number), imported as the demo does."""
    sources = read_config([ROOT / "config/config.yaml", ROOT / "config/demo.yaml"]).sources
    folder = tmp_path_factory.mktemp("sources")
    results = {}
    for name in NAMES:
        entry = {**sources[name].plain(), "path": str(ROOT / f"examples/sources/{name}.jsonl")}
        kept, dropped = folder / f"{name}.parquet", folder / f"{name}.dropped.parquet"
        import_source(name, entry, kept=[kept], dropped=[dropped], summary=folder / f"{name}.json")
        results[name] = (
            {row["row"]: row for row in read_records(kept)},
            {int(row["id"].rpartition(":")[2]): row["reason"] for row in read_records(dropped)},
        )
    return results


@pytest.mark.parametrize("name", NAMES)
def test_rows_have_the_fields_of_the_real_set(name):
    assert 24 <= len(ROWS[name]) <= 40
    assert all(list(row) == FIELDS[name].split() for row in ROWS[name])
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())["sources"][name]
    assert "hub" in config, "the real set's mapping is the one that the example is read by"


def test_what_cannot_be_used_is_dropped_and_all_else_kept(imported):
    assert {name: reasons for name, (_, reasons) in imported.items()} == {
        "natural_reasoning": {17: "repeated_row", 20: "empty_field", 21: "not_english"},
        "nemotron_science": {20: "empty_field", 21: "not_english"},
        "scp_116k": {20: "empty_field", 21: "not_english"},
    }
    for name, (kept, reasons) in imported.items():
        assert len(kept) + len(reasons) == len(ROWS[name])


def test_reference_answers(imported):
    without = {
        (name, number)
        for name, (kept, _) in imported.items()
        for number, row in kept.items()
        if row["reference_answer"] is None
    }
    assert without == {("natural_reasoning", 22), ("nemotron_science", 19)}
    summary = imported["nemotron_science"][0][11]
    assert summary["reference_answer"] == "From (2 − λ)² = 1 the eigenvalues are **1 and 3**."
    assert summary["answer"].startswith("<think>\n") and summary["licence"] == "cc-by-4.0"


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_planted_duplicates(one, other):
    assert jaccard(question(*one), question(*other)) >= 0.6


def test_no_other_questions_are_alike():
    planted = {frozenset(pair) for pair in ALIKE}
    places = [(name, n) for name in NAMES for n in range(1, len(ROWS[name]) + 1) if question(name, n)]
    for i, one in enumerate(places):
        for other in places[i + 1 :]:
            if frozenset((one, other)) not in planted:
                assert jaccard(question(*one), question(*other)) < 0.5, (one, other)


@pytest.mark.parametrize(("name", "number", "benchmark", "place", "field"), PARAPHRASES)
def test_paraphrased_benchmark_items(name, number, benchmark, place, field):
    text = (ROOT / "examples/benchmarks" / benchmark).read_text()
    items = [json.loads(line) for line in text.splitlines()] if benchmark.endswith("l") else json.loads(text)
    assert jaccard(question(name, number), items[place][field]) < 0.3


def test_the_readme_tells_what_is_planted():
    readme = (ROOT / "examples/README.md").read_text()
    for name, number in [place for pair in ALIKE[2:] for place in pair] + [p[:2] for p in PARAPHRASES]:
        assert f"{name} {number}" in readme, (name, number)


# (source, row, computed again, as the answer has it)
NUMBERS = [
    ("natural_reasoning", 1, (0.5 * 385 * 90 + 4186 * 20) / (0.5 * 385 + 4186), "23.1"),
    ("natural_reasoning", 3, 4.0 / 2.016 * 18.015, "36"),
    ("natural_reasoning", 9, (1 - 1.03 * 0.94) * 100, "3.2"),
    ("natural_reasoning", 18, math.sqrt(2 * 9.8 * 2.5), "7.0"),
    ("natural_reasoning", 19, 0.5 * 8.314 * 300 / 10, "125"),
    ("natural_reasoning", 25, math.log(2) / math.log(1.05), "14.2"),
    ("natural_reasoning", 26, int(f"{256 - 37:b}"), "11011011"),
    ("nemotron_science", 3, 6.626e-34 * 3e8 / 500e-9 * 1e19, "3.98"),
    ("nemotron_science", 6, 2 * 0.7 * 0.3, "0.42"),
    ("nemotron_science", 15, 140 - 124, "16"),
    ("nemotron_science", 23, 500 * 340 / 306, "556"),
    ("scp_116k", 2, 8.314 * 300 * math.log(2) / 1000, "1.73"),
    ("scp_116k", 3, 4.76 + math.log10(2), "5.06"),
    ("scp_116k", 8, -92 + 298 * 0.199, "−32.7"),
    ("scp_116k", 11, 1 - (5 / 6) ** 4, "0.518"),
    ("scp_116k", 12, 0.154 / (2 * math.sin(math.radians(15))), "0.298"),
    ("scp_116k", 13, 0.10 * 0.08206 * 298, "2.4"),
    ("scp_116k", 14, 1.10 - 0.0592 / 2 * math.log10(0.010), "1.16"),
    ("scp_116k", 16, 12 / math.e, "4.4"),
    ("scp_116k", 22, 600e-9 * 2.0 / 0.30e-3 * 1e3, "4.0"),
    ("scp_116k", 23, 10.0 / 58.44 / 0.250, "0.684"),
]


@pytest.mark.parametrize(("name", "number", "value", "shown"), NUMBERS)
def test_numbers(name, number, value, shown, imported):
    digits = len(shown.partition(".")[2])
    assert f"{value:.{digits}f}".replace("-", "−") == shown
    assert shown in imported[name][0][number]["reference_answer"]
