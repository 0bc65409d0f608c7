"""Forecast: requests, tokens, GPU-hours and money for what is still to do.

Where a job's records are on disk, its requests are counted one by one against its journal, and the bytes of
their prompts are known. Where they are not, rows are reckoned from the rows of the stage before by the shares
measured in this run, or else by the paper's. Tokens of an answer and tokens a second are measured where there
are cost files of the stage, else of the model, else assumed or given.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megascience.inference.journal.budget import BYTES_PER_TOKEN
from megascience.planning.jobs import Shard, model_identity, pending_of, shards_of
from megascience.planning.plan import Plan
from megascience.report.tables.cost import money, read_cost
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.layout import split_subset
from megascience.storage.parquet import count_rows
from megascience.storage.tables import table_of

if TYPE_CHECKING:
    import pandas as pd

#: Rows that a stage gives for each row it gets, until this run has measured it: from the counts of the paper's
#: Table 2 (extract by chunk and standard, dedup, filter, decontaminate), k = 5 candidates a pair, else 1.
SHARES = {
    "chunk": 1.0,
    "extract": 945_683 / (2 * 546_134),
    "dedup": 767_893 / 945_683,
    "refine": 1.0,
    "judge_cot": 1.0,
    "distill_cot": 1.0,
    "filter": 728_767 / 767_893,
    "search": 5.0,
    "decontaminate": 651_840 / 728_767,
    "reference": 1.0,
}

#: The same for public sources, from the paper's Table 3 (NaturalReasoning and Nemotron-Science together), and for
#: what selections other than `all` take of them. Of the textbooks' pairs 55 of 652 thousand have a mean difficulty
#: score under 6, so that difficulty-aware distillation asks about them.
SOURCE_SHARES = {"dedup": 1757.8 / 1854.7, "decontaminate": 1526.4 / 1757.8}
SELECTED = 609.7 / 1526.4
HARD = 55 / 652

#: Tokens of a book, where its pages cannot be counted: the paper's 546,134 chunks of 15,105 books and
#: disciplines, full. Tokens of a dense page of some 400 words.
BOOK_TOKENS = 546_134 / 15_105 * 4096
PAGE_TOKENS = 550

#: Tokens of a question, and of a question with its answer: the paper's mean answer has 410.
QUESTION_TOKENS = 100
PAIR_TOKENS = 510

#: Tokens of an answer, assumed until a cost file of the stage is there; those of a stage without a line are a pair's.
ANSWER_TOKENS = {
    "classify": 100,
    "extract": round(SHARES["extract"] * PAIR_TOKENS),
    "refine": PAIR_TOKENS,
    "judge_cot": 100,
    "distill_cot": PAIR_TOKENS,
    "filter": 150,
    "decontaminate": 100,
    "reference": 30,
    "difficulty_sample": 700,
    "difficulty_score": 150,
    "response_length": 700,
    "annotate": 721,  # the mean of the paper's mixture
    "evaluate": 1000,
}

_COLUMNS = ("stage", "model", "requests", "prompt tokens", "completion tokens", "hours", "GPU-hours", "money", "from")


def forecast(
    plan: Plan, results: str | Path, throughput: Mapping[str, Mapping[str, float]] | None = None
) -> "pd.DataFrame":
    """Return what is still to do: a row a stage and model, and a last one over all.

    Args:
        plan: the configuration and the shelf.
        results: the results folder; it need not be there yet.
        throughput: the config's name of a model -> `tokens_per_second` (of one job, prompt and completion
            together) and `gpus` of one job; used where nothing was measured.

    Returns:
        requests, prompt and completion tokens, hours of the jobs one after the other, GPU-hours and money
        (empty without a speed or a price), and whether the requests come from "records" or an "estimate".
        Evaluation stands empty where neither the items are there nor the registry tells their number.

    Raises:
        InputError: a file on disk is faulty.
    """
    results = Path(results)
    shards = list(shards_of(plan, results))
    rates = _Rates(read_cost(shard.cost for shard in shards if shard.cost.exists()))
    rows = _Rows(plan, results)
    work: dict[tuple[str, str], _Work] = defaultdict(_Work)
    for shard in shards:
        part = work[shard.stage, shard.model]
        identity = model_identity(plan, results, shard.model)
        if shard.ready and identity:
            _count(part, plan, shard, identity)
        else:
            name = identity[0] if identity else shard.model
            requests = rows.requests(shard)
            part.counted = False
            part.known = part.known and requests is not None
            tokens = rates.mean(shard.stage, name, "prompt_tokens") or _prompt_tokens(shard, plan)
            part.add(requests or 0, (requests or 0) * tokens)
    lines = [_line(plan, key, part, rates, (throughput or {}).get(key[1], {})) for key, part in work.items()]
    known = [line for line in lines if line[2] is not None]
    total = [_total([line[i] for line in known]) for i in range(2, 8)]
    basis = None if len(known) == len(lines) else "what is known"
    return table_of(_COLUMNS, [*lines, ["all", None, *total, basis]], {"hours": 1, "GPU-hours": 1, "money": 2})


@dataclass
class _Work:
    """What is to do in one stage with one model, retries left out."""

    requests: float = 0.0
    prompt_tokens: float = 0.0
    counted: bool = True
    known: bool = True

    def add(self, requests: float, prompt_tokens: float) -> None:
        self.requests += requests
        self.prompt_tokens += prompt_tokens


class _Rates:
    """What the cost files of this run measured."""

    def __init__(self, spent: dict[tuple[str, str], dict[str, float]]) -> None:
        self.spent = spent

    def mean(self, stage: str, model: str, key: str) -> float | None:
        """Return a number for each request of a stage, None where none was asked."""
        spent = self.spent.get((stage, model), {})
        return spent[key] / spent["requests"] if spent.get("requests") else None

    def attempts(self, stage: str, model: str) -> float:
        """Return requests for each one that was wanted: above 1 where answers had to be asked again."""
        return 1 / (1 - min(0.9, self.mean(stage, model, "retried") or 0.0))

    def speed(self, stage: str, model: str) -> float | None:
        """Return tokens a second of one job, prompt and completion together: of the stage, else of the model."""
        mine = [spent for (_, name), spent in self.spent.items() if name == model]
        for group in ([self.spent.get((stage, model), {})], mine):
            seconds = sum(spent.get("wall_seconds", 0.0) for spent in group)
            if seconds:
                return sum(spent["prompt_tokens"] + spent["completion_tokens"] for spent in group) / seconds
        return None

    def gpus(self, model: str) -> float | None:
        """Return the mean number of GPUs that the model's jobs held, None where there were no jobs."""
        mine = [spent for (_, name), spent in self.spent.items() if name == model]
        hours = sum(spent["wall_seconds"] + spent["startup_seconds"] for spent in mine) / 3600
        return sum(spent["gpu_hours"] for spent in mine) / hours if hours else None


