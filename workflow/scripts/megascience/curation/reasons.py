"""Why deduplication leaves pairs out: reason → what it means to a reader."""

DEDUP_REASONS = {
    "near_duplicate": "another pair of the subset asks the same question",
    "empty_question": "no word is left of the question after normalisation",
}
