"""Scores: completions of items to verdicts, and what they say about a model."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from megascience.evaluation.sampling import majority_vote, pass_at_k
from megascience.scoring import CORRECT, UNREADABLE, score
from megascience.stages.evaluate import fields
from megascience.stages.prompting.prompt import Prompt
from megascience.storage.errors import InputError


def score_items(
    items: Sequence[Mapping[str, Any]],
    completions: Iterable[Mapping[str, Any]],
    prompts: Mapping[str, Prompt],
    preset: str = "standard",
    metric: str = "accuracy",
) -> list[dict[str, Any]]:
    """Score the completions of one benchmark's items.

    Args:
        items: rows of records.ITEMS.
        completions: rows of completions.COMPLETIONS, of any benchmarks; `id` is the item's id.
        prompts: the prompts by name; the rows show what the model was asked.
        preset: the comparison's preset, "standard" or "paper".
        metric: what counts as an item's score, see `item_score`.

    Returns:
        Rows of the evaluate schema, in the order of items and then samples; `prompt` is the messages as JSON.

    Raises:
        InputError: an item has no completion, or fewer samples than the metric needs.
    """
    known = {item["item_id"]: item for item in items}
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for completion in completions:
        if completion["id"] in known:
            found[completion["id"]].append(completion)
    rows = []
    for item_id, item in known.items():
        if item_id not in found:
            raise InputError(f"item {item_id} of {item['benchmark']}: has no completion; run evaluate_generate again")
        asked: dict[str, str] = {}
        samples = []
        for completion in sorted(found[item_id], key=lambda row: row["sample"]):
            name = completion["prompt"]
            if name not in asked:
                messages = prompts[name].render(fields({**item, "prompt": name}) or {})
                asked[name] = json.dumps(messages, ensure_ascii=False)
            samples.append(_scored(item, completion, asked[name], preset))
        value = item_score(samples, metric, item["kind"])
        rows += [{**row, "item_score": value} for row in samples]
    return rows


def item_score(rows: Sequence[Mapping[str, Any]], metric: str = "accuracy", kind: str = "auto") -> float:
    """Return what an item adds to its benchmark's score, from 0 to 1.

    Args:
        rows: its scored samples.
        metric: "accuracy" (the share of right samples: mean@n), "majority" (1 where the answer that most agree on
            is right) or "pass@k" (the chance that one of k samples is right).
        kind: the answers' kind, by which a majority agrees.

    Raises:
        InputError: the item has fewer samples than k.
    """
    correct = sum(row["verdict"] == CORRECT for row in rows)
    name, _, k = metric.partition("@")
    if name == "pass":
        if int(k) > len(rows):
            raise InputError(f"metric {metric!r} needs {k} samples an item, not {len(rows)}; raise evaluate.samples")
        return pass_at_k(len(rows), correct, int(k))
    return float(majority_vote(rows, kind)) if name == "majority" else correct / len(rows)


def _scored(item: Mapping[str, Any], completion: Mapping[str, Any], asked: str, preset: str) -> dict[str, Any]:
    result = score(
        completion["text"] or "",
        item["answer"],
        item["kind"],
        options=item["options"] or None,
        unit=item["unit"],
        tolerance=item.get("tolerance"),
        preset=preset,
    )
    return {
        "item_id": item["item_id"],
        "benchmark": item["benchmark"],
        "sample": completion["sample"],
        "prompt": asked,
        "completion": completion["text"],
        "finish_reason": completion["finish_reason"],
        "completion_tokens": completion["completion_tokens"],
        "extracted": result.extraction.answer,
        "rule": result.extraction.rule,
        "reference": item["answer"],
        "verdict": result.label,
        "reason": result.reason,
    }


def wilson(correct: float, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (E. B. Wilson, JASA 22, 1927); (0, 1) for n = 0.

    Args:
        correct: the number of successes (a sum of shares where items were sampled several times).
        n: the number of items.
    """
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return 0.0, 1.0
    low, high = proportion_confint(correct, n, method="wilson")
    return float(low), float(high)


def summarize(rows: Sequence[Mapping[str, Any]], metric: str = "accuracy", kind: str = "auto") -> dict[str, Any]:
    """Return what a model's scored rows of one benchmark amount to.

    Args:
        rows: of the evaluate schema.
        metric: what counts as an item's score, see `item_score`.
        kind: the answers' kind, by which a majority agrees.

    Returns:
        metric, score (mean over items), ci_low and ci_high (Wilson's 95 % interval over items);
        n (items), samples (a completion each), correct, unreadable and truncated (rows), mean_tokens;
        accuracy (mean over items of the share of right samples: mean@n);
        for several samples an item also majority (accuracy of the majority vote) and pass_at_k.

    Raises:
        InputError: the metric needs more samples than the items have.
    """
    by_item: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_item[row["item_id"]].append(row)
    n = len(by_item)

    def mean(metric: str) -> float | None:
        return math.fsum(item_score(group, metric, kind) for group in by_item.values()) / n if n else None

    found = mean(metric)
    low, high = wilson((found or 0) * n, n)
    summary: dict[str, Any] = {
        "metric": metric,
        "score": found,
        "ci_low": low,
        "ci_high": high,
        "n": n,
        "samples": len(rows),
        "correct": sum(row["verdict"] == CORRECT for row in rows),
        "unreadable": sum(row["verdict"] == UNREADABLE for row in rows),
        "truncated": sum(row["finish_reason"] == "length" for row in rows),
        "accuracy": mean("accuracy"),
        "mean_tokens": sum(row["completion_tokens"] or 0 for row in rows) / len(rows) if rows else None,
    }
    fewest = min((len(group) for group in by_item.values()), default=1)
    if fewest > 1:
        ks = sorted({*(2**i for i in range(fewest.bit_length())), fewest})
        summary["majority"] = mean("majority")
        summary["pass_at_k"] = {str(k): mean(f"pass@{k}") for k in ks}
    return summary
