"""The closed list of reasons for a drop: who drops rows declares why."""

import ast
from pathlib import Path

import megascience
import pytest
from megascience.cli.reasons import all_reasons, reasons_of
from megascience.stages.order import ASKING_STAGES, DROPPING_STAGES
from megascience.storage.drops import Drop, dropped_row

LIBRARY = Path(megascience.__file__).parent


def dropped_for(path):
    """Return the reasons that a file names when it drops a row."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    drops = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Drop"]
    return {node.value for drop in drops for node in ast.walk(drop) if isinstance(node, ast.Constant)}


def texts(path):
    return [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]


@pytest.mark.parametrize("stage", ASKING_STAGES)
def test_a_model_stage_declares_each_of_its_reasons_and_no_other(stage):
    from megascience.stages.stage import get_stage

    declared = set(getattr(get_stage(stage), "REASONS", {}))
    assert dropped_for(LIBRARY / f"stages/{stage}.py") == declared <= set(reasons_of(stage))


@pytest.mark.parametrize(
    ("stage", "files"),
    [
        ("digitize", ["ingest/pdf/digitize.py", "ingest/pdf/olmocr.py"]),
        ("chunk", ["ingest/chunk.py"]),
        ("import_source", [f"ingest/public/{name}.py" for name in ("import_source", "field_mapping", "row_files")]),
        ("difficulty_score", ["datasets/difficulty.py"]),
        ("decontaminate", ["curation/decontaminate.py"]),
        ("dedup", ["curation/dedup.py"]),
        ("train", ["models/training_rows.py"]),
    ],
)
def test_another_stage_names_no_reason_but_its_own(stage, files):
    named = set().union(*(dropped_for(LIBRARY / file) for file in files))
    assert named and named - {"reason"} <= set(reasons_of(stage))


@pytest.mark.parametrize(("stage", "module"), [("select", "selection"), ("mixture", "mixture")])
def test_what_dropped_rows_are_written_with_column_by_column_is_declared(stage, module):
    named = {text for text in texts(LIBRARY / f"datasets/{module}.py") if text in all_reasons()}
    assert named == set(reasons_of(stage))


def test_every_reason_has_one_meaning_and_somebody_who_gives_it():
    meanings = {(reason, meaning) for stage in DROPPING_STAGES for reason, meaning in reasons_of(stage).items()}
    assert len(meanings) == len(all_reasons()) and all(all_reasons().values())
    given = [text for path in LIBRARY.rglob("*.py") if path.name != "reasons.py" for text in texts(path)]
    assert set(all_reasons()) <= set(given)


def test_a_reason_that_the_stage_does_not_declare_is_an_error_of_ours():
    assert dropped_row("p1", "filter", Drop("rejected", "why"), reasons_of("filter"))["reason"] == "rejected"
    with pytest.raises(ValueError, match="stage filter: drop reason 'no_pairs' is not declared"):
        dropped_row("p1", "filter", Drop("no_pairs"), reasons_of("filter"))
