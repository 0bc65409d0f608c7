"""Selection, annotation and mixture on the canned model: what is taken and why, and what is redone after a change."""

import pyarrow.parquet as pq
import pytest
import yaml
from canned import COMMON, EASY, ENDLESS, IGNORANT, SOLUTION, UNSCORED, VERBOSE, write_answers
from checkout import ROOT, Checkout
from traces import Traces, traced

CANNED = "tests/data/canned"
CONFIG = ("--configfile", "config/demo.yaml", *(f"{CANNED}/{name}.yaml" for name in ("config", "branches", "mixture")))
DATASETS = ("megascience", "difficulty_distillation", "natural_reasoning_length", "natural_reasoning_random")
TARGETS = tuple(f"results/branches/dataset/{name}/train.parquet" for name in DATASETS)
EVALUATED = ("results/branches/evaluate/canned/gsm8k.json", *CONFIG, f"{CANNED}/evaluate.yaml")
BOOKS = ("physics", "computer_science")
NATURAL = "natural_reasoning.natural_reasoning_difficulty"
NEMOTRON = "nemotron_science.nemotron_science_difficulty"


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    models / "minilm"
    checkout = traced(Checkout(tmp_path_factory.mktemp("mixed")))
    (checkout.root / "results").mkdir(exist_ok=True)
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    write_answers(checkout.root / "answers.yaml")
    checkout.snakemake(*TARGETS, *CONFIG)
    checkout.snakemake(*EVALUATED)
    return checkout


@pytest.fixture(scope="module")
def traces(run):
    return Traces(run)


def rows(run, pattern):
    paths = sorted(run.root.glob(f"results/branches/{pattern}"))
    assert paths, pattern
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def asking(run, stage, subset, phrase):
    (row,) = [row for row in rows(run, f"{stage}/{subset}/???.parquet") if phrase in row["question"]]
    return row["qa_id"]


def reasons(run, stage, subset):
    return {row["id"]: row["reason"] for row in rows(run, f"{stage}/{subset}/*.dropped.parquet")}


def test_every_question_has_its_samples_and_its_mean(run):
    pool = {row["qa_id"]: row for row in rows(run, "decontaminate/natural_reasoning/???.parquet")}
    sampled = rows(run, "difficulty_sample/natural_reasoning/???.parquet")
    with_reference = {i for i, row in pool.items() if row["reference_answer"]}
    assert {row["id"] for row in sampled} == with_reference and with_reference < set(pool)
    assert len(sampled) == 3 * len(with_reference)
    assert set(reasons(run, "difficulty_sample", "natural_reasoning").values()) == {"missing_reference"}
    scores = {row["id"]: row for row in rows(run, "difficulty_score/natural_reasoning/???.parquet")}
    easy = scores[asking(run, "decontaminate", "natural_reasoning", EASY)]
    assert (easy["mean"], easy["spread"], easy["n_scored"], easy["n_unreadable"]) == (10.0, 0.0, 3, 0)
    common = scores[asking(run, "decontaminate", "natural_reasoning", COMMON)]
    assert sorted(common["scores"]) == [2, 6, 6] and common["mean"] == pytest.approx(14 / 3)
    answers = [row["response"] for row in sampled if row["id"] == common["id"]]
    assert [common["scores"][k] == 2 for k in range(3)] == [answer == IGNORANT for answer in answers]


def test_samples_of_a_question_have_seeds_of_their_own_and_one_prompt(run):
    asked = rows(run, "difficulty_sample/nemotron_science/*.completions.parquet")
    first = [row for row in asked if row["id"] == asked[0]["id"]]
    assert [row["sample"] for row in first] == [0, 1, 2]
    assert len({row["text"] for row in first}) == 3


def test_what_difficulty_leaves_out_has_its_reason(run):
    why = reasons(run, "select", NATURAL)
    assert why[asking(run, "decontaminate", "natural_reasoning", EASY)] == "not_selected"
    assert why[asking(run, "decontaminate", "natural_reasoning", UNSCORED)] == "unscored"
    assert "missing_reference" in why.values()


