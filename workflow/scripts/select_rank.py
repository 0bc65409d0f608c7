"""Decide which rows of a pool are selected."""

import json
from pathlib import Path

from megascience.datasets.selection import pool_of, rank_pool
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    entry = dict(snakemake.params.entry)
    n = entry.get("n")
    files = snakemake.input
    rank_pool(
        snakemake.params.name,
        pool_of(files.records, snakemake.output.dropped, files.get("measures", []), files.get("refused", [])),
        method=entry["method"],
        summary=snakemake.output.summary,
        n=json.loads(Path(files.n).read_text())["selected"] if isinstance(n, str) else n,
        n_of=n if isinstance(n, str) else None,
        between=entry["between"],
        seed=entry["seed"],
    )
