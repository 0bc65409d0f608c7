"""The scorer on its labelled cases: at least 99 % right, and every kind of careless reading is among them."""

import json
from collections import Counter
from pathlib import Path

import pytest
from megascience.scoring import KINDS, compare, score

FOLDER = Path(__file__).parents[2] / "data" / "scoring"
CASES = [
    json.loads(line)
    for path in sorted(FOLDER.glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


def label(case):
    if "completion" in case:
        return score(case["completion"], case["reference"], case["kind"], case.get("options"), case.get("unit")).label
    return compare(case["candidate"], case["reference"], case["kind"], unit=case.get("unit")).label


@pytest.fixture(scope="module")
def labels():
    return [label(case) for case in CASES]


def test_there_are_enough_cases_of_every_kind_and_a_third_must_not_score():
    assert len(CASES) >= 600
    assert {case["kind"] for case in CASES} == set(KINDS)
    assert sum(case["label"] != "correct" for case in CASES) >= len(CASES) / 3


def test_accuracy_is_at_least_99_percent(labels):
    misses = [(case, found) for case, found in zip(CASES, labels, strict=True) if found != case["label"]]
    assert len(misses) <= len(CASES) / 100, "\n".join(f"{found}: {case}" for case, found in misses)


def test_no_wrong_answer_scores_correct(labels):
    taken = [case for case, found in zip(CASES, labels, strict=True) if found == "correct" != case["label"]]
    assert taken == []


def test_cases_are_not_repeated():
    counts = Counter(json.dumps(case, sort_keys=True) for case in CASES)
    assert [case for case, n in counts.items() if n > 1] == []


@pytest.mark.parametrize(
    "case", [c for c in CASES if "candidate" in c and "unit" not in c and c["kind"] not in ("number", "quantity")]
)
def test_places_can_be_exchanged(case):
    there = compare(case["candidate"], case["reference"], case["kind"]).correct
    back = compare(case["reference"], case["candidate"], case["kind"]).correct
    assert there == back
