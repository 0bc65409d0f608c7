"""Draw the workflow for the README: one box a file of rules, one lane a kind of thing, edges as the rules have them.

    python docs/draw_workflow.py            writes docs/workflow.svg

Steps, their words and what leads to what are read from `rules/*.smk` and from `snakemake --rulegraph`; only lanes other
than the textbooks' are said here. Steps that need each other are one box. A step's text is the first sentence of its
file.
"""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

#: Lane → its title. A step may be in two lanes that are neighbours.
LANES = ("Public sets", "Textbooks", "Models", "Paper")
PUBLIC, TEXTBOOKS, MODELS, PAPER = range(4)
#: Step, by its file of rules → the lanes that it is in, where that is not the textbooks' lane alone.
PLACES = {
    "models": (MODELS,),
    "import_source": (PUBLIC,),
    "dedup": (PUBLIC, TEXTBOOKS),
    "decontaminate": (PUBLIC, TEXTBOOKS),
    "selection": (PUBLIC,),
    "mixture": (PUBLIC, TEXTBOOKS),
    "train": (MODELS,),
    "evaluate": (MODELS,),
    "paper": (PAPER,),
    "figures": (PAPER,),
}
#: The checks come before every model and are in no lane; files that hold no step.
CHECKS = "preflight"
NO_STEPS = ("common", "llm")

LANE, BOX, HEIGHT, GAP, TOP = 225, 205, 66, 18, 40
STYLE = """
text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.lane { fill: #818b98; fill-opacity: .1 }
.head { font-size: 15px; font-weight: 600; fill: #59636e }
.box { fill: #ffffff; stroke: #59636e; stroke-width: 1.5 }
.asks { stroke: #0969da; stroke-width: 2.5 }
.name { font-size: 15px; font-weight: 600 }
.words { font-size: 12px; fill: #59636e }
.edge { fill: none; stroke: #818b98; stroke-width: 2 }
.tip { fill: #818b98 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .head, .words { fill: #9198a1 }
  .box { fill: #151b23; stroke: #9198a1 }
  .asks { stroke: #4493f8 }
}
"""

Edges = set[tuple[str, str]]


class Box(NamedTuple):
    """A step's place: its lanes and its row."""

    lanes: tuple[int, ...]
    row: int

    @property
    def x(self) -> float:
        return self.lanes[0] * LANE + (LANE - BOX) / 2

    @property
    def width(self) -> float:
        return (self.lanes[-1] - self.lanes[0]) * LANE + BOX

    @property
    def y(self) -> float:
        return TOP + self.row * (HEIGHT + GAP)


def steps_of_rules(folder: Path) -> dict[str, str]:
    """Return patterns of the rules' names → step, for all rules that the files of a folder define."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:", text, re.MULTILINE)
        names += [re.sub(r"\{\w+\}", r"\\w+", name) for name in re.findall(r'name:\s+f"(.*)"', text)]
        if path.stem not in NO_STEPS:
            found |= dict.fromkeys(names, path.stem)
    return found


def step_of(rule: str, steps: dict[str, str]) -> str | None:
    """Return the step of a rule; the count of a stage's pending requests belongs to the stage."""
    rule = rule.removesuffix("_pending")
    return next((step for pattern, step in steps.items() if re.fullmatch(pattern, rule)), None)


