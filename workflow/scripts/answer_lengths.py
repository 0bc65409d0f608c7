"""How many answers of a dataset have how many tokens."""

from megascience.chunk import load_tokenizer
from megascience.lengths import count_answers, write_lengths
from megascience.logs import job_log
from megascience.serving import tokenizer_path

with job_log(snakemake.log[0]):
    count_tokens = load_tokenizer(tokenizer_path(snakemake.input.model))
    write_lengths(snakemake.output.lengths, count_answers(snakemake.input.dataset, count_tokens))
