"""Branches: what a branch shares with the trunk, and where each stage finds its records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.planning.branches import TRUNK, Branches, first_difference
from megascience.planning.config.data import Dataset, Selection
from megascience.planning.config.section import checked
from megascience.planning.mixtures import Mixtures
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
def branches():
    return Branches(["physics", "biology"], datasets(DATASETS), ["web"])


def test_the_trunk_goes_through_every_stage(branches):
    assert branches.stages("physics") == branches.own("physics") == STAGES
    assert [branches.before(stage, "physics")[0] for stage in STAGES[1:]] == list(STAGES[:-1])


def test_a_branch_begins_at_its_first_difference(branches):
    assert branches.own("physics.no_refine")[0] == "judge_cot"
    assert branches.before("judge_cot", "physics.no_refine") == ("dedup", "physics")
    assert branches.before("distill_cot", "physics.no_refine") == ("judge_cot", "physics.no_refine")
    assert branches.before("filter", "physics.no_cot") == ("refine", "physics")
    assert branches.before("reference", "physics.no_decontam") == ("filter", "physics")
    assert branches.before("refine", "physics.other_refine") == ("dedup", "physics")
    assert branches.before("judge_cot", "physics.other_refine") == ("refine", "physics.other_refine")
    assert branches.own("physics.other_reference") == ("decontaminate", "reference")
    assert branches.before("decontaminate", "physics.other_reference") == ("distill_cot", "physics")


def test_a_stage_that_is_left_out_has_nothing_to_read(branches):
    with pytest.raises(KeyError, match="does not go through refine"):
        branches.before("refine", "physics.no_refine")


def test_a_source_has_its_own_way(branches):
    assert branches.own("web") == SOURCE_STAGES
    assert branches.before("decontaminate", "web") == ("dedup", "web")


def test_pools_and_their_subsets(branches):
    assert branches.pools == [TRUNK, *list(DATASETS)[1:-1], "web"]
    assert branches.unbranched == [TRUNK, "web"]
    assert branches.subsets("no_cot") == ["physics.no_cot", "biology.no_cot"]
    assert branches.subsets("web") == ["web"]
    assert branches.reads("dedup", "web") == "import_source" and branches.reads("dedup", TRUNK) == "extract"


@given(st.sets(st.sampled_from(OPTIONAL_STAGES), min_size=1))
def test_every_way_through_a_branch_leads_back_to_the_pages(left_out):
    branches = Branches(["physics"], datasets({TRUNK: {}, "b": {"without": sorted(left_out)}}), [])
    stage, subset, seen = branches.last("physics.b"), "physics.b", []
    while stage != STAGES[0]:
        seen.append(stage)
        assert stage in branches.own(subset)  # a stage's files are always made by a rule of that very subset
        stage, subset = branches.before(stage, subset)
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
    branches = Branches(["physics", "biology"], made, ["web"], Mixtures(selections(SELECTIONS), made))
    assert branches.before("select", "web.web_all") == ("decontaminate", "web")
    assert branches.before("select", "web.web_raw") == ("dedup", "web")
    assert branches.before("select", "physics.books") == ("reference", "physics.no_cot")


def test_rows_before_a_stage_are_those_of_a_source_as_a_whole():
    odd = {
        "hard_raw": {"of": "web", "method": "difficulty", "before": "decontaminate"},
        "books_raw": {"of": TRUNK, "method": "all", "before": "decontaminate"},
    }
    pools, released = [TRUNK, "no_cot", "web"], [TRUNK, "no_cot"]
    assert Mixtures(selections(SELECTIONS), {}).faults(pools, released) == []
    assert Mixtures(selections(odd), {}).faults(pools, released) == [
        f"config: selections.{name}.before is for all or random rows of a source; take it out" for name in odd
    ]
