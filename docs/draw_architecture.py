"""Draw the library's packages for the architecture page: one box a package, arrows to what it imports.

    python docs/draw_architecture.py            writes docs/architecture.svg

Packages, their words and their arrows are read from the imports below `workflow/scripts/megascience`. A package is
drawn below all that import it; an arrow that others imply is left out.
"""

import ast
import sys
import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "megascience"

Arrows = Mapping[str, set[str]]

WIDTH, HEIGHT, GAP, MARGIN, PER_ROW = 200, 78, 46, 16, 4
STYLE = """
svg { font-family: sans-serif; font-size: 12px; }
.box { fill: #f5f7fa; stroke: #57606a; } .name { font-weight: bold; fill: #1f2328; } .words { fill: #57606a; }
.edge { fill: none; stroke: #8c959f; } .tip { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
  .box { fill: #21262d; stroke: #8b949e; } .name { fill: #e6edf3; } .words { fill: #9ea7b3; }
  .edge { stroke: #6e7681; } .tip { fill: #6e7681; }
}
"""


def packages(library: Path) -> dict[str, str]:
    """Return package → the first sentence of its description."""
    found = {}
    for init in sorted(library.glob("*/__init__.py")):
        words = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
        found[init.parent.name] = words.split(". ")[0].split("\n")[0].partition(": ")[2].rstrip(".") or words
    return found


def imports(library: Path) -> dict[str, set[str]]:
    """Return package → the other packages that a module of it imports."""
    known = packages(library)
    found: dict[str, set[str]] = {name: set() for name in known}
    for name in known:
        for file in (library / name).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                modules = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for module in modules:
                    parts = module.split(".")
                    if parts[0] == PACKAGE and len(parts) > 1 and parts[1] in known and parts[1] != name:
                        found[name].add(parts[1])
    return found


def below(name: str, arrows: Arrows, above: tuple[str, ...] = ()) -> set[str]:
    """Return all that a package needs, directly or not.

    Raises:
        ValueError: packages need each other.
    """
    if name in above:
        raise ValueError(f"packages that need each other: {' → '.join((*above[above.index(name) :], name))}")
    return set().union(*({other} | below(other, arrows, (*above, name)) for other in arrows[name]))


def rows(arrows: Arrows) -> list[list[str]]:
    """Return the packages from top to bottom, each below all that need it."""
    level: dict[str, int] = {}
    for name in sorted(arrows, key=lambda name: (-len(below(name, arrows)), name)):
        level[name] = max((level[other] + 1 for other in level if name in arrows[other]), default=0)
    return [[name for name in level if level[name] == row] for row in range(max(level.values()) + 1)]


def draw(library: Path) -> str:
    """Return the picture of a library's packages, as SVG."""
    words, arrows = packages(library), imports(library)
    needed = {name: below(name, arrows) for name in arrows}
    direct = {
        name: {o for o in others if not any(o in needed[via] for via in others)} for name, others in arrows.items()
    }
    width = PER_ROW * (WIDTH + GAP) + 2 * MARGIN
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows(arrows)):
        above = [places[a][0] + WIDTH / 2 for a in places if direct[a] & set(row)]
        middle = sum(above) / len(above) if above and len(row) < PER_ROW - 1 else width / 2
        for i, name in enumerate(row):
            x = middle - (len(row) * (WIDTH + GAP) - GAP) / 2 + i * (WIDTH + GAP)
            places[name] = (round(x), MARGIN + number * (HEIGHT + GAP))
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    parts = [_arrow(places[a], places[b]) for a in sorted(direct) for b in sorted(direct[a])]
    for name, place in places.items():
        parts += _box(place, name, words[name])
    size = f'viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, f"<title>{escape(PACKAGE)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _box(place: tuple[float, float], name: str, words: str) -> Iterator[str]:
    x, y = place
    yield f'<rect class="box" x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    yield f'<text class="name" x="{x + WIDTH / 2:g}" y="{y + 19:g}" text-anchor="middle">{escape(name)}</text>'
    for number, line in enumerate(textwrap.wrap(words, 29, max_lines=3, placeholder=" …")):
        at = f'x="{x + WIDTH / 2:g}" y="{y + 36 + 15 * number:g}"'
        yield f'<text class="words" {at} text-anchor="middle">{escape(line)}</text>'


def _arrow(a: tuple[float, float], b: tuple[float, float]) -> str:
    x, y, to_x, to_y = a[0] + WIDTH / 2, a[1] + HEIGHT, b[0] + WIDTH / 2, b[1]
    bend = GAP * 0.8
    path = f"M{x:g} {y:g}C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y - 7:g}"
    return f'<path class="edge" d="{path}"/><path class="tip" d="M{to_x - 5:g} {to_y - 8:g}h10l-5 8z"/>'


if __name__ == "__main__":
    try:
        (ROOT / "docs/architecture.svg").write_text(draw(ROOT / "workflow/scripts" / PACKAGE), encoding="utf-8")
    except ValueError as error:
        sys.exit(str(error))
