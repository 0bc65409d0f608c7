"""What several samples an item amount to: the majority, the chance of a right one among k."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from megascience.scoring import CORRECT, compare


def majority_vote(rows: Sequence[Mapping[str, Any]], kind: str = "auto") -> bool:
    """Return whether the answer that most of an item's samples agree on is right.

    Answers count as the same when they compare equal; unreadable samples have no vote. Of answers with equally many
    votes the one that was given first wins, so that the result does not depend on chance.

    Args:
        rows: scored rows (evaluate schema) of one item.
        kind: the answers' kind.
    """
    groups: list[tuple[str, int, bool]] = []
    for row in rows:
        answer = row["extracted"]
        if answer is None:
            continue
        for position, (first, votes, right) in enumerate(groups):
            if answer == first or compare(answer, first, kind).correct:
                groups[position] = (first, votes + 1, right)
                break
        else:
            groups.append((answer, 1, row["verdict"] == CORRECT))
    if not groups:
        return False
    return max(groups, key=lambda group: group[1])[2]


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Return the chance that at least one of k samples is right, from n samples of which `correct` are.

    The unbiased estimator 1 - C(n - c, k) / C(n, k) of Chen et al., arXiv 2107.03374, section 2.1.

    Raises:
        ValueError: not 1 ≤ k ≤ n or not 0 ≤ correct ≤ n.
    """
    if not 1 <= k <= n or not 0 <= correct <= n:
        raise ValueError(f"pass@{k} of {n} samples with {correct} right does not exist")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)
