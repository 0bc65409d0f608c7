"""Why training leaves rows out: reason → what it means to a reader."""

TRAIN_REASONS = {
    "too_long_to_train": "the row has more tokens than a training sequence, so that its answer would lose its end",
}
