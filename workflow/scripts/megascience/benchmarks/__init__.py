"""Benchmarks: a registry (data), one adapter a format, items in one form, scores.

A benchmark is an entry in `config/benchmarks.yaml` and an adapter function of a few lines in `adapters`.
"""

from .items import load_items, query_text
from .registry import load_registry, local_files
from .scores import score_items, summarize

__all__ = ["load_items", "load_registry", "local_files", "query_text", "score_items", "summarize"]
