"""Average score against the mean length of the training data's answers."""

from pathlib import Path

from megascience.report.figures.lengths import training_length_figure
from megascience.report.token_lengths import read_lengths
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    training_length_figure(
        snakemake.input.summaries,
        snakemake.params.benchmarks,
        {name: made["dataset"] for name, made in snakemake.params.trained.items()},
        {Path(path).stem: read_lengths(path) for path in snakemake.input.lengths},
        list(snakemake.output),
    )
