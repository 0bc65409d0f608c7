"""Figures of the paper from results on disk, one module a kind: readable in grey, vector and PNG, the same bytes."""
