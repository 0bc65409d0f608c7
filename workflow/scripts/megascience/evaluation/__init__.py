"""Evaluation: benchmarks as data, items in one form, scores and paired comparisons."""
