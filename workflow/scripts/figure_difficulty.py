"""Mean scores of the sampled answers, by source."""

from collections import defaultdict
from pathlib import Path

from megascience.report.figures.difficulty import difficulty_figure
from megascience.storage.layout import pool_of
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    by_pool = defaultdict(list)
    for path in snakemake.input.scores:
        by_pool[pool_of(Path(path).parent.name, snakemake.params.sources)].append(path)
    difficulty_figure(by_pool, list(snakemake.output), snakemake.params.between)
