"""The models, the files made of them, and the code that reads the keys say the same."""

import ast
import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from megascience.inference.engines.registry import ENGINES as MODULES
from megascience.inference.journal.budget import LIMITS
from megascience.ingest.pdf.olmocr import Options
from megascience.ingest.public.field_mapping import PARTS, TARGETS
from megascience.planning.config import describe
from megascience.planning.config.data import FieldPart, Mapping
from megascience.planning.config.model import Config
from megascience.planning.config.models import Budget
from megascience.planning.config.read import read_config
from megascience.planning.config.section import literals, named_fields
from megascience.planning.config.serving import ENGINES, Entry, OlmOcrPlace, OpenAI, foreign_keys
from megascience.planning.config.stages import ModelStage, OlmOcr
from megascience.planning.config.training import OURS, Preset
from megascience.stages.order import ASKING_STAGES as STAGES
from megascience.stages.order import SELECTING_STAGES

ROOT = Path(__file__).parents[4]
LIBRARY = ROOT / "workflow/scripts/megascience"
SCHEMA = yaml.safe_load((ROOT / "config/schema.yaml").read_text())


def test_schema_and_documentation_are_current() -> None:
    again = "run python -m megascience.planning.config.describe"
    assert (ROOT / "config/schema.yaml").read_text() == describe.schema(), again
    assert (ROOT / "docs/configuration.md").read_text() == describe.documentation(), again


@pytest.mark.parametrize("overlay", ["config/config.yaml", "config/demo.yaml"])
def test_the_schema_takes_what_the_model_takes(overlay: str) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    plain = read_config([ROOT / "config/config.yaml", ROOT / overlay]).plain()
    assert list(validator.iter_errors(plain)) == []
    for change in ({"chunk": {**plain["chunk"], "tokns": 3}}, {"search": {"k": 0}}, {"serving": {"default": {"x": 1}}}):
        assert list(validator.iter_errors({**plain, **change})), change


def test_every_key_is_documented_and_described() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    links = set(re.findall(r"\]\(#([a-z-]+)\)", text))
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert links <= {re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in titles}

    def keys(node: object) -> list[tuple[str, dict]]:
        if isinstance(node, list):
            return [found for item in node for found in keys(item)]
        if not isinstance(node, dict):
            return []
        own = [(name, part) for name, part in node.get("properties", {}).items()]
        return own + [found for name, part in node.items() for found in keys(part)]

    found = keys(SCHEMA)
    assert len(found) > 150
    for name, part in found:
        assert "description" in part or "$ref" in part, name  # of a section it may be the section's
        assert f"| `{name}` |" in text, name


def test_each_key_of_serving_says_whether_it_can_change_a_text() -> None:
    for model in ENGINES.values():
        for name, field in named_fields(model).items():
            assert field.json_schema_extra["changes_text"] in ("no", "by rounding", "yes"), name


def read_keys(path: Path) -> dict[str, object]:
    """The keys that an engine reads of `serving`, with the default that it gives each, or None."""
    found: dict[str, object] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            if ast.unparse(node.func.value) in ("serving", "spec.serving", "self.spec.serving", "self.model.serving"):
                name, *default = node.args
                found[ast.literal_eval(name)] = default[0].value if default and hasattr(default[0], "value") else None
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("spec.serving", "serving"):
            if isinstance(node.slice, ast.Constant):
                found[node.slice.value] = None
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PASSED_ON":
            found |= dict.fromkeys(ast.literal_eval(node.value))
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_the_model_has_the_keys_and_defaults_that_an_engine_reads(engine: str) -> None:
    assert set(ENGINES) == set(MODULES)
    read = read_keys(LIBRARY / f"inference/engines/{engine}.py")
    if engine == "llamacpp":  # what it inherits and does not set itself
        read["deadline"] = read_keys(LIBRARY / "inference/engines/openai.py")["deadline"]
    fields = named_fields(ENGINES[engine])
    shared = {"engine", "tokenizer", "gpus"}  # read by the stages around an engine
    assert set(read) == set(fields) - shared
    for name, default in read.items():
        unset = (fields[name].json_schema_extra or {}).get("unset")
        if isinstance(default, int | float) and not isinstance(unset, str):
            assert unset == default, name


def test_an_entry_has_the_keys_of_all_engines_and_only_its_own_engines_are_not_foreign() -> None:
    assert set(Entry.model_fields) == {name for model in ENGINES.values() for name in model.model_fields}
    assert foreign_keys(Entry(engine="vllm", max_num_seqs=3), "vllm") == []
    assert foreign_keys(Entry(batch=3, max_num_seqs=3), "vllm") == ["batch"]
    assert foreign_keys(Entry(base_url="http://x/v1"), "openai") == [] and issubclass(ENGINES["openai"], OpenAI)


def test_olmocr_takes_the_options_that_the_model_has() -> None:
    options = {field.name: field for field in dataclasses.fields(Options)}
    assert set(OlmOcr.model_fields) == set(options) >= set(OlmOcrPlace.model_fields)
    for name, field in OlmOcr.model_fields.items():
        unset = (field.json_schema_extra or {}).get("unset")
        if not isinstance(unset, str | None):
            default = options[name].default
            assert unset == (list(default) if isinstance(default, tuple) else default), name


def test_closed_sets_are_those_of_the_code() -> None:
    assert tuple(Mapping.model_fields) == TARGETS
    assert literals(FieldPart, ("part",)) == list(PARTS)
    assert set(Budget.model_fields) == set(LIMITS)
    kinds = {name: field.annotation for name, field in Config.model_fields.items()}
    asking = {name for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, ModelStage)}
    assert asking == {*(set(STAGES) - {"evaluate"}), *SELECTING_STAGES}


TRAIN_PYTHON = ROOT / ".venv/train/bin/python"


@pytest.mark.skipif(not TRAIN_PYTHON.exists(), reason="LLaMA-Factory is not installed")
def test_llama_factory_knows_the_keys_of_a_preset() -> None:
    code = (
        "import json, dataclasses, contextlib, sys\n"
        "with contextlib.redirect_stdout(sys.stderr):\n"
        "    from llamafactory.hparams import DataArguments, FinetuningArguments, ModelArguments, TrainingArguments\n"
        "classes = (DataArguments, FinetuningArguments, ModelArguments, TrainingArguments)\n"
        "print(json.dumps([f.name for c in classes for f in dataclasses.fields(c)]))\n"
    )
    done = subprocess.run([TRAIN_PYTHON, "-c", code], capture_output=True, text=True, check=True)
    assert set(Preset.model_fields) - set(OURS) <= set(json.loads(done.stdout))


def test_help_needs_no_pydantic() -> None:
    code = "import sys, megascience.cli.main; print(sorted(m for m in sys.modules if m.split('.')[0] == 'pydantic'))"
    environment = {"PYTHONPATH": str(ROOT / "workflow/scripts"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"


def test_scripts_need_no_pydantic() -> None:
    """Their environments do not have it: what a job reads of the configuration is plain values."""
    for script in sorted((ROOT / "workflow/scripts").glob("*.py")):
        for node in ast.walk(ast.parse(script.read_text())):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert not module.startswith(("megascience.planning.config", "megascience.planning.plan")), script
