"""Engines: requests in, completions out as they finish; one module an engine."""
