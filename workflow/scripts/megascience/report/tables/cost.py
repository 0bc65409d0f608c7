"""Cost: what each stage and model took in requests, tokens, time and money, from the generate jobs' cost files."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megascience.stages.order import SELECTING_STAGES, STAGES
from megascience.storage.errors import InputError
from megascience.storage.files import read_json
from megascience.storage.tables import table_of

if TYPE_CHECKING:
    import pandas as pd

#: What a cost file must tell, beside stage and model; `gpus` may be missing where there were none.
_SPENT = (
    "requests",
    "retried",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "wall_seconds",
    "startup_seconds",
)


def read_cost(costs: Iterable[str | Path]) -> dict[tuple[str, str], dict[str, float]]:
    """Sum cost files by (stage, model): their counts and seconds, `jobs` and `gpu_hours`.

    GPU-hours are wall and start-up time times the job's GPUs.

    Raises:
        InputError: a file is not JSON or lacks a number.
    """
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for path in sorted(map(Path, costs)):
        cost = read_json(path)
        for key in _SPENT:
            if not isinstance(cost.get(key), (int, float)):
                raise InputError(f"{path}: {key!r} is missing or not a number; delete the file and run again")
        hours = (cost["wall_seconds"] + cost["startup_seconds"]) * cost.get("gpus", 0) / 3600
        total = sums.setdefault((str(cost.get("stage")), str(cost.get("model"))), dict.fromkeys((*_SPENT, *_MADE), 0))
        for key, value in {**{key: cost[key] for key in _SPENT}, "jobs": 1, "gpu_hours": hours}.items():
            total[key] += value
    return sums


def cost_table(costs: Iterable[str | Path], prices: Mapping[str, Mapping[str, float]]) -> "pd.DataFrame":
    """Return what each stage and model cost, with a last row over all; see `read_cost`.

    Money is tokens by the prices per million, cached ones as any other, plus GPU-hours by the price of one; it
    is empty for a model without prices, and in the last row where any model has none.

    Args:
        costs: the JSON files that the generate jobs wrote (see cost.py).
        prices: the model's name, as the cost files have it -> any of prompt_per_million, completion_per_million,
            gpu_hour.
    """
    sums = read_cost(costs)
    order = {stage: i for i, stage in enumerate((*STAGES, *SELECTING_STAGES))}
    rows = []
    for stage, model in sorted(sums, key=lambda key: (order.get(key[0], len(order)), key)):
        rows.append(_cost_row(stage, model, sums[stage, model], money(sums[stage, model], prices.get(model))))
    if rows:
        total = {key: sum(part[key] for part in sums.values()) for key in (*_SPENT, *_MADE)}
        paid = [row[-1] for row in rows]
        rows.append(_cost_row("all", None, total, None if None in paid else math.fsum(paid)))
    digits = {"wall_hours": 3, "startup_hours": 3, "tokens_per_second": 1, "gpu_hours": 3, "money": 2}
    return table_of(_COST_COLUMNS, rows, digits)


_MADE = ("jobs", "gpu_hours")

_COST_COLUMNS = (
    "stage",
    "model",
    "jobs",
    "requests",
    "retried",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "wall_hours",
    "startup_hours",
    "tokens_per_second",
    "gpu_hours",
    "money",
)


def money(spent: Mapping[str, float], prices: Mapping[str, float] | None) -> float | None:
    """Return what tokens and GPU-hours cost in the currency of the prices, None where the model has no prices."""
    if not prices:
        return None
    million = 1e6
    return (
        spent["prompt_tokens"] * prices.get("prompt_per_million", 0) / million
        + spent["completion_tokens"] * prices.get("completion_per_million", 0) / million
        + spent["gpu_hours"] * prices.get("gpu_hour", 0)
    )


def _cost_row(stage: str, model: str | None, spent: Mapping[str, float], paid: float | None) -> list[Any]:
    wall = spent["wall_seconds"]
    counts = [spent[key] for key in ("jobs", *_SPENT[:5])]
    speed = spent["completion_tokens"] / wall if wall else None
    return [stage, model, *counts, wall / 3600, spent["startup_seconds"] / 3600, speed, spent["gpu_hours"], paid]
