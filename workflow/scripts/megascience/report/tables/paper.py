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
        InputError: a column is missing, a value is not a number, or the same number stands there twice.
    """
    numbers: PaperNumbers = {}
    if path is None:
        return numbers
    for line, row in enumerate(read_tsv(path), 2):
        try:
            key, value = (row["row"], row["column"]), float(row["value"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}:{line}: needs the columns paper_table, row, column, and a number as value"
            ) from error
        if key in numbers:
            raise InputError(f"{path}:{line}: {key[0]!r} {key[1]!r} stands there twice; take one out")
        numbers[key] = value
    return numbers
