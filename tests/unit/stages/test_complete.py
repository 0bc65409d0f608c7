"""What belongs to a model stage, in one place: a stage that lacks any of it is told what is missing."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from megascience.planning.config.model import Config
from megascience.stages.order import ASKING_STAGES
from megascience.stages.stage import get_stage, prompt_faults

ROOT = Path(__file__).parents[3]
CONFIGS = ("config/config.yaml", "config/demo.yaml")
#: Stages whose rows a script of their own writes, beside the one that parses completions.
OWN_PARSERS = ("decontaminate", "difficulty_score", "evaluate")


def missing(stage, root=ROOT):
    """Return what a model stage lacks, one line for each place."""
    found = []
    try:
        module = get_stage(stage)
    except Exception as error:
        module = None
        found.append(f"stages/{stage}.py, and its line in stages/order.py: {error}")
    wanted = ["FIELDS", "ANSWER", *(["parse"] if stage != "evaluate" else [])]
    lacking = [name for name in wanted if module and not hasattr(module, name)]
    if module and stage not in OWN_PARSERS and not hasattr(module, "SCHEMA") and not hasattr(module, "ADDED"):
        lacking.append("SCHEMA")
    found += [f"stages/{stage}.py: {name}" for name in lacking]
    if stage not in ASKING_STAGES:
        found.append(f"stages/order.py: a line for {stage}")

    for name in CONFIGS:
        section = yaml.safe_load((root / name).read_text()).get(stage, {})
        prompt = section.get("prompt", f"prompts/{stage}.j2" if name == CONFIGS[0] else f"prompts/small/{stage}.j2")
        if not section:
            found.append(f"{name}: a section {stage}")
        paths = [root / prompt.format(discipline="physics", standard="high")]
        if not paths[0].exists():
            found.append(f"{prompt}: the prompt")
        elif module:
            found += [fault for path in paths for fault in prompt_faults(stage, path)]
    if stage not in Config.model_fields:
        found.append(f"planning/config/model.py: {stage}: ModelStage")

    rules = {path: path.read_text() for path in sorted((root / "rules").glob("*.smk"))}
    snakefile = (root / "Snakefile").read_text()
    for rule in (f"{stage}_generate", stage):
        files = [path for path, text in rules.items() if re.search(rf"^(?:use )?rule .*\b{rule}\b.*:$", text, re.M)]
        if not files:
            found.append(f"rules/{stage}.smk: the rule {rule}")
        elif f'include: "rules/{files[0].name}"' not in snakefile:
            found.append(f'Snakefile: include: "rules/{files[0].name}"')
    profile = yaml.safe_load((root / "profiles/slurm/config.yaml").read_text())
    if f"{stage}_generate" not in profile["set-resources"]:
        found.append(f"profiles/slurm/config.yaml: set-resources: {stage}_generate")
    return found


@pytest.mark.parametrize("stage", ASKING_STAGES)
def test_a_model_stage_has_all_that_belongs_to_it(stage):
    assert missing(stage) == []


def test_a_new_stage_is_told_each_place():
    places = missing("translate")
    said = "\n".join(places)
    for place in ("stages/translate.py", "stages/order.py", "prompts/translate.j2", "rules/translate.smk"):
        assert place in said
    for place in ("config/config.yaml", "config/demo.yaml", "planning/config/model.py", "profiles/slurm/config.yaml"):
        assert place in said


if __name__ == "__main__":
    print("\n".join(missing(sys.argv[1])) or "nothing is missing")
