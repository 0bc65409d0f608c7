"""The README's picture of the workflow is what the rules say."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from checkout import ROOT

SVG = "{http://www.w3.org/2000/svg}"
ORDER = ["digitize", "classify", "extract"]
DRAW = "docs/draw_workflow.py"


@pytest.fixture(scope="module")
def draw():
    """The functions of the script."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import draw_workflow
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return draw_workflow


def test_the_picture_is_current(checkout):
    before = (checkout.root / "docs/workflow.svg").read_text()
    (checkout.root / "docs/workflow.svg").unlink()
    subprocess.run([sys.executable, DRAW], cwd=checkout.root, check=True)
    now = (checkout.root / "docs/workflow.svg").read_text()
    assert now == before, f"the rules have changed: python {DRAW}"
    assert "](docs/workflow.svg)" in (checkout.root / "README.md").read_text()


def test_a_new_step_gets_its_box(checkout):
    """In the lane of the textbooks, unless the script says otherwise."""
    (checkout.root / "rules/translate.smk").write_text(
        "# Another language.\n\n\nrule translate:\n    input:\n"
        '        "<results>/tables/yield.tsv",\n    output:\n        "<results>/translate.txt",\n'
    )
    checkout.edit(
        "Snakefile", 'include: "rules/train.smk"', 'include: "rules/translate.smk"\ninclude: "rules/train.smk"'
    )
    checkout.edit("rules/train.smk", "    input:\n", '    input:\n        translated="<results>/translate.txt",\n')
    subprocess.run([sys.executable, DRAW], cwd=checkout.root, check=True)
    picture = (checkout.root / "docs/workflow.svg").read_text()
    assert ">translate<" in picture and ">Another language<" in picture


def test_it_is_readable_at_900_pixels():
    root = ElementTree.parse(Path(ROOT, "docs/workflow.svg")).getroot()
    assert root.get("width") == "900" and "prefers-color-scheme: dark" in ElementTree.tostring(root, encoding="unicode")
    boxes = [box for box in root.iter(f"{SVG}rect") if box.get("class") != "lane"]
    places = [[float(box.get(key)) for key in ("x", "y", "width", "height")] for box in boxes]
    assert all(x >= 0 and x + width <= 900 for x, _, width, _ in places)
    apart = [(x, y, w, h, u, v) for x, y, w, h in places for u, v, _, _ in places if (x, y) != (u, v)]
    assert not [box for box in apart if box[0] <= box[4] < box[0] + box[2] and box[1] <= box[5] < box[1] + box[3]]


def test_what_a_longer_way_says_is_not_drawn_but_for_a_lanes_own_way(draw):
    edges = {("dedup", "refine"), ("refine", "decontaminate"), ("dedup", "decontaminate"), ("extract", "dedup")}
    assert draw.reduced(edges | {("extract", "refine")}) == edges  # dedup → decontaminate: the way of public sets


def test_steps_that_need_each_other_share_a_box(draw):
    edges, box = draw.one_box_a_circle(
        {("digitize", "classify"), ("classify", "digitize"), ("classify", "extract")}, ORDER
    )
    assert edges == {("digitize", "extract")} and box["classify"] == "digitize"
