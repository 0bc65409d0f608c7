"""Mixtures: the config's selections, and the mixtures that datasets are made of.

A selection takes rows of one pool. A part of a mixture is a selection, with its solutions written again if it
says so, or a whole dataset of textbooks. The files of a selection and of an annotation have subsets of their
own: the base of the pool's subset and their name: `nemotron_science.nemotron_random`.
"""

from collections.abc import Collection, Mapping, Sequence

from megascience.planning.config.data import Dataset, Part, Selection
from megascience.storage.layout import SEPARATOR, split_subset


class Mixtures:
    """Selections and mixtures by name.

    Args:
        selections: the config's `selections`.
        datasets: the config's `datasets`, of which those with `mixture` are looked at.
    """

    def __init__(self, selections: Mapping[str, Selection], datasets: Mapping[str, Dataset]) -> None:
        self.selections = selections
        self.parts = {name: entry.mixture for name, entry in datasets.items() if entry.mixture is not None}
        self.annotations = {
            part.annotation: part
            for parts in self.parts.values()
            for part in parts
            if part.annotation and part.select in selections
        }

    def pool(self, name: str) -> str:
        """Return the pool that a selection or an annotation takes rows of."""
        return self.selections[self.selection(name)].of

    def selection(self, name: str) -> str:
        """Return the selection that an annotation annotates, or the selection itself."""
        return self.annotations[name].select or "" if name in self.annotations else name

    def subset(self, pool_subset: str, name: str) -> str:
        """Return the subset of a selection or an annotation that takes rows of a pool's subset."""
        return f"{split_subset(pool_subset)[0]}{SEPARATOR}{name}"

    @property
    def names(self) -> list[str]:
        """The selections and the annotations."""
        return list(dict.fromkeys([*self.selections, *self.annotations]))

    def used(self) -> list[str]:
        """Return the selections that mixtures need, those that a number is taken from included."""
        todo = [part.select for parts in self.parts.values() for part in parts if part.select in self.selections]
        found: list[str] = []
        while todo:
            name = todo.pop(0)
            if name not in found and name is not None:
                found.append(name)
                n = self.selections[name].n
                todo += [n] if isinstance(n, str) and n in self.selections else []
        return found

    def measured(self) -> dict[str, set[str]]:
        """Return for each pool what its rows are measured by: "difficulty", "response_length"."""
        measures: dict[str, set[str]] = {}
        for name in self.used():
            method = self.selections[name].method
            if method in ("difficulty", "response_length"):
                measures.setdefault(self.pool(name), set()).add(method)
        for name, part in self.annotations.items():
            if part.annotate_below is not None:
                measures.setdefault(self.pool(name), set()).add("difficulty")
        return measures

    def faults(self, pools: Sequence[str], released: Sequence[str]) -> list[str]:
        """Return one line a fault, each with its fix.

        Args:
            pools: what a selection may take rows of.
            released: the datasets of textbooks that a mixture may take whole.
        """
        faults = []
        for name, entry in self.selections.items():
            faults += self._selection_faults(name, entry, pools, set(pools) - set(released))
        for dataset, parts in self.parts.items():
            faults += self._mixture_faults(dataset, parts, released)
        return faults

    def _selection_faults(
        self, name: str, entry: Selection, pools: Sequence[str], sources: Collection[str]
    ) -> list[str]:
        where, n = f"config: selections.{name}", entry.n
        faults = []
        if name in pools:
            faults.append(f"{where} has the name of a dataset or a source; rename it")
        if entry.of not in pools:
            faults.append(f"{where}.of is {entry.of!r}; known: {', '.join(pools)}")
        if n is None and entry.method in ("random", "response_length"):
            faults.append(f"{where}: the method {entry.method} needs n: a number, or the name of a selection")
        if n is not None and entry.method == "all":
            faults.append(f"{where}: the method all takes every row; take n out, or choose random")
        if isinstance(n, str) and n not in self.selections:
            faults.append(f"{where}.n is {n!r}; give a number or one of {', '.join(self.selections)}")
        elif isinstance(n, str) and self._in_circle(name):
            faults.append(f"{where}.n comes back to itself by way of {n}; give one of them a number")
        if entry.before and (entry.of not in sources or entry.method not in ("all", "random")):
            faults.append(f"{where}.before is for all or random rows of a source; take it out")
        low, high = entry.between
        if low > high:
            faults.append(f"{where}.between is empty; write the smaller number first")
        return faults

    def _in_circle(self, name: str) -> bool:
        seen, at = set(), name
        while at in self.selections and isinstance(n := self.selections[at].n, str) and n not in seen:
            seen.add(n)
            at = n
        return name in seen

    def _mixture_faults(self, dataset: str, parts: Sequence[Part], released: Sequence[str]) -> list[str]:
        faults = []
        pools: list[str] = []
        for number, part in enumerate(parts, 1):
            where = f"config: datasets.{dataset}.mixture, part {number}"
            if part.select is not None and part.select not in self.selections:
                known = ", ".join(self.selections) or "none"
                faults.append(f"{where} selects {part.select!r}, which is not under selections; known: {known}")
                continue
            if part.dataset is not None and part.dataset not in released:
                faults.append(f"{where} takes the dataset {part.dataset!r}; known: {', '.join(released)}")
                continue
            pool = self.selections[part.select].of if part.select else part.dataset or ""
            # Datasets of textbooks share their pairs.
            kind = "textbooks" if pool in released else pool
            if kind in pools:
                faults.append(f"{where} takes rows of {kind} a second time; make one selection of both")
            pools.append(kind)
        shares = sum(part.share or 0 for part in parts)
        closed = all(part.share is not None for part in parts)
        if (closed and abs(shares - 1) > 1e-9) or (not closed and shares >= 1):
            wanted = "come to 1" if closed else "leave something for the parts without a share"
            faults.append(f"config: datasets.{dataset}.mixture: the shares come to {shares:g} and must {wanted}")
        return faults
