"""How many answers of a dataset have how many tokens."""

from megascience.ingest.chunk import load_tokenizer
from megascience.models.manifest import tokenizer_path
from megascience.report.token_lengths import count_answers, write_lengths
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    count_tokens = load_tokenizer(tokenizer_path(snakemake.input.model))
    write_lengths(snakemake.output.lengths, count_answers(snakemake.input.dataset, count_tokens))
