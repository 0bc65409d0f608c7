"""Tables as pandas frames, and the files that they are written to: TSV, Markdown (GitHub), LaTeX (booktabs).

A cell is what Python made it (dtype object), so that an empty one, None, turns no count into a float. How a table
is shown goes with it in `frame.attrs`: the decimals of columns, and a caption. pandas is loaded only to make a table.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megascience.storage.errors import InputError
from megascience.storage.files import write_text
from megascience.storage.text import one_line

if TYPE_CHECKING:
    import pandas as pd

#: Characters of a row that still fit between the margins of a page.
_WIDE = 90

#: A spreadsheet takes text that opens with one of these signs for a formula, unless an apostrophe stands before it.
_FORMULA = re.compile(r"'*[=+\-@]")


def table_of(
    columns: Iterable[str], rows: Iterable[Sequence[Any]], digits: Mapping[str, int] | None = None, caption: str = ""
) -> "pd.DataFrame":
    """Return a table of these rows.

    Args:
        columns: the header, one name a column.
        rows: one sequence of cells a row, as long as `columns`; None is an empty cell.
        digits: decimals of the columns of floats; a column that is not named is shown as it is.
        caption: plain text, under the table in Markdown and LaTeX.

    Raises:
        ValueError: a row is not as long as the header.
    """
    import pandas as pd

    header, cells = list(columns), list(rows)
    for row in cells:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} cells in a table of {len(header)} columns: {row!r}")
    frame = pd.DataFrame(cells, columns=header, dtype=object)
    frame.attrs = {"digits": dict(digits or {}), "caption": caption}
    return frame


def read_tsv(path: str | Path, types: Mapping[str, type]) -> "pd.DataFrame":
    """Read a tab-separated table with a header.

    Args:
        types: the columns that the caller needs, and whether each holds str, int or float. All other columns are
            text: no id and no number that is meant as text changes its type.

    Raises:
        InputError: the file is not such a table, or a column is missing or holds something else.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE, encoding="utf-8")
        if missing := [name for name in types if name not in frame]:
            raise ValueError(f"the column {missing[0]!r} is missing")
        if not isinstance(frame.index, pd.RangeIndex):
            raise ValueError("a row is longer than the header")
        for name in frame:
            frame[name] = frame[name].str.replace(r"^'('*[=+\-@])", r"\1", regex=True)
        return frame.astype(dict(types))
    except (OSError, ValueError) as error:
        fix = "if a rule makes it, delete it and run again"
        raise InputError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}; {fix}") from error


def texts(frame: "pd.DataFrame", empty: str = "") -> list[list[str]]:
    """Return every cell as one line of harmless text, `empty` for one without a value."""
    digits = frame.attrs.get("digits", {})
    columns = [[_text(value, digits.get(name), empty) for value in cells] for name, cells in frame.items()]
    return [list(row) for row in zip(*columns)]


def _text(value: Any, digits: int | None, empty: str) -> str:
    if value is None or value != value:  # NaN
        return empty
    if isinstance(value, float) and digits is not None:
        return f"{value:.{digits}f}"
    return one_line(str(value))


def write_table(frame: "pd.DataFrame", path: str | Path) -> None:
    """Write a table atomically in the format of the path's suffix: .tsv, .md or .tex.

    Raises:
        ValueError: another suffix.
    """
    formats = {".tsv": tsv, ".md": markdown, ".tex": latex}
    suffix = Path(path).suffix
    if suffix not in formats:
        raise ValueError(f"{path}: a table is written as {', '.join(formats)}, not as {suffix!r}")
    write_text(path, formats[suffix](frame))


def tsv(frame: "pd.DataFrame") -> str:
    """Return tab-separated text without quotes; text that a spreadsheet would run as a formula gets an apostrophe."""
    import pandas as pd

    cells = [
        [f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text for value, text in zip(row, shown)]
        for row, shown in zip(frame.itertuples(index=False, name=None), texts(frame))
    ]
    shown = pd.DataFrame(cells, columns=frame.columns, dtype=str)
    return shown.to_csv(sep="\t", index=False, quoting=csv.QUOTE_NONE, lineterminator="\n")


def plain(frame: "pd.DataFrame") -> str:
    """Return the table in aligned columns, for a terminal."""
    return _tabulate(frame, "plain", str, "–")


def markdown(frame: "pd.DataFrame") -> str:
    """Return a Markdown (GitHub) table and its caption; cells are escaped, so that none can break the table or carry
    HTML."""
    caption = frame.attrs.get("caption", "")
    return _tabulate(frame, "github", markdown_text, "–") + "\n" + (f"\n{markdown_text(caption)}\n" if caption else "")


def latex(frame: "pd.DataFrame") -> str:
    """Return a LaTeX `table` with booktabs rules; one wider than a page is shrunk (package graphicx).

    tabulate escapes the cells and aligns the source; `DataFrame.to_latex` does not align it.
    """
    body = _tabulate(frame, "latex_booktabs", str, "--")
    if frame.empty:  # tabulate then knows of no columns
        body = body.replace("{tabular}{}", f"{{tabular}}{{{'l' * len(frame.columns)}}}")
    if max(map(len, body.splitlines())) > _WIDE:
        body = f"\\resizebox{{\\textwidth}}{{!}}{{%\n{body}}}"
    lines = ["\\begin{table}", "\\centering", body]
    if caption := frame.attrs.get("caption"):
        lines.append(f"\\caption{{{_latex_text(caption)}}}")
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _tabulate(frame: "pd.DataFrame", style: str, escape: Callable[[str], str], empty: str) -> str:
    from tabulate import tabulate

    return tabulate(
        [[escape(cell) for cell in row] for row in texts(frame, empty)],
        headers=[escape(name) for name in frame.columns],
        tablefmt=style,
        disable_numparse=True,
        colalign=["right" if numeric(cells) else "left" for _, cells in frame.items()] if len(frame) else None,
    )


def numeric(cells: Iterable[Any]) -> bool:
    """Return whether a column holds numbers only, empty cells aside."""
    return all(isinstance(value, Real) for value in cells if value is not None)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is: on one line, no markup, no HTML, no table border."""
    text = one_line(text)
    escaped = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    return "".join(escaped.get(c, f"\\{c}" if c in "\\`*_[]|#~$!" else c) for c in text)


def _latex_text(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)
