"""Read a benchmark's items, from its local files or from the hub at the pinned revision."""

from megascience.evaluation.items import load_items
from megascience.evaluation.schemas import ITEMS
from megascience.storage.logs import job_log
from megascience.storage.parquet import write_records

with job_log(snakemake.log[0]):
    items = load_items(snakemake.params.entry, snakemake.params.root)
    write_records(snakemake.output.benchmark, items, ITEMS, {"benchmark": snakemake.wildcards.benchmark})
