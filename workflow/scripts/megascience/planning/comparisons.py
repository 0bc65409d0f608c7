"""Reports: which tables of scores a configuration asks for, and what of the data its experiments need."""

from collections.abc import Iterable
from typing import Any

from megascience.planning.config.model import Config
from megascience.planning.mixtures import Mixtures
from megascience.storage.layout import TRUNK

#: The table of scores that is always made; where the config's one has nothing to show, each baseline beside all
#: experiments that are set against it.
MAIN = "main"

#: In the place of a dataset in a block: the model that the experiments are set against.
BASELINE = "baseline"

#: Tables that do not compare scores; no entry of `tables` may have their names.
TABLES = ("yield", "yield_reasons", "contamination", "cost", "scores", "extraction", "curation")


def comparisons(config: Config) -> dict[str, dict[str, Any]]:
    """Return the tables of scores that the experiments allow: name -> blocks of models, show, caption.

    The config's `tables` name datasets; a block is made for each base model that has experiments on the block's
    first dataset and on another one. A table without a block is not made.
    """
    tables = {}
    for name, entry in config.tables.items():
        bases = entry.bases or dict.fromkeys(row.base for row in config.experiments)
        blocks = [block for base in bases for wanted in entry.datasets if (block := _block(config, base, wanted))]
        if blocks:
            tables[name] = {"blocks": blocks, "show": entry.show, "caption": entry.caption}
    if MAIN not in tables:
        blocks = [
            [model, *(row.name for row in config.experiments if row.compared_with == model)]
            for model in dict.fromkeys(row.compared_with for row in config.experiments)
        ]
        tables = {MAIN: {"blocks": blocks, "show": "benchmarks", "caption": "Scores of the models."}, **tables}
    return tables


def _block(config: Config, base: str, datasets: Iterable[str]) -> list[str]:
    """Return the models of a block in the order of the datasets, none where the first is missing or stands alone."""
    rows = [row for row in config.experiments if row.base == base]
    found = [
        [row.compared_with for row in rows] if name == BASELINE else [row.name for row in rows if row.dataset == name]
        for name in datasets
    ]
    models = list(dict.fromkeys(model for group in found for model in group))
    return models if found[0] and len(models) > 1 else []


def compared(config: Config, table: str) -> list[str]:
    """Return every model of a table of scores, in order."""
    return list(dict.fromkeys(model for block in comparisons(config)[table]["blocks"] for model in block))


def comparison_faults(config: Config) -> list[str]:
    """Return one line a fault of the config's `tables`: a name that is taken, a dataset or a base that is not known."""
    faults = [
        f"config: tables.{name} has the name of another table; rename it" for name in config.tables if name in TABLES
    ]
    for name, entry in config.tables.items():
        named = {
            "dataset": (
                dict.fromkeys(d for block in entry.datasets for d in block),
                [BASELINE, *config.datasets],
            ),
            "model": (entry.bases or (), list(config.models)),
        }
        for kind, (given, known) in named.items():
            for other in given:
                if other not in known:
                    faults.append(f"config: tables.{name} names the {kind} {other!r}; known: {', '.join(known)}")
    return faults


def trained(config: Config, models: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what those of the models that are experiments were trained on: name -> base, dataset."""
    rows = {row.name: row for row in config.experiments}
    return {name: {"base": rows[name].base, "dataset": rows[name].dataset} for name in models if name in rows}


def needed(config: Config) -> Config:
    """Return the config with only those datasets, selections and sources that an experiment is trained on.

    What is counted over the whole run, such as its cost, is counted over these: a dataset that nothing uses is made
    when it is asked for, and not before.
    """
    datasets = dict.fromkeys([TRUNK, *(row.dataset for row in config.experiments)])
    selections: list[str] = []
    sources: set[str] = set()
    while True:
        mixtures = Mixtures(config.selections, {name: config.datasets[name] for name in datasets})
        selections = mixtures.used()
        pools = [mixtures.pool(name) for name in selections]
        wholes = [part.dataset for parts in mixtures.parts.values() for part in parts if part.dataset]
        sources.update(name for name in pools if name in config.sources)
        more = [name for name in (*pools, *wholes) if name in config.datasets and name not in datasets]
        if not more:
            break
        datasets |= dict.fromkeys(more)
    return config.model_copy(
        update={
            "datasets": {name: entry for name, entry in config.datasets.items() if name in datasets},
            "selections": {name: config.selections[name] for name in selections},
            "sources": {name: entry for name, entry in config.sources.items() if name in sources},
        }
    )
