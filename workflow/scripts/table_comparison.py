"""Models side by side, each set against the first of its block."""

from pathlib import Path

from megascience.report.tables.comparison import Comparison, Trained, by_model
from megascience.report.tables.paper import read_paper
from megascience.report.tables.scores import read_scores
from megascience.storage.logs import job_log
from megascience.storage.parquet import count_rows
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    table = Comparison(
        snakemake.params.table["blocks"],
        read_scores(snakemake.input.summaries),
        by_model(snakemake.input.verdicts),
        snakemake.params.benchmarks,
        {name: Trained(**made) for name, made in snakemake.params.trained.items()},
        {Path(path).parent.name: count_rows(path) for path in snakemake.input.datasets},
        read_paper(snakemake.input.paper or None),
    )
    write_table(table.long(), snakemake.output.table)
    for path in (snakemake.output.markdown, snakemake.output.latex):
        write_table(table.short(snakemake.params.table["show"], snakemake.params.table["caption"]), path)
