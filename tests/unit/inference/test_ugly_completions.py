"""Completions as models write them on bad days: what each stage makes of them is data in tests/data/completions."""

from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from megascience.inference.completions import COMPLETIONS
from megascience.inference.parse import Parsed, iter_parsed
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.drops import Drop
from megascience.storage.parquet import write_records
from owned import SCHEMAS

DATA = Path(__file__).parents[2] / "data" / "completions"
SHEETS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.yaml"))}
CASES = [
    pytest.param(stem, k, id=f"{stem}: {case['name']}")
    for stem, sheet in SHEETS.items()
    for k, case in enumerate(sheet["cases"])
]

PAIR = {
    "qa_id": "q",
    "chunk_id": "c",
    "book_id": "b",
    "discipline": "physics",
    "standard": "low",
    "question": "old question",
    "answer": "old answer",
}
CHUNK = {"chunk_id": "c", "book_id": "b", "discipline": "physics", "text": "chunk"}
CANDIDATE = {
    "pair_id": "p",
    "qa_id": "q",
    "question": "old question",
    "benchmark": "bench",
    "item_id": "item",
    "item_question": "item question",
    "skipped": False,
}
SAMPLE = {"sample_id": "q:0", "id": "q", "question": "old question", "reference_answer": "42", "response": "43"}
RECORDS = {
    "extract": CHUNK,
    "decontaminate": CANDIDATE,
    "distill_cot": {**PAIR, "has_reasoning": False},
    "difficulty_score": SAMPLE,
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of each case, by sheet and number: each sheet goes through its stage as one shard of real files."""
    return {stem: run(sheet, tmp_path_factory.mktemp(stem)) for stem, sheet in SHEETS.items()}


def run(sheet: dict, folder: Path) -> list[Parsed]:
    stage = sheet["stage"]
    row = RECORDS.get(stage, PAIR)
    key = next(iter(row))
    records = [{**row, key: f"{k:04d}"} for k in range(len(sheet["cases"]))]
    head = {name: sheet[name] for name in ("answer", "repeat", "none") if name in sheet}
    prompt = folder / "any_low.j2"
    prompt.write_text(f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n{{% block user %}}x{{% endblock %}}\n")
    completions = [
        {
            "id": record[key],
            "prompt": "any_low",
            "sample": 0,
            "prompt_hash": load_prompt(prompt).hash,
            "text": case["text"],
            "finish_reason": case.get("finish", "stop"),
            "completion_tokens": case.get("tokens", 100),
        }
        for record, case in zip(records, sheet["cases"], strict=True)
    ]
    write_records(folder / "records.parquet", records, pa.Table.from_pylist(records).schema)
    write_records(folder / "completions.parquet", completions, COMPLETIONS)
    write_records(folder / "chunks.parquet", [CHUNK], SCHEMAS["chunk"])
    parsed = iter_parsed(
        stage=stage,
        records=[folder / "records.parquet"],
        completions=folder / "completions.parquet",
        prompts=[prompt],
        join=folder / "chunks.parquet" if stage == "refine" else None,
        given={"max_response_tokens": 4096} if stage == "annotate" else None,
    )
    return list(parsed)


def shown(outcome: object, names: object) -> object:
    """A drop as its reason, a row as the columns that are asked for."""
    if isinstance(outcome, Drop):
        return outcome.reason
    return {name: outcome[name] for name in names} if isinstance(outcome, dict) else outcome


@pytest.mark.parametrize(("stem", "number"), CASES)
def test_completion(stem, number, outcomes):
    parsed, expected = outcomes[stem][number], SHEETS[stem]["cases"][number]["expect"]
    if isinstance(expected, list):
        assert isinstance(parsed.outcome, list)
        assert [shown(part, ["question", "answer"]) for part in parsed.outcome] == expected
    elif isinstance(expected, dict):
        assert parsed.outcome == {**parsed.record, **expected}
    else:
        assert shown(parsed.outcome, ()) == expected


def test_there_are_enough_cases_and_none_twice():
    names = [(stem, case["name"]) for stem, sheet in SHEETS.items() for case in sheet["cases"]]
    assert len(names) >= 200 and len(set(names)) == len(names)
