"""A workflow uses the library of its own checkout, whatever checkout is installed where snakemake is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT, Checkout

PDF = "results/demo/books/mechanics.pdf"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python with all that this one has, in which this checkout is installed as `pip install -e .` does it."""
    site = next(path for path in sys.path if path.endswith("site-packages"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (own,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (own / "installed.pth").write_text(f"import site; site.addsitedir({site!r})\n{ROOT}/workflow/scripts\n")
    return tmp_path / "venv/bin/python"


def run(python: Path, checkout: Checkout, **variables: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(python), "-m", "snakemake", PDF, "--configfile", "config/demo.yaml"],
        cwd=checkout.root,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**known, **variables},
    )


def test_another_checkout_is_installed(python: Path, tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "own")
    own = "the library of its own checkout"
    found = [str(python), "-c", "import megascience; print(megascience.__file__)"]
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    installed = subprocess.run(found, cwd=tmp_path, env=known, capture_output=True, text=True, check=True).stdout
    assert Path(installed.strip()).is_relative_to(ROOT), "the other checkout is what Python finds"
    # in a job's script, also where a caller puts the other one first
    checkout.edit("workflow/scripts/megascience/ingest/typeset.py", "\nfrom ", f"\nraise ValueError({own!r})\nfrom ")
    for variables in ({}, {"PYTHONPATH": f"{ROOT}/workflow/scripts"}):
        done = run(python, checkout, **variables)
        assert done.returncode and f"ValueError: {own}" in done.stderr, done.stderr
    # and in the rules
    checkout.edit("workflow/scripts/megascience/planning/plan.py", "\nfrom ", f"\nraise ValueError({own!r})\nfrom ")
    done = run(python, checkout)
    assert done.returncode and "Building DAG" not in done.stderr and own in done.stderr


def test_the_scripts_beside_the_library_hide_nobody_elses_modules(python: Path, tmp_path: Path) -> None:
    """chunk is a module of Python's as well as a script of ours."""
    checkout = Checkout(tmp_path / "own")
    checkout.edit(
        "workflow/scripts/typeset.py", '"""\n', '"""\nimport chunk\nassert "scripts" not in chunk.__file__, chunk\n'
    )
    done = run(python, checkout)
    assert done.returncode == 0, done.stderr
