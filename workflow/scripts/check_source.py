"""Read the first rows of a public set's local files."""

from megascience.ingest.public.import_source import check_source
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    check_source(snakemake.wildcards.source, snakemake.params.entry, snakemake.output.checked)
