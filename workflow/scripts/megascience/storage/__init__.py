"""Storage: files, ids, Parquet and errors; uses nothing else of ours."""
