"""Curation: near-duplicates, nearest benchmark items, contamination."""
