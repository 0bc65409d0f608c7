"""Verdicts by discipline and benchmark."""

from collections import defaultdict
from pathlib import Path

from megascience.report.tables.contamination import contamination_table
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    by_discipline = defaultdict(list)
    for path in snakemake.input.verdicts:
        by_discipline[Path(path).parent.name].append(path)
    contamination_table(by_discipline).write(snakemake.output.table)
