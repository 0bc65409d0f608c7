"""Prompting: prompt files, the answer format that they declare, and what a record is joined with."""
