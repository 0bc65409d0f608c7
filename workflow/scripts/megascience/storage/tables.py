"""One table object and its writers: TSV, Markdown (GitHub), LaTeX (booktabs)."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from megascience.storage.files import write_text

#: Characters of a row that still fit between the margins of a page.
_WIDE = 90


@dataclass(frozen=True)
class Table:
    """Rows under named columns, with how each column is shown.

    Attributes:
        columns: the header, one name a column.
        rows: one sequence of cells a row, as long as `columns`; None is an empty cell.
        digits: decimals of the float columns; a float column that is not named is shown as it is.
        caption: plain text, under the table in Markdown and LaTeX.
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    digits: Mapping[str, int] = field(default_factory=dict)
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells in a table of {len(self.columns)} columns: {row!r}")

    def cells(self, empty: str = "") -> list[list[str]]:
        """Return every cell as one line of text, `empty` for None."""
        return [[self._cell(name, value, empty) for name, value in zip(self.columns, row)] for row in self.rows]

    def _cell(self, column: str, value: Any, empty: str) -> str:
        if value is None:
            return empty
        if isinstance(value, float) and column in self.digits:
            return f"{value:.{self.digits[column]}f}"
        return " ".join(str(value).split())

    def numeric(self) -> list[bool]:
        """Return for each column whether it holds numbers only, empty cells aside."""
        return [
            all(isinstance(row[i], (int, float)) for row in self.rows if row[i] is not None)
            for i in range(len(self.columns))
        ]

    def tsv(self) -> str:
        """Return tab-separated text; quotes and commas need no escape in it."""
        out = io.StringIO()
        writer = csv.writer(out, "excel-tab", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(self.columns)
        writer.writerows(self.cells())
        return out.getvalue()

    def plain(self) -> str:
        """Return the table in aligned columns, for a terminal."""
        return self._tabulate("plain", str, "–")

    def markdown(self) -> str:
        """Return a Markdown (GitHub) table and its caption; cells are escaped, so that none can break the table or
        carry HTML."""
        caption = f"\n{markdown_text(self.caption)}\n" if self.caption else ""
        return self._tabulate("github", markdown_text, "–") + "\n" + caption

    def latex(self) -> str:
        """Return a LaTeX `table` with booktabs rules; one wider than a page is shrunk (package graphicx)."""
        body = self._tabulate("latex_booktabs", str, "--")
        if not self.rows:  # tabulate then knows of no columns
            body = body.replace("{tabular}{}", f"{{tabular}}{{{'l' * len(self.columns)}}}")
        if max(map(len, body.splitlines())) > _WIDE:
            body = f"\\resizebox{{\\textwidth}}{{!}}{{%\n{body}}}"
        lines = ["\\begin{table}", "\\centering", body]
        if self.caption:
            lines.append(f"\\caption{{{_latex_text(self.caption)}}}")
        return "\n".join([*lines, "\\end{table}"]) + "\n"

    def _tabulate(self, style: str, escape: Callable[[str], str], empty: str) -> str:
        from tabulate import tabulate

        return tabulate(
            [[escape(cell) for cell in row] for row in self.cells(empty)],
            headers=[escape(name) for name in self.columns],
            tablefmt=style,
            disable_numparse=True,
            colalign=["right" if numeric else "left" for numeric in self.numeric()] if self.rows else None,
        )

    def write(self, path: str | Path) -> None:
        """Write the table atomically in the format of the path's suffix: .tsv, .md or .tex.

        Raises:
            ValueError: another suffix.
        """
        formats = {".tsv": self.tsv, ".md": self.markdown, ".tex": self.latex}
        suffix = Path(path).suffix
        if suffix not in formats:
            raise ValueError(f"{path}: a table is written as {', '.join(formats)}, not as {suffix!r}")
        write_text(path, formats[suffix]())


def read_tsv(path: str | Path) -> list[dict[str, str]]:
    """Read a table that `Table.tsv` wrote: one dict of texts a row."""
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, dialect="excel-tab", quoting=csv.QUOTE_NONE))


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is: on one line, no markup, no HTML, no table border."""
    text = " ".join(text.split())
    escaped = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    return "".join(escaped.get(c, f"\\{c}" if c in "\\`*_[]|#~$!" else c) for c in text)


def _latex_text(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)
