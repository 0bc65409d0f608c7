"""A project of one's own, outside the checkout: made by the command, run as a module or from elsewhere."""

import os
import shutil
from pathlib import Path

import pytest
from canned import write_answers
from checkout import ROOT, Checkout
from megascience.cli.new_project import make_project
from megascience.storage.errors import InputError

DEMO = ("--configfile", f"{ROOT}/config/demo.yaml")
TARGET = "results/canned/filter/economics/000.parquet"
#: The book and the benchmark of the small project.
BOOK = "microeconomics\teconomics\tMarkets\tresults/canned/books/microeconomics.pdf\t\tCC-BY-4.0\tundergraduate\n"
SMALL = "shelf: config/books.tsv\nevaluate: {benchmarks: [mmlu]}\n"


def project_in(folder: Path, **options) -> Checkout:
    """Make a project, with a way to run Snakemake in it."""
    make_project(folder, **options)
    project = object.__new__(Checkout)
    project.root = folder
    return project


def small_project(folder: Path, **options) -> Checkout:
    """Make a project with one book, one benchmark and canned answers."""
    project = project_in(folder, **options)
    with (folder / "config/books.tsv").open("a") as books:
        books.write(BOOK)
    (folder / "config/small.yaml").write_text(f"{SMALL}pathvars: {{models: {folder.parent}/models}}\n")
    write_answers(folder / "answers.yaml")
    return project


def config(workflow: Path = ROOT) -> tuple[str, ...]:
    """Return the options of a run of canned answers, whose prompts are those of a workflow's folder."""
    files = ("config/demo.yaml", "tests/data/canned/config.yaml")
    return ("--configfile", *(f"{workflow}/{file}" for file in files), "config/small.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    """A small project with a finished run; the folder of its models is beside it."""
    models / "minilm"
    folder = tmp_path_factory.mktemp("projects")
    (folder / "models").symlink_to(ROOT / "results/models")
    project = small_project(folder / "one")
    project.snakemake(TARGET, *config())
    return project


REFINED = {"refine_generate", "refine", "filter_generate", "filter"}


def test_a_project_runs_and_then_has_nothing_to_do(run):
    assert (run.root / TARGET).exists() and (run.root / "requests.jsonl").exists()
    assert not (run.root / "prompts").exists() and not (run.root / "examples").exists()
    assert run.jobs(TARGET, *config()) == {}


def test_the_workflow_run_from_elsewhere_finds_the_same_results(run):
    assert run.jobs(TARGET, *config(), "-s", f"{ROOT}/Snakefile", "--directory", str(run.root)) == {}


def test_another_folder_of_the_same_workflow_makes_nothing_stale(run, tmp_path):
    moved = Checkout(tmp_path / "moved")
    arguments = (TARGET, *config(moved.root), "-s", f"{moved.root}/Snakefile", "--directory", str(run.root))
    assert run.jobs(*arguments) == {}
    moved.edit("tests/data/canned/prompts/refine.j2", "Answer: ", "The answer: ")
    stale = set(run.jobs(*arguments))
    assert REFINED <= stale and "extract" not in stale


def test_a_prompt_of_its_own_counts_by_its_content(run, tmp_path):
    project = run.copy(tmp_path / "one")
    own = project.root / "tests/data/canned/prompts"
    shutil.copytree(ROOT / "tests/data/canned/prompts", own)
    assert project.jobs(TARGET, *config()) == {}, "the same text in another folder"
    project.edit("tests/data/canned/prompts/refine.j2", "Answer: ", "The answer: ")
    old = (ROOT / "tests/data/canned/prompts/refine.j2").stat().st_mtime - 10_000_000
    os.utime(own / "refine.j2", (old, old))
    stale = set(project.jobs(TARGET, *config()))
    assert REFINED <= stale and "extract" not in stale, "an old time hides no edit"


def test_two_projects_share_their_models(run):
    models = run.root.parent / "models"
    two = small_project(run.root.parent / "two", models=models)
    assert f'models: "{models}"' in (two.root / "config/config.yaml").read_text()
    planned = two.jobs(TARGET, *config())
    assert "digitize" in planned and "fetch_model" not in planned


def test_the_demo_and_the_papers_run_are_planned_in_a_project(tmp_path):
    project = project_in(tmp_path / "one", prompts=True)
    assert (project.root / "prompts/refine.j2").exists()
    assert {"train", "evaluate", "table_comparison", "figure_yield"} <= set(project.jobs(*DEMO))
    empty = project.snakemake("-n", check=False)
    assert empty.returncode and "config/books.tsv: no book is listed" in empty.stdout + empty.stderr
    (project.root / "config/books.tsv").unlink()  # then the workflow's own is found
    assert "extract_generate" in project.jobs("--profile", "slurm")


def test_the_cluster_is_checked_before_a_project_submits(tmp_path):
    project = project_in(tmp_path / "one")
    (project.root / "config/books.tsv").unlink()
    stopped = project.snakemake("--profile", "slurm", "results/preflight.txt", check=False)
    assert stopped.returncode and "account is CHANGE_ME" in stopped.stderr + stopped.stdout


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/books.tsv").write_text("mine")
    with pytest.raises(InputError, match="books.tsv: there already"):
        make_project(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config"]
