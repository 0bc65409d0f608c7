"""Comparison: an extracted answer against a reference."""
