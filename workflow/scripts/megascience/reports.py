"""Reports: which tables of scores a configuration asks for, and what of the data its experiments need."""

from collections.abc import Iterable, Mapping
from typing import Any

from .chains import TRUNK
from .recipes import Recipes

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


def needed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with only those datasets, selections and sources that an experiment is trained on.

    What is counted over the whole run, such as its cost, is counted over these: a dataset that nothing uses is made
    when it is asked for, and not before.
    """
    datasets = dict.fromkeys([TRUNK, *(row["dataset"] for row in config["experiments"])])
    selections: list[str] = []
    sources: set[str] = set()
    while True:
        recipes = Recipes(config["selections"], {name: config["datasets"][name] for name in datasets})
        selections = recipes.used()
        pools = [recipes.pool(name) for name in selections]
        wholes = [part.dataset for parts in recipes.mixtures.values() for part in parts if part.dataset]
        sources.update(name for name in pools if name in config["sources"])
        more = [name for name in (*pools, *wholes) if name in config["datasets"] and name not in datasets]
        if not more:
            break
        datasets |= dict.fromkeys(more)
    return {
        **config,
        "datasets": {name: entry for name, entry in config["datasets"].items() if name in datasets},
        "selections": {name: config["selections"][name] for name in selections},
        "sources": {name: entry for name, entry in config["sources"].items() if name in sources},
    }
