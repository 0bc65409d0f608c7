"""What extraction found, by discipline."""

from collections import defaultdict
from pathlib import Path

from megascience.report.tables.counts import extraction_table
from megascience.report.tables.paper import read_paper
from megascience.storage.logs import job_log
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    by_discipline = {"chunks": defaultdict(list), "pairs": defaultdict(list)}
    for kind, files in by_discipline.items():
        for path in snakemake.input[kind]:
            files[Path(path).parent.name].append(path)
    table = extraction_table(**by_discipline, paper=read_paper(snakemake.input.paper or None))
    for path in snakemake.output:
        write_table(table, path)