class _Rows:
    """Rows of each stage and shard: counted where the file is there, else reckoned from the stage before."""

    def __init__(self, plan: Plan, results: Path) -> None:
        self.plan = plan
        self.results = results
        self.share = cache(self._share)
        self.tokens = cache(self._tokens)

    def requests(self, shard: Shard) -> float | None:
        """Return how many requests a shard is likely to have, None where a benchmark's size is not known."""
        if shard.stage == "evaluate":
            counts = [_rows_in(path) for path in shard.records]
            sizes = [self.plan.registry[path.stem].rows for path in shard.records]
            return _total([size if count is None else count for count, size in zip(counts, sizes, strict=True)])
        if shard.stage == "classify":
            books = self.plan.book_shards.books_at_home(shard.subset, shard.records[0].name.split(".")[0])
            return float(sum(not (book.level and book.disciplines) for book in books))
        stage, subset, name = shard.records[0].parts[-3:]
        rows = self.after(stage, subset, name)
        if shard.stage == "distill_cot":
            return rows * self._asked()
        if shard.stage == "annotate" and shard.join:
            return rows * HARD
        return rows * self._units(shard.stage)

    def after(self, stage: str, subset: str, name: str) -> float:
        """Return the rows that a stage gives for the shard whose files bear a name."""
        counted = _rows_in(self.results / stage / subset / name)
        if counted is not None:
            return counted
        if stage == "import_source":
            source = self.plan.config.sources[subset]
            return (source.rows or 0) / source.shards
        return self.share(stage, self._line(subset)) * self._expected(stage, subset, name)

    def _expected(self, stage: str, subset: str, name: str) -> float:
        """Return the rows that a stage would give if it gave one for each that it gets."""
        if stage == "chunk":
            return self.tokens(subset, name) / self.plan.config.chunk.tokens
        return self._units(stage) * self.after(*self._before(stage, subset), name)

    def _units(self, stage: str) -> int:
        """Return how often a stage asks about each row."""
        if stage == "difficulty_sample":
            return self.plan.config.difficulty_sample.samples
        return self._standards() if stage == "extract" else 1

    def _line(self, subset: str) -> str:
        """Return what a subset is measured with: a source, a selection, or "" for all textbooks."""
        base, name = split_subset(subset)
        if name in self.plan.mixtures.names:
            return name
        return base if base in self.plan.config.sources else ""

    def _subsets(self, line: str) -> list[str]:
        if not line:
            return self.plan.disciplines
        return self.plan.branches.selected(line) if line in self.plan.mixtures.names else [line]

    def _assumed(self, stage: str, line: str) -> float:
        """Return the share that is assumed until it was measured."""
        if stage == "select":
            entry = self.plan.mixtures.selections[line]
            return 1.0 if entry.method == "all" else SELECTED
        if line in self.plan.config.sources and stage in SOURCE_SHARES:
            return SOURCE_SHARES[stage]
        return SHARES.get(stage, 1.0)

    def _before(self, stage: str, subset: str) -> tuple[str, str]:
        """Return the stage and the subset whose rows another one gets; every pair gives its candidates."""
        return self.plan.branches.before("decontaminate" if stage == "search" else stage, subset)

    def _share(self, stage: str, line: str) -> float:
        """Return what a stage gives for each row it gets, over the shards where both are there, else the paper's."""
        made = expected = 0.0
        for subset in self._subsets(line):
            for shard in self.plan.shards_of(subset):
                name = f"{shard}.parquet"
                counted = _rows_in(self.results / stage / subset / name)
                known = stage == "chunk" or _rows_in(Path(self.results, *self._before(stage, subset), name)) is not None
                if counted is not None and known:
                    made += counted
                    expected += self._expected(stage, subset, name)
        return made / expected if expected else self._assumed(stage, line)

    def _asked(self) -> float:
        """Return the share of pairs that distill_cot asks about; all of them until that was measured."""
        asked = judged = 0
        for discipline, shard in self.plan.book_shards.shards:
            completions = _rows_in(self.results / "distill_cot" / discipline / f"{shard}.completions.parquet")
            rows = _rows_in(self.results / "judge_cot" / discipline / f"{shard}.parquet")
            if completions is not None and rows is not None:
                asked, judged = asked + completions, judged + rows
        return asked / judged if judged else 1.0

    def _standards(self) -> int:
        return len(self.plan.config.extract.standards)

    def _tokens(self, discipline: str, name: str) -> float:
        books = self.plan.book_shards.books_of(discipline, Path(name).stem)
        # A book that is still to be classified stands in every discipline, and will be of one at most.
        shares = [1 if book.disciplines else 1 / len(self.plan.disciplines) for book in books]
        pages = [_pages(book.path) for book in books]
        tokens = (BOOK_TOKENS if count is None else count * PAGE_TOKENS for count in pages)
        return sum(share * count for share, count in zip(shares, tokens, strict=True))


