"""Datasets: what is released, with selections, mixtures, provenance and card."""
