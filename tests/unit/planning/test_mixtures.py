"""Mixtures: selections and mixtures in the config, and what is wrong with them."""

from typing import Any

import pytest
from megascience.planning.branches import Branches
from megascience.planning.config.data import Dataset, Part, Selection
from megascience.planning.config.section import checked
from megascience.planning.mixtures import Mixtures

SELECTIONS = {
    "hard": {"of": "web", "method": "difficulty"},
    "chance": {"of": "web", "method": "random", "n": "hard"},
    "long": {"of": "web", "method": "response_length", "n": 5},
    "books": {"of": "no_refine", "method": "all"},
}
DATASETS: dict[str, Any] = {
    "textbook_reasoning": {},
    "no_refine": {"without": ["refine"]},
    "mega": {"mixture": [{"dataset": "textbook_reasoning"}, {"select": "chance", "annotate": True}]},
    "distilled": {"mixture": [{"select": "books", "annotate_below": 5.5}]},
}
POOLS = ["textbook_reasoning", "no_refine", "web"]
RELEASED = POOLS[:2]


def mixtures_of(selections: dict[str, Any], datasets: dict[str, Any]) -> Mixtures:
    return Mixtures(
        checked(dict[str, Selection], selections, "selections"), checked(dict[str, Dataset], datasets, "datasets")
    )


def faults(selections: dict[str, Any] | None = None, mixture: list[dict[str, Any]] | None = None) -> list[str]:
    datasets = {**DATASETS, **({"mine": {"mixture": mixture}} if mixture else {})}
    return mixtures_of({**SELECTIONS, **(selections or {})}, datasets).faults(POOLS, RELEASED)


def test_good_mixtures_have_no_faults() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"of": "wbe", "method": "all"}, "selections.mine.of is 'wbe'; known: textbook_reasoning, no_refine, web"),
        ({"of": "web", "method": "random"}, "the method random needs n: a number, or the name of a selection"),
        ({"of": "web", "method": "all", "n": 3}, "the method all takes every row; take n out, or choose random"),
        ({"of": "web", "method": "random", "n": "hrad"}, "selections.mine.n is 'hrad'; give a number or one of hard"),
        ({"of": "web", "method": "random", "n": "mine"}, "selections.mine.n comes back to itself by way of mine"),
        ({"of": "web", "method": "difficulty", "between": [9, 1]}, "selections.mine.between is empty"),
    ],
)
def test_faulty_selections(selection: dict[str, Any], message: str) -> None:
    (fault,) = faults({"mine": selection})
    assert message in fault


def test_a_selection_may_not_have_the_name_of_a_pool() -> None:
    (fault,) = faults({"web": {"of": "web", "method": "all"}})
    assert "has the name of a dataset or a source" in fault


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        (
            [{"select": "hrad"}],
            "part 1 selects 'hrad', which is not under selections; known: hard, chance, long, books",
        ),
        ([{"select": "hard"}, {"dataset": "mega"}], "part 2 takes the dataset 'mega'; known: textbook_reasoning"),
        (
            [{"select": "hard"}, {"select": "long"}],
            "part 2 takes rows of web a second time; make one selection of both",
        ),
        ([{"dataset": "no_refine"}, {"dataset": "textbook_reasoning"}], "part 2 takes rows of textbooks a second time"),
        ([{"select": "hard", "share": 0.5}, {"dataset": "no_refine", "share": 0.4}], "come to 0.9 and must come to 1"),
        ([{"select": "hard", "share": 1.0}, {"dataset": "no_refine"}], "come to 1 and must leave something for the"),
    ],
)
def test_faulty_mixtures(mixture: list[dict[str, Any]], message: str) -> None:
    (fault,) = faults(mixture=mixture)
    assert message in fault and "datasets.mine.mixture" in fault


def test_what_is_needed_of_each_pool() -> None:
    mixtures = mixtures_of(SELECTIONS, DATASETS)
    assert mixtures.used() == ["chance", "books", "hard"]
    assert mixtures.measured() == {"web": {"difficulty"}, "no_refine": {"difficulty"}}
    assert mixtures.annotations == {
        "chance": Part(select="chance", annotate=True),
        "books_below_5_5": Part(select="books", annotate_below=5.5),
    }


def test_where_selections_and_annotations_find_their_rows() -> None:
    mixtures = mixtures_of(SELECTIONS, DATASETS)
    branches = Branches(["physics", "law"], checked(dict[str, Dataset], DATASETS, ""), ["web"], mixtures)
    assert branches.selected("chance") == ["web.chance"]
    assert branches.selected("books_below_5_5") == ["physics.books_below_5_5", "law.books_below_5_5"]
    assert branches.before("select", "web.chance") == ("decontaminate", "web")
    assert branches.before("select", "law.books") == ("reference", "law.no_refine")
    assert branches.before("annotate", "law.books_below_5_5") == ("select", "law.books")
    assert branches.before("annotate", "web.chance") == ("select", "web.chance")
    assert branches.before("difficulty_sample", "law.no_refine") == ("reference", "law.no_refine")
    assert branches.before("difficulty_score", "web") == ("difficulty_sample", "web")
