"""Write the released dataset."""

from pathlib import Path

from megascience.datasets.textbooks import build_dataset
from megascience.ingest.books import Book
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    build_dataset(
        references=snakemake.input.references,
        books=[Book(**row) for row in snakemake.params.books],
        chunks=snakemake.input.chunks,
        stage_files={stage: snakemake.input[stage] for stage in snakemake.params.stages},
        standards=snakemake.params.standards,
        verdicts=snakemake.input.verdicts,
        yields=snakemake.input.yields,
        measured=snakemake.input.measured,
        embedder=tuple(snakemake.params.embedder),
        output=Path(snakemake.output.card).parent,
        name=Path(snakemake.output.card).parent.name,
    )
