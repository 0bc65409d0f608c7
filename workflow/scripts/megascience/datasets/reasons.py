"""Why selections and mixtures leave rows out: reason → what it means to a reader."""

DIFFICULTY_REASONS = {"unscored": "no sampled answer has a readable score"}

#: A row without a measure keeps the reason that the measuring stage gave, or else one of these.
SELECT_REASONS = {"not_selected": "the selection or the mixture took other rows", **DIFFICULTY_REASONS}

MIXTURE_REASONS = {
    "incomplete_pair": "a question or its answer is empty",
    "near_duplicate": "another pair of the subset asks the same question",
    "not_selected": "the selection or the mixture took other rows",
}