def rule_edges(folder: Path) -> Edges:
    """Return what leads to what, rule by rule, as Snakemake has it with the paper's settings."""
    done = subprocess.run([SNAKEMAKE, "--rulegraph"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"snakemake --rulegraph ended with {done.returncode}:\n{done.stderr}")
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', done.stdout, re.MULTILINE))
    return {(names[a], names[b]) for a, b in re.findall(r"^\s*(\d+) -> (\d+)", done.stdout, re.MULTILINE)}


def lanes_of(step: str) -> tuple[int, ...]:
    """Return the lanes of a step."""
    return PLACES.get(step, (TEXTBOOKS,))


def behind(step: str, edges: Edges) -> set[str]:
    """Return all that a step leads to."""
    found: set[str] = set()
    todo = [step]
    while todo:
        new = {b for a, b in edges if a == todo[-1]} - found
        todo.pop()
        found |= new
        todo += new
    return found


def one_box_a_circle(edges: Edges, order: Sequence[str]) -> tuple[Edges, dict[str, str]]:
    """Return the edges between boxes, and step → the box that it is in: steps that need each other share one."""
    reach = {step: behind(step, edges) for step in order}
    box = {step: min((s for s in order if s == step or (s in reach[step] and step in reach[s])), key=order.index)
           for step in order}  # fmt: skip
    return {(box[a], box[b]) for a, b in edges if box[a] != box[b]}, box


def reduced(edges: Edges) -> Edges:
    """Return the edges without those that a longer way says, too; a lane's own way is judged within the lane."""

    def needed(a: str, b: str, among: Edges) -> bool:
        return not any(b in behind(c, among) for start, c in among if start == a and c != b)

    kept = {edge for edge in edges if needed(*edge, edges)}
    for lane in range(len(LANES)):
        own = {(a, b) for a, b in edges if lane in lanes_of(a) and lane in lanes_of(b)}
        kept |= {edge for edge in own if needed(*edge, own)}
    return kept


def rows(edges: Edges, boxes: Sequence[str]) -> dict[str, int]:
    """Return box → row: below all that leads to it, and below what its lanes hold already."""
    row: dict[str, int] = {}
    depth = {box: sum(box in behind(other, edges) for other in boxes) for box in boxes}
    free = [0] * len(LANES)
    for box in sorted(depth, key=lambda name: (depth[name], boxes.index(name))):
        above = [row[a] + 1 for a, b in edges if b == box and a in row]
        row[box] = max([*above, *(free[lane] for lane in lanes_of(box))])
        for lane in lanes_of(box):
            free[lane] = row[box] + 1
    return row


def first_sentence(path: Path) -> str:
    """Return the first sentence of the comment that a file begins with."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# ") or line.startswith(("# Needs:", "# Makes:")):
            break
        lines.append(line[2:])
    return re.split(r"(?<=\.)\s", " ".join(lines))[0].rstrip(".")


def draw(folder: Path) -> str:
    """Return the picture of the rules in a checkout, as SVG."""
    steps = steps_of_rules(folder / "rules")
    included = re.findall(r'^include: "rules/(\w+)\.smk"', (folder / "Snakefile").read_text(), re.MULTILINE)
    order = [step for step in included if step in steps.values()]
    if unknown := set(PLACES) - set(order):
        sys.exit(f"{', '.join(sorted(unknown))}: not a file of rules; take it out of PLACES in docs/draw_workflow.py")
    by_rule = rule_edges(folder)
    pairs = {(step_of(a, steps), step_of(b, steps)) for a, b in by_rule if CHECKS not in (a, b)}
    edges, box_of = one_box_a_circle({(a, b) for a, b in pairs if a and b and a != b}, order)
    asking = {box_of[step] for rule, step in steps.items() if rule.endswith("_generate")}
    # Most steps ask a model: they are marked, where an edge to each would hide all others.
    edges = {(a, b) for a, b in edges if a != "models" or set(lanes_of(b)) == {MODELS}}
    edges = reduced(edges)
    places = {box: Box(lanes_of(box), row) for box, row in rows(edges, list(dict.fromkeys(box_of.values()))).items()}
    together = {box: [step for step, other in box_of.items() if other == box] for box in places}
    height = TOP + (max(place.row for place in places.values()) + 1) * (HEIGHT + GAP) + 20
    parts = [*_lanes(height), *(_edge(places[a], places[b]) for a, b in sorted(edges))]
    for box, place in places.items():
        words = first_sentence(folder / "rules" / f"{box}.smk")
        parts += _box(place, ", ".join(together[box]).replace("_", " "), words, box in asking)
    parts.append(f'<text class="words" x="12" y="{height - 8}">blue border: the step asks a model. '
                 "Before any model, the checks of books, benchmarks and sources.</text>")  # fmt: skip
    width = LANE * len(LANES)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    title = "<title>From textbooks and public sets to datasets, models and the paper's tables and figures</title>"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', title,
                      f"<style>{STYLE}</style>", *parts, "</svg>", ""])  # fmt: skip


def _lanes(height: int) -> Iterator[str]:
    for number, title in enumerate(LANES):
        x = number * LANE
        yield f'<rect class="lane" x="{x + 4}" y="4" width="{LANE - 8}" height="{height - 32}" rx="8"/>'
        yield f'<text class="head" x="{x + LANE / 2}" y="27" text-anchor="middle">{escape(title)}</text>'


def _box(place: Box, name: str, words: str, asks: bool) -> Iterator[str]:
    kind = "box asks" if asks else "box"
    middle = place.x + place.width / 2
    yield f'<rect class="{kind}" x="{place.x}" y="{place.y}" width="{place.width}" height="{HEIGHT}" rx="6"/>'
    lines = textwrap.wrap(words, round(place.width / 6.2), max_lines=3, placeholder=" …")
    top = place.y + (HEIGHT - 16 - 14 * len(lines)) / 2 + 11  # the name's line
    yield f'<text class="name" x="{middle}" y="{top}" text-anchor="middle">{escape(name)}</text>'
    for number, line in enumerate(lines):
        y = top + 16 + 14 * number
        yield f'<text class="words" x="{middle}" y="{y}" text-anchor="middle">{escape(line)}</text>'


def _edge(a: Box, b: Box) -> str:
    """Return an arrow: straight down in a lane that both are in, else down, across in the gap above `b`, and down."""
    shared = sorted(set(a.lanes) & set(b.lanes))
    if shared:
        lane = shared[0] if len(shared) == 1 or b.row > a.row + 1 else None
        x = a.x + a.width / 2 if lane is None else lane * LANE + LANE / 2
        path = f"M{x} {a.y + HEIGHT}V{b.y - 6}"
    else:
        rightwards = b.lanes[0] > a.lanes[-1]
        x = b.lanes[0 if rightwards else -1] * LANE + LANE * (0.3 if rightwards else 0.7)
        start = a.x + a.width if rightwards else a.x
        path = f"M{start} {a.y + HEIGHT / 2}H{x}V{b.y - 6}"
    tip = f"M{x - 5} {b.y - 8}h10l-5 8z"
    return f'<path class="edge" d="{path}"/><path class="tip" d="{tip}"/>'


if __name__ == "__main__":
    (ROOT / "docs/workflow.svg").write_text(draw(ROOT), encoding="utf-8")
