"""The paper's own numbers, to stand beside ours: a table of facts, one a row."""

from pathlib import Path

from megascience.storage.errors import InputError
from megascience.storage.tables import read_tsv

#: (row, column) -> number.
PaperNumbers = dict[tuple[str, str], float]


def read_paper(path: str | Path | None) -> PaperNumbers:
    """Read a file of the columns paper_table, row, column, value; no path gives no numbers.

    Rows of counts are named after the discipline or source. Rows of scores are `base/dataset` as the config names
    them, or the model where nothing was trained; columns of scores are a benchmark of the registry or an average.

    Raises:
        InputError: a column is missing, a value is not a number, or the same number is there twice.
    """
    numbers: PaperNumbers = {}
    if path is None:
        return numbers
    frame = read_tsv(path, {"row": str, "column": str, "value": str})
    for line, (row, column, value) in enumerate(zip(frame["row"], frame["column"], frame["value"]), 2):
        if (row, column) in numbers:
            raise InputError(f"{path}:{line}: {row!r} {column!r} is there twice; take one out")
        try:
            numbers[row, column] = float(value)
        except ValueError as error:
            raise InputError(f"{path}:{line}: needs a number as value, not {value!r}") from error
    return numbers
