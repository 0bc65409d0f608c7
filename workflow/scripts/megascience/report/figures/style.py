"""Style: one look for all figures, and the canvas that writes them as the same bytes each time.

matplotlib is loaded only when a figure is drawn.
"""

import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from megascience.storage.files import atomic_file

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,
    "svg.hashsalt": "megascience",
    "figure.constrained_layout.use": True,
}

#: A series is told from the others by its marker and its grey as well as by its colour (Okabe and Ito's palette).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)), (0, (3, 3)), (0, (7, 2)))

#: Width of a text block in inches.
WIDTH = 6.5


@contextmanager
def canvas(outputs: Sequence[str | Path], **settings: Any) -> Iterator[tuple[Any, Any]]:
    """Give a figure and its axes, and write it to each of `outputs` (.pdf, .png) at the end."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context(["default", STYLE]):
        figure, axes = plt.subplots(**settings)
        try:
            yield figure, axes
            for path in map(Path, outputs):
                undated = {"CreationDate": None} if path.suffix == ".pdf" else {}
                buffer = io.BytesIO()
                figure.savefig(buffer, format=path.suffix[1:], dpi=200, metadata=undated)
                with atomic_file(path) as handle:
                    handle.write(buffer.getvalue())
        finally:
            plt.close(figure)


def title_of(name: str) -> str:
    """Return a discipline's or stage's name as a reader writes it: computer_science -> Computer science."""
    return name.replace("_", " ").capitalize()


def series(i: int) -> dict[str, Any]:
    """Return colour and marker of the series number `i`: no two of the first 64 share both."""
    return {"color": COLOURS[(i + i // len(MARKERS)) % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}


class Interval(Protocol):
    """A score with its interval, as shares of 1."""

    @property
    def value(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


def errors(values: Sequence[Interval]) -> list[list[float]]:
    """Return the lengths below and above of the scores' intervals, in percent, as matplotlib wants them."""
    return [
        [max(0.0, 100 * (value.value - value.low)) for value in values],
        [max(0.0, 100 * (value.high - value.value)) for value in values],
    ]


def legend_columns(labels: Collection[str], width: float = WIDTH) -> int:
    """Return how many columns a legend of these labels may have in a figure of this width in inches."""
    longest = max(map(len, labels), default=0)
    return max(1, min(4, len(labels), int(width / (0.058 * longest + 0.45))))  # 0.058 inch a letter of 7 points
