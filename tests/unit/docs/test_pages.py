"""What strangers read is in order: links lead somewhere, named files are there, pictures and versions are current."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "workflow/scripts/megascience"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "results/README.md")
)
#: Places in the repository that a page may name in backticks.
_NAMED = re.compile(r"`((?:docs|config|requirements|profiles|examples|workflow|megascience)/[\w./-]+\.\w+)`")
#: Placeholders, the stage that the README adds as an example, and a file of vLLM's.
_EXAMPLE = re.compile(r"NAME|translate|^docs/source/performance/")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs make them."""
    heads = re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    file = ROOT / page
    for target in _LINK.findall(without_code(file.read_text(encoding="utf-8"))):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        there = file.parent / path if path else file
        assert there.exists(), f"{page}: {target} is not there"
        if anchor:
            assert anchor in anchors(there), f"{page}: {target}: no heading of that name"


@pytest.mark.parametrize("page", PAGES)
def test_named_files_are_there(page: str) -> None:
    for name in _NAMED.findall((ROOT / page).read_text(encoding="utf-8")):
        if _EXAMPLE.search(name):
            continue
        home = ROOT / "workflow/scripts" if name.startswith("megascience/") else ROOT
        assert (home / name).exists(), f"{page}: {name} is not there"


def test_every_page_is_in_the_navigation() -> None:
    pages = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(pages) == sorted(path.name for path in ROOT.glob("docs/*.md"))


def test_pages_are_built_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    env = {**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    for page in site.glob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]+)"', page.read_text()
        )
        assert loaded == [], f"{page.name} loads {loaded}"


def drawing():
    spec = importlib.util.spec_from_file_location("draw_architecture", ROOT / "docs/draw_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_packages_is_current() -> None:
    drawn = (ROOT / "docs/architecture.svg").read_text(encoding="utf-8")
    assert drawn == drawing().draw(LIBRARY), "run: python docs/draw_architecture.py"


def test_the_picture_follows_the_imports(tmp_path: Path) -> None:
    for name, imports in (("top", "middle, bottom"), ("middle", "bottom"), ("bottom", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f'"""{name.title()}: what <{name}> does. More."""')
        lines = [f"from megascience.{other}.x import y\n" for other in filter(None, imports.split(", "))]
        (tmp_path / name / "module.py").write_text("".join(lines))
    draw = drawing()
    assert draw.rows(draw.imports(tmp_path)) == [["top"], ["middle"], ["bottom"]]
    svg = draw.draw(tmp_path)
    assert svg.count('class="edge"') == 2, "top → bottom is implied"
    assert "what &lt;top&gt; does" in svg and "More" not in svg
    (tmp_path / "bottom/module.py").write_text("import megascience.top.x\n")
    with pytest.raises(ValueError, match="packages that need each other: bottom → top"):
        draw.rows(draw.imports(tmp_path))


def test_versions_agree() -> None:
    import megascience

    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert project and newest and project[1] == newest[1] == megascience.__version__


def test_hooks_and_ci_call_what_make_calls() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    checked = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/main/bin")
    for hook in hooks:
        tool = hook["entry"].split()[0]
        assert tool in checked, f"{tool} is not in `make check`"
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["tests"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
