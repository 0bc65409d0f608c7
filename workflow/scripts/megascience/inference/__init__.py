"""Inference: requests, engines, journals, and the parsing of completions."""
