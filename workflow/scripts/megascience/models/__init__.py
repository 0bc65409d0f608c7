"""Models: fetched and checked files, and training."""
