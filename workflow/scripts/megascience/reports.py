"""Reports: which tables of scores a configuration asks for, and the checks of their names."""

from collections.abc import Iterable, Mapping
from typing import Any

#: The table of scores that is always made; where the config does not say what it shows, each baseline beside the
#: experiments that are set against it.
MAIN = "main"

#: Tables that are no comparison of scores, so that none can bear their names.
TABLES = ("yield", "yield_reasons", "contamination", "cost", "scores", "extraction", "curation", "sources")


def baseline(experiment: Mapping[str, Any]) -> str:
    """Return the model that an experiment is set against: its base where the config names none."""
    return experiment.get("baseline", experiment["base"])


def comparisons(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of scores: name -> blocks, show, caption; see the config's `tables`."""
    blocks: dict[str, list[str]] = {}
    for experiment in config["experiments"]:
        blocks.setdefault(baseline(experiment), [baseline(experiment)]).append(experiment["name"])
    whole = {"blocks": list(blocks.values()), "show": "benchmarks", "caption": "Scores of the models."}
    return {MAIN: whole, **config["tables"]}


def compared(config: Mapping[str, Any], table: str | None = None) -> list[str]:
    """Return every model and experiment of one table of scores, or of all, in order."""
    chosen = [entry for name, entry in comparisons(config).items() if table in (None, name)]
    return list(dict.fromkeys(model for entry in chosen for block in entry["blocks"] for model in block))


def comparison_faults(config: Mapping[str, Any]) -> list[str]:
    """Return one line a fault of the config's `tables`: a name that is taken, a model that is not known."""
    known = [*config["models"], *(row["name"] for row in config["experiments"])]
    taken = [name for name in config["tables"] if name in TABLES]
    faults = [f"config: tables.{name} bears the name of another table; rename it" for name in taken]
    for name in config["tables"]:
        for model in compared(config, name):
            if model not in known:
                faults.append(
                    f"config: tables.{name} names {model!r}, which is neither an experiment nor a model; "
                    f"known: {', '.join(known)}"
                )
    return faults


def trained(config: Mapping[str, Any], models: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what those of the models that are experiments were trained on: name -> base, dataset."""
    rows = {row["name"]: row for row in config["experiments"]}
    return {name: {key: rows[name][key] for key in ("base", "dataset")} for name in models if name in rows}