def test_the_other_methods_take_as_many_or_the_longest(run):
    difficult = {row["qa_id"] for row in rows(run, f"select/{NATURAL}/???.parquet")}
    at_random = {row["qa_id"] for row in rows(run, "select/natural_reasoning.natural_reasoning_random/???.parquet")}
    assert len(at_random) == len(difficult) and at_random != difficult
    longest = rows(run, "select/natural_reasoning.natural_reasoning_length/???.parquet")
    assert len(longest) == 3 and any(VERBOSE in row["question"] for row in longest)


def test_rows_add_up_from_pool_to_mixture(run):
    for source, subset in (("natural_reasoning", NATURAL), ("nemotron_science", NEMOTRON)):
        before = {row["qa_id"] for row in rows(run, f"decontaminate/{source}/???.parquet")}
        for stage in ("select", "annotate"):
            kept = [row["qa_id"] for row in rows(run, f"{stage}/{subset}/???.parquet")]
            gone = [row["id"] for row in rows(run, f"{stage}/{subset}/*.dropped.parquet")]
            assert sorted(kept + gone) == sorted(before)
            before = set(kept)
    came = [row["qa_id"] for subset in (NATURAL, NEMOTRON) for row in rows(run, f"annotate/{subset}/???.parquet")]
    came += [row["qa_id"] for name in BOOKS for row in rows(run, f"reference/{name}/???.parquet")]
    kept = [row["id"] for row in rows(run, "dataset/megascience/train.parquet")]
    gone = [row["id"] for row in rows(run, "mixture/megascience/000.dropped.parquet")]
    assert sorted(kept + gone) == sorted(came)


def test_mixture_has_three_sources_and_each_question_once(run):
    released = rows(run, "dataset/megascience/train.parquet")
    assert {row["source"] for row in released} == {"textbook_reasoning", "nemotron_science", "natural_reasoning"}
    (common,) = [row for row in released if COMMON in row["question"]]
    assert common["source"] == "nemotron_science"  # the part that is first
    (gone,) = [row for row in rows(run, "mixture/megascience/000.dropped.parquet") if common["id"] in row["detail"]]
    assert gone["reason"] == "near_duplicate"
    assert {row["answer"] for row in released if row["source"] != "textbook_reasoning"} == {SOLUTION}
    assert SOLUTION not in {row["answer"] for row in released if row["source"] == "textbook_reasoning"}


def test_an_endless_solution_is_dropped(run):
    why = reasons(run, "annotate", NEMOTRON)
    assert why[asking(run, "select", NEMOTRON, ENDLESS)] == "too_long"


def test_provenance_of_a_mixture(run):
    told = {row["id"]: row for row in rows(run, "dataset/megascience/provenance.parquet")}
    assert set(told) == {row["id"] for row in rows(run, "dataset/megascience/train.parquet")}
    for row in told.values():
        if row["source"] == "textbook_reasoning":
            assert row["title"] and row["extract_model"] == "canned" and row["annotate_model"] is None
        else:
            assert row["file"] and row["row"] and row["annotate_model"] == "canned" and row["title"] is None
        assert row["decontaminate_prompt_hash"] or row["source"] == "textbook_reasoning"


def test_distillation_solves_hard_questions_anew_and_leaves_the_others(run):
    released = rows(run, "dataset/difficulty_distillation/train.parquet")
    crate = [row for row in released if "A rope pulls a crate" in row["question"]]
    others = [row for row in released if "A rope pulls a crate" not in row["question"]]
    assert crate and all(row["answer"] != SOLUTION for row in crate)
    assert others and {row["answer"] for row in others} == {SOLUTION}


def change(run, tmp_path, edit):
    copy = run.copy(tmp_path / "copy")
    path = copy.root / "tests/data/canned/mixture.yaml"
    config = yaml.safe_load(path.read_text())
    edit(config)
    path.write_text(yaml.safe_dump(config))
    return copy


