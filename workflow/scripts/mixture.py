"""Mix a dataset of its parts."""

from pathlib import Path

from megascience.datasets.mixture import build_mixture, portion, thresholds
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    files = snakemake.input
    portions = [
        portion(
            part, {key.split("_", 2)[2]: list(paths) for key, paths in files.items() if key.startswith(f"part_{k}_")}
        )
        for k, part in enumerate(snakemake.params.parts)
    ]
    build_mixture(
        portions,
        name=snakemake.wildcards.dataset,
        output=Path(snakemake.output.card).parent,
        dropped=snakemake.output.dropped,
        counts=snakemake.output.counts,
        seed=snakemake.params.seed,
        **thresholds(snakemake.params.dedup),
    )
