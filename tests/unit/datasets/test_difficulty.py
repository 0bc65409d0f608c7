"""Difficulty: sampled answers, their scores, and what stays known of both."""

from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from megascience.cli.difficulty import difficulty
from megascience.cli.main import main
from megascience.datasets.difficulty import score_shard
from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.generate import generate_shard
from megascience.inference.parse import parse_shard
from megascience.stages.prompting.joins import completer
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS

ROWS = [
    {"qa_id": "easy", "question": "What is 1 + 1?", "answer": "2", "reference_answer": "2"},
    {"qa_id": "bare", "question": "Why?", "answer": "Because.", "reference_answer": None},
    {"qa_id": "mixed", "question": "What is 2 + 2?", "answer": "4", "reference_answer": "4"},
    {"qa_id": "lost", "question": "What is mumbled?", "answer": "x", "reference_answer": "x"},
]
SAMPLES = 4


class Shard:
    """A shard of a pool, its sampled answers and their scores, on canned models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = self.write("pool", ROWS, SCHEMAS["import_source"])
        prompts = {
            "difficulty_sample": "---\nanswer: text\n---\n{% block user %}{{ question }}{% endblock %}",
            "difficulty_score": "---\nanswer: {score: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\n---\n"
            "{% block user %}{{ question }} {{ reference_answer }} Said: {{ response }}{% endblock %}",
        }
        for name, text in prompts.items():
            (folder / f"{name}.j2").write_text(text)
        self.run("difficulty_sample", self.records, [{"text": ["one", "two", "three", "four"]}], 0.7, SAMPLES)
        parse_shard(
            stage="difficulty_sample",
            records=[self.records],
            samples=SAMPLES,
            **self.parsed("difficulty_sample"),
        )

    def write(self, name: str, rows: list[dict], schema: pa.Schema) -> Path:
        path = self.folder / name / "pool" / "000.parquet"
        write_records(path, rows, schema)
        return path

    def file(self, stage: str, kind: str = "") -> Path:
        return self.folder / stage / "pool" / f"000{kind}.parquet"

    def parsed(self, stage: str) -> dict:
        return {
            "completions": self.file(stage, ".completions"),
            "prompts": [self.folder / f"{stage}.j2"],
            "kept": self.file(stage),
            "dropped": self.file(stage, ".dropped"),
        }

    def run(self, stage: str, records: Path, rules: list[dict], temperature: float = 0.0, samples: int = 1) -> None:
        answers = self.folder / f"{stage}.yaml"
        answers.write_text(yaml.safe_dump(rules))
        serving = {"answers": str(answers), "log": str(self.folder / f"{stage}.sent.jsonl")}
        generate_shard(
            stage=stage,
            records=[records],
            prompts=[self.folder / f"{stage}.j2"],
            output=self.file(stage, ".completions"),
            cost=self.folder / f"{stage}.json",
            journal=self.folder / f"{stage}.jsonl",
            model=ModelSpec(f"org/{stage}", "r1", "canned", serving=serving),
            sampling=Sampling(temperature=temperature, max_tokens=100),
            retries=2,
            constrain=False,
            samples=samples,
        )

    def score(self, rules: list[dict]) -> list[dict]:
        self.run("difficulty_score", self.file("difficulty_sample"), rules)
        score_shard(records=[self.file("difficulty_sample")], **self.parsed("difficulty_score"))
        return read_records(self.file("difficulty_score"))


RULES = [
    {"contains": "mumbled", "text": "a lot"},
    {"contains": "1 + 1", "text": "<score>10</score>"},
    {"contains": "Said: one", "text": "<score>3</score>"},
    {"contains": "Said: two", "text": ["a lot", "<score>6</score>"]},  # readable at the second attempt
    {"contains": "Said: three", "text": "a lot"},
    {"text": "<score>0</score>"},
]


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return Shard(tmp_path)


def test_each_sample_is_a_row_and_is_found_by_its_question(shard: Shard) -> None:
    rows = read_records(shard.file("difficulty_sample"))
    assert [(row["id"], row["sample"], row["response"]) for row in rows[:4]] == [
        ("easy", 0, "one"),
        ("easy", 1, "one"),
        ("easy", 2, "one"),
        ("easy", 3, "one"),
    ]
    assert [row["sample_id"] for row in rows[4:8]] == ["mixed:0", "mixed:1", "mixed:2", "mixed:3"]
    assert rows[0]["reference_answer"] == "2" and rows[0]["completion_tokens"] == 1


def test_a_question_without_reference_answer_is_dropped_and_asks_nothing(shard: Shard) -> None:
    (drop,) = read_records(shard.file("difficulty_sample", ".dropped"))
    assert (drop["id"], drop["reason"]) == ("bare", "missing_reference")
    assert len((shard.folder / "difficulty_sample.sent.jsonl").read_text().splitlines()) == 3 * SAMPLES


def retold(shard: Shard) -> None:
    """Give the samples of a question different texts, as a model does that is not canned."""
    rows = read_records(shard.file("difficulty_sample"))
    words = ("one", "two", "three", "four")
    rows = [{**row, "response": words[row["sample"]]} for row in rows]
    write_records(shard.file("difficulty_sample"), rows, SCHEMAS["difficulty_sample"])


def test_mean_and_spread_leave_unreadable_scores_out(shard: Shard) -> None:
    retold(shard)
    easy, mixed = shard.score(RULES)
    assert easy == {"id": "easy", "mean": 10.0, "spread": 0.0, "n_scored": 4, "n_unreadable": 0, "scores": [10] * 4}
    assert (mixed["id"], mixed["scores"]) == ("mixed", [3, 6, None, 0])
    assert (mixed["mean"], mixed["n_scored"], mixed["n_unreadable"]) == (3.0, 3, 1)
    assert mixed["spread"] == pytest.approx(6**0.5)
    asked = {row["id"]: row["attempts"] for row in read_records(shard.file("difficulty_score", ".completions"))}
    assert (asked["mixed:0"], asked["mixed:1"], asked["mixed:2"]) == (1, 2, 3)


def test_a_question_without_any_readable_score_is_dropped(shard: Shard) -> None:
    shard.score(RULES)
    (drop,) = read_records(shard.file("difficulty_score", ".dropped"))
    assert drop == {
        "id": "lost",
        "stage": "difficulty_score",
        "reason": "unscored",
        "detail": "4 unreadable scores",
    }


def test_samples_of_a_question_must_stand_together(shard: Shard) -> None:
    rows = read_records(shard.file("difficulty_sample"))
    write_records(shard.file("difficulty_sample"), [*rows[1:], rows[0]], SCHEMAS["difficulty_sample"])
    with pytest.raises(InputError, match="the answers to question easy are apart; sample them again"):
        shard.score(RULES)


def test_scores_and_answers_stay_available_by_id(shard: Shard, capsys: pytest.CaptureFixture[str]) -> None:
    retold(shard)
    shard.score(RULES)
    text = difficulty(shard.folder, "mixed")
    assert "mean score 3.00, spread 2.45, of 3 scores, 1 unreadable" in text
    assert "sample 1: score 6" in text and "sample 2: no readable score" in text and "three" in text
    assert "no score" in difficulty(shard.folder, "lost")
    assert main(["difficulty", "mixed", "--results", str(shard.folder)]) == 0
    assert capsys.readouterr().out == f"{text}\n"
    with pytest.raises(InputError, match="bare: no answer to a question of this id was sampled"):
        difficulty(shard.folder, "bare")


def test_a_record_is_completed_by_its_difficulty_and_by_settings(shard: Shard) -> None:
    retold(shard)
    shard.score(RULES)
    complete = completer(shard.file("difficulty_score"), {"below": 6})
    assert complete({"qa_id": "mixed"}, "x") == {"qa_id": "mixed", "difficulty": 3.0, "below": 6}
    assert complete({"qa_id": "bare"}, "x")["difficulty"] is None
    with pytest.raises(InputError, match="holds neither chunks nor difficulty scores, but begins with .* 'qa_id'"):
        completer(shard.records)


def test_distillation_asks_about_hard_questions_and_keeps_every_column(shard: Shard) -> None:
    retold(shard)
    shard.score(RULES)
    (shard.folder / "annotate.j2").write_text(
        "---\nanswer: {answer: text}\n---\n{% block user %}{{ question }}{% endblock %}"
    )
    answers = shard.folder / "annotate.yaml"
    answers.write_text(yaml.safe_dump([{"text": "<answer>again</answer>"}]))
    join = shard.file("difficulty_score")
    generate_shard(
        stage="annotate",
        records=[shard.records],
        prompts=[shard.folder / "annotate.j2"],
        output=shard.file("annotate", ".completions"),
        cost=shard.folder / "annotate.json",
        journal=shard.folder / "annotate.jsonl",
        model=ModelSpec("org/strong", "r1", "canned", serving={"answers": str(answers)}),
        sampling=Sampling(max_tokens=100),
        retries=0,
        constrain=False,
        join=join,
        given={"below": 6},
    )
    given = {"below": 6, "max_response_tokens": 10}
    parse_shard(stage="annotate", records=[shard.records], join=join, given=given, **shard.parsed("annotate"))
    rows = read_records(shard.file("annotate"))
    assert [(row["qa_id"], row["answer"], row["annotated"]) for row in rows] == [
        ("easy", "2", None),
        ("bare", "Because.", None),
        ("mixed", "again", True),
        ("lost", "x", None),
    ]
    assert list(rows[0]) == [*SCHEMAS["import_source"].names, "annotated"]
