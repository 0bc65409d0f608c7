"""The floor plan: what may import what, no circle anywhere, and a docstring alone in each face."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "workflow/scripts/megascience"
FACES = sorted(LIBRARY.rglob("__init__.py"))
#: `scoring` is for others, and the package names its version.
PUBLIC = {LIBRARY / "scoring/__init__.py", LIBRARY / "__init__.py"}


def test_the_contract_on_imports_holds():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": str(LIBRARY.parent), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_through_others():
    graph = grimp.build_graph("megascience", cache_dir=None)
    arrows = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    list(TopologicalSorter(arrows).static_order())  # raises CycleError with the circle


@pytest.mark.parametrize("face", [f for f in FACES if f not in PUBLIC], ids=lambda path: path.parent.name)
def test_a_face_holds_a_docstring_only(face):
    tree = ast.parse(face.read_text())
    assert len(tree.body) == 1 and ast.get_docstring(tree)


def test_the_tests_mirror_the_packages():
    """The pages of docs/ have tests of their own."""
    mirrored = {path.relative_to(ROOT / "tests/unit") for path in (ROOT / "tests/unit").rglob("test_*.py")}
    unknown = {str(path.parent) for path in mirrored if not (LIBRARY / path.parent).is_dir()}
    assert unknown <= {"docs"}
