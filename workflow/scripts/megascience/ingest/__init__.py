"""Ingest: books, pages, chunks and public sources."""
