"""Scores: completions of items to verdicts, and what they say about a model."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..prompts import Prompt
from ..records import InputError
from ..scoring import CORRECT, UNREADABLE, score
from ..stages.evaluate import fields
from .sampling import majority_vote, pass_at_k

#: The 97.5 % quantile of the normal distribution, for intervals of 95 %.
_Z = 1.959963984540054


def score_items(
    items: Sequence[Mapping[str, Any]],
    completions: Iterable[Mapping[str, Any]],
    prompts: Mapping[str, Prompt],
    preset: str = "standard",
) -> list[dict[str, Any]]:
    """Score the completions of one benchmark's items.

    Args:
        items: rows of records.ITEMS.
        completions: rows of records.COMPLETIONS, of any benchmarks; `id` is the item's id.
        prompts: the prompts by name; the rows show what the model was asked.
        preset: the comparison's preset, "standard" or "paper".

    Returns:
        Rows of the evaluate schema, in the order of items and then samples; `prompt` is the messages as JSON.

    Raises:
        InputError: an item has no completion.
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
        for completion in sorted(found[item_id], key=lambda row: row["sample"]):
            name = completion["prompt"]
            if name not in asked:
                messages = prompts[name].render(fields({**item, "prompt": name}) or {})
                asked[name] = json.dumps(messages, ensure_ascii=False)
            rows.append(_scored(item, completion, asked[name], preset))
    return rows


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
    if n == 0:
        return 0.0, 1.0
    share = correct / n
    bottom = 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / bottom
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / bottom
    return max(0.0, middle - half), min(1.0, middle + half)


def summarize(rows: Sequence[Mapping[str, Any]], metric: str = "accuracy", kind: str = "auto") -> dict[str, Any]:
    """Return what a model's scored rows of one benchmark amount to.

    Args:
        rows: of the evaluate schema.
        metric: what counts as the benchmark's score: "accuracy", "majority" or "pass@k".
        kind: the answers' kind, by which a majority agrees.

    Returns:
        metric and score;
        n (items), samples (a completion each), correct, unreadable and truncated (rows), accuracy (mean over items
        of the share of right samples: mean@n), ci_low and ci_high (Wilson's 95 % interval over items), mean_tokens;
        for several samples an item also majority (accuracy of the majority vote) and pass_at_k.

    Raises:
        InputError: the metric needs more samples than the items have.
    """
    by_item: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_item[row["item_id"]].append(row)
    n = len(by_item)
    shares = [sum(r["verdict"] == CORRECT for r in group) / len(group) for group in by_item.values()]
    low, high = wilson(sum(shares), n)
    summary: dict[str, Any] = {
        "metric": metric,
        "n": n,
        "samples": len(rows),
        "correct": sum(row["verdict"] == CORRECT for row in rows),
        "unreadable": sum(row["verdict"] == UNREADABLE for row in rows),
        "truncated": sum(row["finish_reason"] == "length" for row in rows),
        "accuracy": sum(shares) / n if n else None,
        "ci_low": low,
        "ci_high": high,
        "mean_tokens": sum(row["completion_tokens"] or 0 for row in rows) / len(rows) if rows else None,
    }
    fewest = min((len(group) for group in by_item.values()), default=1)
    if fewest > 1:
        summary["majority"] = sum(majority_vote(group, kind) for group in by_item.values()) / n
        ks = sorted({*(2**i for i in range(fewest.bit_length())), fewest})
        counts = [(len(group), sum(r["verdict"] == CORRECT for r in group)) for group in by_item.values()]
        summary["pass_at_k"] = {str(k): sum(pass_at_k(size, c, k) for size, c in counts) / n for k in ks}
    summary["score"] = _metric(summary, metric)
    return summary


def _metric(summary: Mapping[str, Any], metric: str) -> float | None:
    name, _, k = metric.partition("@")
    if name == "accuracy" or summary["samples"] == summary["n"] and name == "majority":
        return summary["accuracy"]
    found = summary.get("pass_at_k", {}).get(k) if name == "pass" else summary.get("majority")
    if found is None:
        raise InputError(f"metric {metric!r} needs more samples than the items have; raise evaluate.samples")
    return float(found)
