"""Import a public set's rows into its shards."""

from megascience.ingest.public.import_source import import_source
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]) as logger:
    counts = import_source(
        snakemake.params.name,
        snakemake.params.entry,
        kept=snakemake.output.kept,
        dropped=snakemake.output.dropped,
        summary=snakemake.output.summary,
    )
    logger.info("%s", dict(counts))
