"""Training rows: what of a dataset is trained on, with one explicit schema, and what is too long for it.

A trainer cuts a longer row at `cutoff_len`, so that its answer has no end and the model learns not to end. So
such rows are found before, and the preset says what becomes of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from megascience.models.reasons import TRAIN_REASONS
from megascience.storage.drops import DROPPED, Drop, dropped_row
from megascience.storage.errors import InputError
from megascience.storage.parquet import iter_batches, table_writer

#: What may be done with a row that does not fit: leave it out, let the trainer cut it, or stop.
TooLong = Literal["drop", "cut", "refuse"]

#: Tokens that a chat template may add to a question and an answer: a default system prompt, roles, turn ends.
#: A row within so many tokens of the cutoff counts as too long, so that no template cuts an answer.
TEMPLATE_TOKENS = 64

#: What the trainer reads.
SCHEMA = pa.schema([("question", pa.string()), ("answer", pa.string())])


@dataclass
class RowCounts:
    """Rows that came, those that are too long, and those that are trained on."""

    rows_in: int = 0
    too_long: int = 0
    trained: int = 0


def write_training_rows(
    dataset: str | Path,
    output: str | Path,
    dropped: str | Path,
    *,
    tokenizer: str | Path,
    cutoff_len: int,
    too_long: TooLong = "drop",
) -> RowCounts:
    """Write the rows that are trained on, and those that are left out (`too_long_to_train`).

    Args:
        dataset: the released `train.parquet`, of which `question`, `answer` and `id` are used.
        output: Parquet of `SCHEMA`, in the dataset's order.
        dropped: Parquet of `DROPPED`.
        tokenizer: the base model's `tokenizer.json`; it is only loaded where a text has so many bytes that its
            tokens must be counted (a token has at least one byte).
        cutoff_len: tokens of the longest sequence.
        too_long: see `TooLong`.

    Raises:
        InputError: the dataset is not readable, has no rows or a row without question or answer; a row is too long
            and `too_long` is "refuse"; or every row is too long.
    """
    counts = RowCounts()
    room = cutoff_len - TEMPLATE_TOKENS
    with (
        table_writer(output, SCHEMA, {"stage": "train"}) as keep,
        table_writer(dropped, DROPPED, {"stage": "train"}) as leave,
    ):
        for number, batch in _batches(Path(dataset)):
            counts.rows_in += len(batch)
            long = {place: n for place, n in _lengths(batch, Path(tokenizer), room).items() if n > room}
            counts.too_long += len(long)
            if long and too_long == "refuse":
                place, n = next(iter(long.items()))
                raise InputError(
                    f"{dataset}, row {number + place}: {n} tokens and up to {TEMPLATE_TOKENS} of the template are "
                    f"more than cutoff_len {cutoff_len}; raise it, or set too_long: drop or cut in the preset"
                )
            stay = pa.array([place not in long or too_long == "cut" for place in range(len(batch))], pa.bool_())
            table = pa.Table.from_batches([batch.select(SCHEMA.names)]).cast(SCHEMA).filter(stay)
            counts.trained += len(table)
            keep(table)
            if too_long == "drop" and long:
                drops = [
                    (batch["id"][place].as_py(), Drop("too_long_to_train", f"{n} tokens")) for place, n in long.items()
                ]
                rows = [dropped_row(identifier, "train", drop, TRAIN_REASONS) for identifier, drop in drops]
                leave(pa.Table.from_pylist(rows, DROPPED))
    if not counts.rows_in:
        raise InputError(
            f"{dataset}: has no rows, so there is nothing to train on; the yield table says where they went"
        )
    if not counts.trained:
        raise InputError(
            f"{dataset}: each of its {counts.rows_in} rows is longer than cutoff_len {cutoff_len} allows; raise it"
        )
    return counts


def _batches(dataset: Path) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield (number of the first row, from 1; rows) of a dataset, checked."""
    if not dataset.is_file():
        raise InputError(f"{dataset}: there is no such dataset; make it first")
    number = 1
    for batch in iter_batches(dataset, ["id", *SCHEMA.names]):
        for name in SCHEMA.names:
            column = batch[name]
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                raise InputError(f"{dataset}: column {name!r} is {column.type}, not text; make the dataset again")
            if column.null_count:
                place = pc.index(pc.is_null(column), True).as_py()
                raise InputError(f"{dataset}, row {number + place}: {name!r} is null; make the dataset again")
        yield number, batch
        number += len(batch)


def _lengths(batch: pa.RecordBatch, tokenizer: Path, room: int) -> dict[int, int]:
    """Return the tokens of question and answer of each row that may have more than `room`, by its place."""
    sizes = pc.add(pc.binary_length(batch["question"]), pc.binary_length(batch["answer"]))
    places = [place for place, size in enumerate(sizes.to_pylist()) if size > room]
    if not places:
        return {}
    reader = _load(tokenizer)
    rows = batch.take(pa.array(places))
    texts = [*rows["question"].to_pylist(), *rows["answer"].to_pylist()]
    counts = [len(encoding.ids) for encoding in reader.encode_batch_fast(texts, add_special_tokens=False)]
    return {place: q + a for place, q, a in zip(places, counts[: len(places)], counts[len(places) :])}


@lru_cache(maxsize=1)
def _load(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no class of its own
        raise InputError(f"{path}: not a readable tokenizer ({error}); fetch the model again") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
