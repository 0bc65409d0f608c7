"""Verdicts by discipline and benchmark."""

from collections import defaultdict
from pathlib import Path

from megascience.report.tables.contamination import contamination_table
from megascience.storage.logs import job_log
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    by_discipline = defaultdict(list)
    for path in snakemake.input.verdicts:
        by_discipline[Path(path).parent.name].append(path)
    write_table(contamination_table(by_discipline), snakemake.output.table)