def test_nothing_is_left_to_do(run):
    assert run.jobs(*TARGETS, *CONFIG) == {}


def test_another_selection_of_one_source_redoes_that_branch_alone(run, tmp_path):
    def narrower(config):
        entry = {"of": "natural_reasoning", "method": "difficulty", "between": [1, 4.5]}
        config["selections"]["natural_reasoning_difficulty"] = entry

    jobs = change(run, tmp_path, narrower).jobs("results/branches/dataset/megascience/train.parquet", *CONFIG)
    assert jobs == {
        "select_rank_natural_reasoning_difficulty": [""],
        "select": [f"subset={NATURAL}, shard=000"],
        "annotate_pending": [f"subset={NATURAL}, shard=000"],
        "annotate_generate": [f"subset={NATURAL}, shard=000"],
        "annotate": [f"subset={NATURAL}, shard=000"],
        "mixture": ["dataset=megascience"],
    }


def test_another_limit_of_length_asks_nothing(run, tmp_path):
    def longer(config):
        config["annotate"]["max_response_tokens"] = 1000

    copy = change(run, tmp_path, longer)
    jobs = copy.jobs(*TARGETS, *CONFIG)
    assert set(jobs) == {"annotate", "mixture"} and len(jobs["mixture"]) == 2


def test_the_same_rows_once_more_ask_nothing_and_give_the_same_bytes(run, tmp_path):
    def another_seed(config):
        config["selections"]["natural_reasoning_difficulty"] = {
            "of": "natural_reasoning",
            "method": "difficulty",
            "between": [0.5, 9],
        }

    copy = change(run, tmp_path, another_seed)
    log = copy.root / "requests.jsonl"
    before = log.read_text()
    target = "results/branches/dataset/megascience/train.parquet"
    bytes_before = (copy.root / target).read_bytes()
    assert "mixture" in copy.jobs(target, *CONFIG)
    copy.snakemake(target, *CONFIG)
    assert log.read_text() == before
    assert (copy.root / target).read_bytes() == bytes_before


def test_more_rows_than_a_pool_has(run, tmp_path):
    def greedy(config):
        config["selections"]["natural_reasoning_length"]["n"] = 1000

    done = change(run, tmp_path, greedy).snakemake(TARGETS[2], *CONFIG, check=False)
    assert done.returncode
    logged = "".join(path.read_text() for path in tmp_path.glob("copy/results/branches/logs/select_rank/*_length.log"))
    assert "selections.natural_reasoning_length: asks for 1000 rows, but the pool has" in logged + done.stderr


def test_what_jobs_ran_is_covered_by_their_code_hashes(traces):
    assert traces.names() >= {
        *(
            "typeset",
            "shelf",
            "digitize",
            "classify_books",
            "chunk",
            "check_source",
            "import_source",
            "benchmark_items",
        ),
        *("generate", "parse", "dedup_sketch", "dedup_cluster", "dedup", "embed", "search", "decontaminate"),
        *("difficulty_score", "select_rank", "select_rows", "dataset", "mixture", "table_yield", "evaluate"),
    }
    assert traces.uncovered() == []


def test_an_edit_of_a_function_makes_stale_whoever_runs_it(traces, tmp_path):
    """One function of each module that ran; whatever else becomes stale has at least a way to load the module."""
    loadable = {rule: traces.may_load(rule) for rule in traces.jobs}
    ran = sorted({found for job in traces.jobs.values() for found in job.ran}, reverse=True)
    one_a_module = {found.module: found for found in ran}
    assert len(one_a_module) > 60
    for found, stale in traces.stale_after_edits(one_a_module.values(), tmp_path / "scripts"):
        assert {rule for rule, job in traces.jobs.items() if found in job.ran} <= stale, found
        assert stale <= {rule for rule, modules in loadable.items() if found.module in modules}, found
