"""Lengths of a strong model's answers to the questions of each source."""

from collections import defaultdict
from pathlib import Path

from megascience.report.figures.lengths import density_figure
from megascience.report.token_lengths import column_lengths
from megascience.storage.layout import pool_of
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    by_pool = defaultdict(list)
    for path in snakemake.input.lengths:
        by_pool[pool_of(Path(path).parent.name, snakemake.params.sources)].append(path)
    lengths = {pool: column_lengths(paths, "n_tokens") for pool, paths in by_pool.items()}
    density_figure(lengths, list(snakemake.output), f"length of the answers of {snakemake.params.model}")
