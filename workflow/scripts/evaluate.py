"""Score a model's completions, benchmark by benchmark."""

from megascience.evaluation.schemas import ITEMS, SCORED
from megascience.evaluation.scores import score_items, summarize
from megascience.inference.completions import COMPLETIONS
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.files import write_json
from megascience.storage.logs import job_log
from megascience.storage.parquet import read_records, write_records

with job_log(snakemake.log[0]):
    completions = read_records(snakemake.input.completions, COMPLETIONS)
    prompts = {prompt.name: prompt for prompt in map(load_prompt, snakemake.input.prompts)}
    paths = zip(snakemake.input.benchmarks, snakemake.output.rows, snakemake.output.summaries, strict=True)
    for (items, rows, summary), entry in zip(paths, snakemake.params.entries, strict=True):
        known = read_records(items, ITEMS)
        scored = score_items(known, completions, prompts, snakemake.params.preset, entry["metric"])
        write_records(rows, scored, SCORED, {"stage": "evaluate"})
        write_json(summary, summarize(scored, entry["metric"], entry["kind"]))
