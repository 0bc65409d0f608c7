"""Scores: completions of items to verdicts, and what they say about a model."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..records import InputError
from ..scoring import CORRECT, UNREADABLE, score
from .sampling import majority_vote, pass_at_k

#: The 97.5 % quantile of the normal distribution, for intervals of 95 %.
_Z = 1.959963984540054


def score_items(
    items: Sequence[Mapping[str, Any]], completions: Iterable[Mapping[str, Any]], preset: str = "standard"
) -> list[dict[str, Any]]:
    """Score the completions of one benchmark's items.

    Args:
        items: rows of records.ITEMS.
        completions: rows of records.COMPLETIONS, of any benchmarks; `id` is the item's id, with `:` and a number
            behind it where an item was sampled several times.
        preset: the comparison's preset, "standard" or "paper".

    Returns:
        Rows of the evaluate schema, in the order of items and then samples.

    Raises:
        InputError: an item has no completion.
    """
    known = {item["item_id"]: item for item in items}
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for completion in completions:
        item_id = completion["id"].split(":")[0]
        if item_id in known:
            found[item_id].append(completion)
    rows = []
    for item_id, item in known.items():
        if item_id not in found:
            raise InputError(f"item {item_id} of {item['benchmark']}: has no completion; run evaluate_generate again")
        for completion in found[item_id]:
            rows.append(_scored(item, completion, preset))
    return rows


def _scored(item: Mapping[str, Any], completion: Mapping[str, Any], preset: str) -> dict[str, Any]:
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
        "prompt": completion.get("prompt"),
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


def summarize(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a model's scored rows of one benchmark amount to.

    Returns:
        n (items), samples (a completion each), correct, unreadable and truncated (rows), accuracy (mean over items
        of the share of right samples: mean@n), ci_low and ci_high (Wilson's 95 % interval over items), mean_tokens;
        for several samples an item also majority (accuracy of the majority vote) and pass_at_k.
    """
    by_item: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_item[row["item_id"]].append(row)
    n = len(by_item)
    shares = [sum(r["verdict"] == CORRECT for r in group) / len(group) for group in by_item.values()]
    low, high = wilson(sum(shares), n)
    summary: dict[str, Any] = {
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
        summary["majority"] = sum(majority_vote(group) for group in by_item.values()) / n
        ks = [k for k in (1, 2, 4, 8, 16, 32, 64, 128) if k <= fewest]
        counts = [(len(group), sum(r["verdict"] == CORRECT for r in group)) for group in by_item.values()]
        summary["pass_at_k"] = {str(k): sum(pass_at_k(size, c, k) for size, c in counts) / n for k in ks}
    return summary
