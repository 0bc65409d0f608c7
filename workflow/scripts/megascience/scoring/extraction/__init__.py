"""Extraction: the answer that a completion commits itself to."""
