"""Chains: what a branch shares with the trunk, and where each stage finds its records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.planning.branches import TRUNK, Chains, first_difference
from megascience.planning.config.data import Dataset, Selection
from megascience.planning.config.section import checked
from megascience.planning.mixtures import Recipes
from megascience.stages.order import OPTIONAL_STAGES, SOURCE_STAGES, STAGES


def datasets(entries):
    return checked(dict[str, Dataset], entries, "datasets")


DATASETS = {
    TRUNK: {},
    "no_refine": {"without": ["refine"]},
    "no_cot": {"without": ["judge_cot", "distill_cot"]},
    "no_decontam": {"without": ["decontaminate"]},
    "other_refine": {"override": {"refine": {"model": "other"}}},
    "other_reference": {"override": {"reference": {"model": "other"}}, "without": ["filter"]},
    "mixed": {"mixture": [{"dataset": TRUNK}]},
}


@pytest.fixture
def chains():
    return Chains(["physics", "biology"], datasets(DATASETS), ["web"])


def test_the_trunk_goes_through_every_stage(chains):
    assert chains.stages("physics") == chains.own("physics") == STAGES
    assert [chains.before(stage, "physics")[0] for stage in STAGES[1:]] == list(STAGES[:-1])


def test_a_branch_begins_at_its_first_difference(chains):
    assert chains.own("physics.no_refine")[0] == "judge_cot"
    assert chains.before("judge_cot", "physics.no_refine") == ("dedup", "physics")
    assert chains.before("distill_cot", "physics.no_refine") == ("judge_cot", "physics.no_refine")
    assert chains.before("filter", "physics.no_cot") == ("refine", "physics")
    assert chains.before("reference", "physics.no_decontam") == ("filter", "physics")
    assert chains.before("refine", "physics.other_refine") == ("dedup", "physics")
    assert chains.before("judge_cot", "physics.other_refine") == ("refine", "physics.other_refine")
    assert chains.own("physics.other_reference") == ("decontaminate", "reference")
    assert chains.before("decontaminate", "physics.other_reference") == ("distill_cot", "physics")


def test_a_stage_that_is_left_out_has_nothing_to_read(chains):
    with pytest.raises(KeyError, match="does not go through refine"):
        chains.before("refine", "physics.no_refine")


def test_a_source_has_its_own_way(chains):
    assert chains.own("web") == SOURCE_STAGES
    assert chains.before("decontaminate", "web") == ("dedup", "web")


def test_pools_and_their_subsets(chains):
    assert chains.pools == [TRUNK, *list(DATASETS)[1:-1], "web"]
    assert chains.unbranched == [TRUNK, "web"]
    assert chains.subsets("no_cot") == ["physics.no_cot", "biology.no_cot"]
    assert chains.subsets("web") == ["web"]
    assert chains.reads("dedup", "web") == "import_source" and chains.reads("dedup", TRUNK) == "extract"


@given(st.sets(st.sampled_from(OPTIONAL_STAGES), min_size=1))
def test_every_way_through_a_branch_leads_back_to_the_pages(left_out):
    chains = Chains(["physics"], datasets({TRUNK: {}, "b": {"without": sorted(left_out)}}), [])
    stage, subset, seen = chains.last("physics.b"), "physics.b", []
    while stage != STAGES[0]:
        seen.append(stage)
        assert stage in chains.own(subset)  # a stage's files are always made by a rule of that very subset
        stage, subset = chains.before(stage, subset)
    assert seen == [s for s in reversed(STAGES[1:]) if s not in left_out]
    assert subset == "physics"


def test_only_what_changes_data_makes_a_branch():
    assert first_difference(Dataset()) is None
    made = datasets(
        {
            "mixed": {"mixture": [{"dataset": TRUNK}], "seed": 1},
            "both": {"without": ["filter"], "override": {"refine": {"retries": 0}}},
        }
    )
    assert first_difference(made["mixed"]) is None
    assert first_difference(made["both"]) == "refine"


def selections(entries):
    return checked(dict[str, Selection], entries, "selections")


SELECTIONS = {
    "web_all": {"of": "web", "method": "all"},
    "web_raw": {"of": "web", "method": "all", "before": "decontaminate"},
    "books": {"of": "no_cot", "method": "random", "n": 3},
}


def test_a_selection_takes_the_last_rows_of_its_pool_or_those_before_a_stage():
    made = datasets(DATASETS)
    chains = Chains(["physics", "biology"], made, ["web"], Recipes(selections(SELECTIONS), made))
    assert chains.before("select", "web.web_all") == ("decontaminate", "web")
    assert chains.before("select", "web.web_raw") == ("dedup", "web")
    assert chains.before("select", "physics.books") == ("reference", "physics.no_cot")


def test_rows_before_a_stage_are_those_of_a_source_as_a_whole():
    odd = {
        "hard_raw": {"of": "web", "method": "difficulty", "before": "decontaminate"},
        "books_raw": {"of": TRUNK, "method": "all", "before": "decontaminate"},
    }
    pools, released = [TRUNK, "no_cot", "web"], [TRUNK, "no_cot"]
    assert Recipes(selections(SELECTIONS), {}).faults(pools, released) == []
    assert Recipes(selections(odd), {}).faults(pools, released) == [
        f"config: selections.{name}.before is for all or random rows of a source; take it out" for name in odd
    ]
