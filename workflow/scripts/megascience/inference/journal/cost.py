"""Cost: what a shard's requests took."""

import dataclasses
from pathlib import Path

from megascience.inference.engines.base import ModelSpec
from megascience.inference.journal.journal import Journal, Session, Spent
from megascience.storage.files import write_json


def spent_by(journal: Journal, model: ModelSpec) -> Spent:
    """Return what a model was asked in a journal's shard so far, over all sessions."""
    total = Spent()
    for session in _sessions(journal, model):
        total.add(session.spent)
    return total


def write_cost(path: str | Path, stage: str, model: ModelSpec, journal: Journal) -> None:
    """Write what the model has been asked in this shard over all sessions so far.

    Keys: stage, model, revision, engine (several joined by commas), sessions, requests, retried,
    prompt_tokens, cached_tokens (part of the former), completion_tokens, wall_seconds (from the start of
    asking to the last completion), startup_seconds, gpus (the mean over these seconds),
    tokens_per_second (completion tokens by wall time).
    """
    sessions = _sessions(journal, model)
    spent = spent_by(journal, model)
    seconds = spent.wall_seconds + spent.startup_seconds
    gpu_seconds = sum(s.gpus * (s.spent.wall_seconds + s.spent.startup_seconds) for s in sessions)
    write_json(
        path,
        {
            "stage": stage,
            "model": model.name,
            "revision": model.revision,
            "engine": ",".join(sorted({session.engine for session in sessions})),
            "sessions": len(sessions),
            **dataclasses.asdict(spent),
            "wall_seconds": round(spent.wall_seconds, 3),
            "startup_seconds": round(spent.startup_seconds, 3),
            "gpus": round(gpu_seconds / seconds, 3) if seconds else 0,
            "tokens_per_second": round(spent.completion_tokens / spent.wall_seconds, 3) if spent.wall_seconds else 0.0,
        },
    )


def _sessions(journal: Journal, model: ModelSpec) -> list[Session]:
    return [s for s in journal.sessions if (s.model, s.revision) == (model.name, model.revision)]
