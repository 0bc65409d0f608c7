"""Scoring of model answers: extraction, comparison, score. A library of its own; it uses none of our other modules.

>>> from megascience.scoring import score
>>> score("… so the answer is \\\\boxed{\\\\frac{1}{2}}.", "0.5", "expression").label
'correct'
"""

from collections.abc import Sequence

from megascience.scoring.comparison.compare import compare, kind_of
from megascience.scoring.extraction.extract import extract
from megascience.scoring.model import (
    CLOSED,
    CORRECT,
    KINDS,
    MAX_ANSWER,
    PRESETS,
    UNREADABLE,
    WRONG,
    Extraction,
    Preset,
    Score,
    Verdict,
)

__all__ = [
    "CORRECT",
    "KINDS",
    "PRESETS",
    "UNREADABLE",
    "WRONG",
    "Extraction",
    "Preset",
    "Score",
    "Verdict",
    "compare",
    "extract",
    "kind_of",
    "score",
]


def score(
    completion: str,
    reference: str,
    kind: str,
    options: Sequence[str] | None = None,
    unit: str | None = None,
    tolerance: float | None = None,
    preset: str = "standard",
) -> Score:
    """Extract a completion's answer and compare it with the reference; see `extract` and `compare`.

    Raises:
        ValueError: the kind or the preset does not exist.
    """
    if kind == "auto":
        kind = "choice" if options and len(reference.strip(" ()")) == 1 else kind_of(reference, unit)
    if kind not in CLOSED and _identical(completion, reference):
        whole = Extraction(completion.strip(), "whole completion", (0, len(completion)))
        return Score(whole, Verdict(CORRECT, "the same text"))
    extraction = extract(completion, kind, options)
    if extraction.answer is None:
        return Score(extraction, Verdict(UNREADABLE, extraction.rule))
    return Score(extraction, compare(extraction.answer, reference, kind, unit=unit, tolerance=tolerance, preset=preset))


def _identical(completion: str, reference: str) -> bool:
    """Return whether a completion is nothing but its reference, whatever that is."""
    return len(completion) < 2 * MAX_ANSWER and completion.split() == reference.split() != []
