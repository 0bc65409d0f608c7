"""Stages: one small module a model stage, what all of them share, and the one list of their order."""