def _rows_in(path: Path) -> int | None:
    return count_rows(path) if path.exists() else None


@cache
def _pages(path: str) -> int | None:
    """Return a PDF's number of pages, None where it cannot be opened (yet)."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            return len(document)
    except (OSError, pypdfium2.PdfiumError):
        return None


def _prompt_tokens(shard: Shard, plan: Plan) -> float:
    """Return the tokens of a stage's prompt, assumed from its file and what it is filled with."""
    chunk = plan.config.chunk.tokens
    seen = plan.config.classify
    shown = (seen.contents_chars + seen.sample_pages * seen.page_chars) / BYTES_PER_TOKEN
    filled = {"classify": shown, "extract": chunk, "refine": chunk + PAIR_TOKENS, "decontaminate": 2 * QUESTION_TOKENS}
    filled |= dict.fromkeys(("difficulty_sample", "response_length", "annotate"), QUESTION_TOKENS)
    filled["difficulty_score"] = QUESTION_TOKENS + ANSWER_TOKENS["difficulty_sample"]
    sizes = [Path(load_prompt(path).path).stat().st_size / BYTES_PER_TOKEN for path in shard.prompts]
    return sum(sizes) / len(sizes) + filled.get(shard.stage, PAIR_TOKENS)


def _count(part: _Work, plan: Plan, shard: Shard, identity: tuple[str, str]) -> None:
    """Add the requests of a shard that its journal does not know; equal ones are asked once."""
    sizes = [unit.size for unit in pending_of(plan, shard, identity)]
    part.add(len(sizes), sum(sizes) / BYTES_PER_TOKEN)


def _line(plan: Plan, key: tuple[str, str], part: _Work, rates: _Rates, given: Mapping[str, float]) -> list[Any]:
    stage, model = key
    if not part.known:
        return [stage, model, *[None] * 6, "size unknown"]
    entry = plan.config.models.get(model)
    name = entry.name if entry else model
    attempts = rates.attempts(stage, name)
    requests, prompt = part.requests * attempts, part.prompt_tokens * attempts
    answer = rates.mean(stage, name, "completion_tokens")
    completion = requests * (ANSWER_TOKENS.get(stage, PAIR_TOKENS) if answer is None else answer)
    speed = rates.speed(stage, name) or given.get("tokens_per_second")
    hours = (prompt + completion) / speed / 3600 if speed else None if requests else 0.0
    measured = rates.gpus(name)
    gpus = given.get("gpus", 0) if measured is None else measured
    gpu_hours = None if hours is None else hours * gpus
    priced = plan.config.prices.get(model) or plan.config.prices.get(name)
    prices = priced.plain() if priced else {}
    spent = {"prompt_tokens": prompt, "completion_tokens": completion, "gpu_hours": gpu_hours or 0.0}
    unknown = gpu_hours is None and "gpu_hour" in prices
    paid = None if unknown else money(spent, prices)
    basis = "records" if part.counted else "estimate"
    return [stage, model, round(requests), round(prompt), round(completion), hours, gpu_hours, paid, basis]


def _total(column: Sequence[Any]) -> Any:
    return None if None in column else sum(column)
