"""A small refine shard with a canned model, for tests of inference."""

import json
from pathlib import Path

import yaml
from megascience.inference.completions import COMPLETIONS
from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.generate import generate_shard
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS

GOOD = "<question>What?</question>\n<answer>That.</answer>"
PROMPT = """---
answer:
  question: text
  answer: text
---
{% block user %}{{ document }}
{{ question }} {{ answer }}{% endblock %}
"""


class Shard:
    """A small refine shard in a folder, with a canned model."""

    def __init__(self, folder: Path, pairs: int = 12, chunks: int = 4) -> None:
        self.folder = folder
        self.pairs = [pair(i, i % chunks) for i in range(pairs)]
        self.rules = [{"text": GOOD}]
        self.serving = {"answers": str(folder / "answers.yaml"), "log": str(folder / "sent.jsonl")}
        self.settings = {"retries": 2, "constrain": True, "sampling": Sampling(max_tokens=100), "context": 4096}
        self.texts = {f"c{c}": f"Document {c}." for c in range(chunks)}
        self.budget = None
        self.prompt(PROMPT)

    def prompt(self, text: str, name: str = "refine") -> None:
        (self.folder / f"{name}.j2").write_text(text)

    def write(self) -> dict:
        folder = self.folder
        write_records(folder / "pairs.parquet", self.pairs, SCHEMAS["dedup"])
        chunks = [
            {"chunk_id": c, "book_id": "b", "discipline": "physics", "page_first": 1, "page_last": 1, "text": text}
            for c, text in self.texts.items()
        ]
        write_records(folder / "chunks.parquet", chunks, SCHEMAS["chunk"])
        (folder / "answers.yaml").write_text(yaml.safe_dump(self.rules))
        return {
            "stage": "refine",
            "records": [folder / "pairs.parquet"],
            "prompts": [folder / "refine.j2"],
            "output": folder / "completions.parquet",
            "cost": folder / "cost.json",
            "journal": folder / "journal.jsonl",
            "model": ModelSpec("model", "rev", "canned", context=self.settings["context"], serving=self.serving),
            "sampling": self.settings["sampling"],
            "retries": self.settings["retries"],
            "constrain": self.settings["constrain"],
            "join": folder / "chunks.parquet",
            "budget": self.budget,
        }

    def run(self, **changes) -> list[dict]:
        generate_shard(**{**self.write(), **changes})
        return read_records(self.folder / "completions.parquet", COMPLETIONS)

    def sent(self) -> list[dict]:
        path = self.folder / "sent.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def cost(self) -> dict:
        return json.loads((self.folder / "cost.json").read_text())


def pair(i: int, chunk: int) -> dict:
    return {
        "qa_id": f"q{i}",
        "chunk_id": f"c{chunk}",
        "book_id": "b",
        "discipline": "physics",
        "standard": "high",
        "question": f"Question {i}?",
        "answer": f"Answer {i}.",
    }
