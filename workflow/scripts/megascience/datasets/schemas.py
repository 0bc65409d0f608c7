"""Schemas of what datasets are selected by. The first column is the row's id."""

import pyarrow as pa

from megascience.storage.schema import INT, TEXT, record_schema

#: What sampled answers to a question are worth, from 0 to 10: the mean and the standard deviation over those that have
#: a score, and all scores in the order of the samples, null where there is none.
DIFFICULTY = record_schema(
    id=TEXT,
    mean=pa.float64(),
    spread=pa.float64(),
    n_scored=INT,
    n_unreadable=INT,
    scores=pa.list_(INT),
)
