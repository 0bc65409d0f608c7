"""Schema: building blocks of the records' schemas."""

import pyarrow as pa

TEXT = pa.string()
INT = pa.int64()


def record_schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])
