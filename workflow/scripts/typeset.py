"""Typeset an example book."""

from megascience.ingest.typeset import typeset
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    typeset(snakemake.input.source, snakemake.output.pdf)
