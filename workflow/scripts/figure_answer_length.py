"""Lengths of the datasets' answers."""

from pathlib import Path

from megascience.report.figures.lengths import density_figure
from megascience.report.token_lengths import read_lengths
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    lengths = {Path(path).stem: read_lengths(path) for path in snakemake.input.lengths}
    density_figure(lengths, list(snakemake.output), "answer length")
