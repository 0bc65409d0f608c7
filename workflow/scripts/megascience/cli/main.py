"""The command line for people: `python -m megascience COMMAND`; `--help` tells more.

Each command imports what it needs, so that a look at the ledger does not load a scorer.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: The repository, where the configuration's schema lies.
_ROOT = Path(__file__).resolve().parents[4]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, 1 for bad input with one message, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    # A caller's encoding may lack what a book holds; a question mark is better than a stack trace.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        options.run(options)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python would complain again while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ValueError as error:  # InputError is one
        print(f"megascience {options.command}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        said = f"{error.filename}: {error.strerror}; mend the path or its permissions" if error.filename else error
        print(f"megascience {options.command}: {said}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="megascience", description="Look into a run of the MegaScience workflow.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    trace = add("trace", _trace, "the whole life of a row: book, pages, chunk, prompts, completions, changes")
    trace.add_argument("id", help="a row's id, a chunk's, or one that a ledger of dropped rows names")
    trace.add_argument("--prompts", default="prompts", help="folder of the prompt files (default: prompts)")
    trace.add_argument("--render", action="store_true", help="show the messages that the models got, too")
    _results(trace)

    dropped = add("dropped", _dropped, "what a stage dropped, and why: id, discipline, shard, reason, detail")
    dropped.add_argument("stage")
    dropped.add_argument("--reason", help="only drops for this reason")
    dropped.add_argument("--limit", type=_count, help="at most so many lines")
    _results(dropped)

    contamination = add("contamination", _contamination, "a row beside the benchmark items that it was compared with")
    contamination.add_argument("id", help="a row's id")
    _results(contamination)

    difficulty = add("difficulty", _difficulty, "a question's sampled answers, each with its score, mean and spread")
    difficulty.add_argument("id", help="a row's id")
    _results(difficulty)

    summary = add("summary", _summary, "where the results are, the yield in brief, and three released rows")
    summary.add_argument("results", nargs="?", default="results", help="results folder (default: results)")

    failed = add("failed", _failed, "the jobs that failed in the latest run, and where their logs end")
    failed.add_argument("log", nargs="?", help="a log of .snakemake/log (default: the latest one)")

    score = add("score", _score, "score a JSONL or Parquet file with the columns completion and reference")
    score.add_argument("file")
    score.add_argument("--out", help="write the rows with extracted answer, verdict and reason to this file")

    forecast = add("forecast", _forecast, "requests, tokens, GPU-hours and money for what is still to do")
    forecast.add_argument(
        "--throughput",
        action="append",
        default=[],
        type=_throughput,
        metavar="MODEL=TOKENS_PER_SECOND[:GPUS]",
        help="of one job, prompt and completion together; used where nothing was measured",
    )
    _config(forecast)

    journal = add("journal", None, "the journals of the model stages")
    actions = journal.add_subparsers(dest="action", required=True, metavar="ACTION")
    stats = actions.add_parser("stats", help="completions and size by stage")
    stats.set_defaults(run=_journal_stats)
    _results(stats)
    gc = actions.add_parser("gc", help="drop completions that no record calls for any more")
    gc.set_defaults(run=_journal_gc)
    _config(gc)

    shelf = add("shelf", None, "the table of books")
    actions = shelf.add_subparsers(dest="action", required=True, metavar="ACTION")
    books = actions.add_parser("add", help="print rows for books.tsv, with the sha256 of each PDF")
    books.set_defaults(run=_shelf_add)
    books.add_argument("pdf", nargs="+")
    books.add_argument("--disciplines", default="", help="joined by ; (the first one is the book's home)")
    books.add_argument("--licence", default="")
    return parser


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", default="results", help="results folder (default: results)")


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configfile",
        nargs="+",
        default=[],
        help="overrides of config/config.yaml, as for snakemake, such as config/demo.yaml",
    )
    parser.add_argument("--results", help="results folder (default: the one of the configuration)")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _throughput(text: str) -> tuple[str, dict[str, float]]:
    model, sign, numbers = text.rpartition("=")
    speed, _, gpus = numbers.partition(":")
    try:
        given = {"tokens_per_second": float(speed), "gpus": float(gpus or 0)}
    except ValueError:
        given = {"tokens_per_second": 0.0, "gpus": 0.0}
    if not sign or not model or not 0 < given["tokens_per_second"] < 1e9 or not 0 <= given["gpus"] < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not MODEL=TOKENS_PER_SECOND[:GPUS]")
    return model, given


def _trace(options: argparse.Namespace) -> None:
    from megascience.cli.trace import trace

    print(trace(options.results, options.id, options.prompts, options.render))


def _dropped(options: argparse.Namespace) -> None:
    from megascience.cli.trace import dropped
    from megascience.storage.layout import results_folder

    for line in dropped(results_folder(options.results), options.stage, options.reason, options.limit):
        print(line)


def _contamination(options: argparse.Namespace) -> None:
    import shutil

    from megascience.cli.trace import contamination

    print(contamination(options.results, options.id, shutil.get_terminal_size((120, 40)).columns))


def _difficulty(options: argparse.Namespace) -> None:
    from megascience.cli.difficulty import difficulty

    print(difficulty(options.results, options.id))


def _summary(options: argparse.Namespace) -> None:
    from megascience.cli.summary import summary

    print(summary(options.results))


def _failed(options: argparse.Namespace) -> None:
    from megascience.cli.failed_jobs import describe, latest_log

    for line in describe(options.log or latest_log()):
        print(line)


def _score(options: argparse.Namespace) -> None:
    import json

    from megascience.scoring.files import score_file

    print(json.dumps(score_file(options.file, options.out), indent=2))


def _forecast(options: argparse.Namespace) -> None:
    from megascience.cli.forecast import forecast
    from megascience.planning.comparisons import needed
    from megascience.planning.plan import Plan

    plan, results = _plan(options)
    throughput = dict(options.throughput)
    for model in throughput:
        if model not in plan.config["models"]:
            raise ValueError(f"--throughput: there is no model {model!r}; known: {', '.join(plan.config['models'])}")
    print(forecast(Plan(needed(plan.config)), results, throughput).plain())


def _journal_stats(options: argparse.Namespace) -> None:
    from megascience.cli.journals import journal_stats

    print(journal_stats(options.results).plain())


def _journal_gc(options: argparse.Namespace) -> None:
    from megascience.cli.journals import collect_garbage

    plan, results = _plan(options)
    dropped = list(collect_garbage(plan, results))
    for journal, gone in dropped:
        if gone:
            print(f"{journal}: {gone} completions dropped")
    print(f"{sum(gone for _, gone in dropped)} completions dropped of {len(dropped)} journals")


def _plan(options: argparse.Namespace) -> tuple[Any, Path]:
    from megascience.planning.config import check_keys, read_settings
    from megascience.planning.plan import Plan

    schema = _ROOT / "config/schema.yaml"
    config = read_settings([_ROOT / "config/config.yaml", *options.configfile], schema)
    check_keys(config, schema)
    plan = Plan(config)
    plan.check()
    return plan, Path(options.results or config["pathvars"]["results"])


def _shelf_add(options: argparse.Namespace) -> None:
    from megascience.cli.add_books import shelf_rows
    from megascience.storage.text import printable

    for row in shelf_rows(options.pdf, options.disciplines, options.licence):
        print(printable(row))
