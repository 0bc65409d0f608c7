"""Fetch a model's files from the first source that has them."""

from pathlib import Path

from megascience.models.fetch import fetch_model
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    fetch_model(snakemake.wildcards.name, snakemake.params.entry, Path(snakemake.output.manifest).parent)
