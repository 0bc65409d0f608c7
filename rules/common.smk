# Names built from the config, wildcard constraints and input functions. The logic stands in
# workflow/scripts/megascience/plan.py, where it is tested. Nothing here prints to stdout: it would
# end up in `snakemake --dag | dot`.
import gc
import os
import sys
from pathlib import Path

# This checkout's own library comes first, here and in every process that a job starts: where snakemake is installed,
# another checkout's may be installed, too. The folder holds the library alone: the scripts beside the real one have
# names that other modules have (chunk is one of Python's).
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
LIBRARY = f"{ROOT}/workflow/library"
others = [
    path
    for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if path and path != LIBRARY
]
os.environ["PYTHONPATH"] = os.pathsep.join([LIBRARY, *others])
sys.path.insert(0, LIBRARY)

from megascience.storage.shipped import content, find_file, find_program, shipped_name


# The project's settings, else the paper's. A Snakefile that imports the workflow as a module gives its own.
configfile: str(find_file("config/config.yaml"))


# A plan is millions of objects that stay, and Python would look through them for garbage over and over: a quarter
# of the time of planning 3,000 jobs.
gc.set_threshold(100_000, 50, 50)

from snakemake.exceptions import WorkflowError
from snakemake.io import sourcecache_entry
from snakemake.logging import logger

from megascience.inference.engines.llamacpp_shared import announce_run
from megascience.planning.code_hash import Known, Library
from megascience.planning.branches import TRUNK
from megascience.planning.checks import check
from megascience.stages.order import ASKING_STAGES, HOME_STAGES, MODEL_STAGES
from megascience.storage.layout import UNCLASSIFIED, Layout
from megascience.planning.plan import Plan
from megascience.storage.errors import InputError
from megascience.planning.comparisons import (
    MAIN,
    compared,
    comparisons,
    trained,
)
from megascience.planning.config.read import check_config
from megascience.planning.cluster import check_site
from megascience.planning.jobs import find_shard, rows_of, shards_of

try:
    CONFIG = check_config(
        config, [*workflow.configfiles, *(workflow.overwrite_configfiles or [])]
    )
    PLAN = Plan(CONFIG)
    if workflow.is_main_process:  # a job's own Snakemake need not check all again
        check(PLAN)
except InputError as error:
    raise WorkflowError(str(error)) from None
config.update(CONFIG.plain())  # with the defaults, for scripts and captions
for served in config["serving"].values():
    if served.get("command"):
        served["command"] = find_program(served["command"])

# The folder of results, and where each file is in it, for jobs whose files are not all declared.
RESULTS, MODELS = map(workflow.pathvars.apply, ("<results>", "<models>"))
FILES = Layout(RESULTS)

MIXTURES = [
    name for name, parts in PLAN.needed.recipes.mixtures.items() if len(parts) > 1
]


def measured_pools(measure):
    """The pools whose rows the experiments' selections go by, by this measure, in the order of the config."""
    return [
        pool for pool, how in PLAN.needed.recipes.measured().items() if measure in how
    ]


COMPARISONS = comparisons(CONFIG)
TABLES = [
    "yield",
    "yield_reasons",
    "extraction",
    "curation",
    "contamination",
    "cost",
    "scores",
    *(f"sources.{name}" for name in MIXTURES),
    *COMPARISONS,
]
FIGURES = [
    "yield",
    "contamination",
    "cost",
    "scores",
    "answer_length",
    "training_length",
    "response_length",
    *(["difficulty"] if measured_pools("difficulty") else []),
    *(["source_length"] if measured_pools("response_length") else []),
]
SEMANTIC = CONFIG.dedup.semantic_threshold is not None

# Each job reads the workflow again: what it would find out of the library again is kept (the Snakefile saves it).
KNOWN = Known(".snakemake/code_hashes.json")
code_hash = Library(f"{ROOT}/workflow/scripts", KNOWN).code_hash


wildcard_constraints:
    discipline="|".join([*PLAN.disciplines, UNCLASSIFIED]),
    subset="|".join(
        map(re.escape, [*PLAN.subsets, *PLAN.selected_subsets, UNCLASSIFIED])
    ),
    source="|".join(map(re.escape, CONFIG.sources)),
    shard=r"\d{3}",
    model="|".join(re.escape(name) for name in PLAN.evaluated),
    experiment="|".join(re.escape(name) for name in PLAN.experiments),
    benchmark="|".join(re.escape(name) for name in PLAN.benchmarks),
    name="|".join(re.escape(name) for name in CONFIG.models),


def pool_files(pool, stage, suffix=".parquet"):
    """A stage's files of a pool: of a dataset of textbooks or of a public source."""
    return PLAN.pool_files(
        pool, stage, f"<results>/{{stage}}/{{subset}}/{{shard}}{suffix}"
    )


def yields_of(pool, suffix=".parquet"):
    """The files of each stage that a pool's rows go through."""
    files = [
        path
        for stage in PLAN.pool_stages(pool)
        for path in pool_files(pool, stage, suffix)
    ]
    homes = [
        f"<results>/{stage}/{d}/{s}{suffix}"
        for stage in HOME_STAGES
        for d, s in PLAN.shelving.home_shards
    ]
    return files if pool in CONFIG.sources else homes + files


def scored(models, suffix=".json"):
    """The scores (.json) or the scored items (.parquet) of models on every benchmark."""
    return [
        f"<results>/evaluate/{model}/{benchmark}{suffix}"
        for model in models
        for benchmark in PLAN.benchmarks
    ]


def trained_on(models, pattern="<results>/dataset/{dataset}/train.parquet"):
    """The pattern for each dataset that one of the models was trained on."""
    datasets = dict.fromkeys(
        made["dataset"] for made in trained(CONFIG, models).values()
    )
    return [pattern.format(dataset=dataset) for dataset in datasets]


def mixture_parts(mixture):
    """Each part of a mixture: its pool, and the selection that takes rows of it, None for the whole pool."""
    return [(PLAN.part_pool(p), p.select) for p in PLAN.recipes.mixtures[mixture]]


def measure_files(stage, measure):
    """A measuring stage's files of the pools that the experiments' selections go by."""
    return [
        f"<results>/{stage}/{subset}/{shard}.parquet"
        for pool in measured_pools(measure)
        for subset, shard in PLAN.pool_shards(pool)
    ]


def difficulty_bounds():
    """The mean scores that selection by difficulty takes; None where the experiments' selections do not agree."""
    bounds = {
        tuple(entry.between)
        for entry in PLAN.needed.config.selections.values()
        if entry.method == "difficulty"
    }
    return list(bounds.pop()) if len(bounds) == 1 else None


def homes(stage):
    """A stage's files of the shards where the books of a discipline's shard are at home."""
    return lambda wildcards: [
        f"<results>/{stage}/{d}/{s}.parquet"
        for d, s in PLAN.shelving.homes(**wildcards)
    ]


def records(stage):
    """The rows that a stage reads: those of the stage before, in the branch or in what it branches from."""
    return lambda wildcards: [str(rows_of(PLAN, RESULTS, stage, *wildcards))]


def asking(stage):
    """What shapes a stage's completions, as the subset's branch has it, and the manifest of the model, which the
    job reads behind the count of pending requests, whose input it is."""
    return {
        "settings": lambda wildcards: PLAN.settings(
            stage, wildcards.get("subset"), wildcards.get("model")
        ),
        "model": lambda wildcards: manifest(
            PLAN.model(stage, wildcards.get("subset"), wildcards.get("model"))
        ),
    }


def manifest(name):
    """The manifest of a base model's files or of an experiment's checkpoint."""
    trained_here = name in PLAN.experiments
    return (
        str(FILES.checkpoint(name)) if trained_here else f"{MODELS}/{name}/model.json"
    )


# Each stage that asks a model, and the part of it that a job makes.
PARTS = {
    stage: "{model}" if stage == "evaluate" else "{subset}/{shard}" for stage in ASKING_STAGES
}


def by_content(path):
    """An input file that is compared by name and content, wherever it lies and whenever it was written: what the
    project or the workflow has under a name, such as a prompt. Snakemake's log names it so, too.
    """
    found = content(path)
    if found is None:
        return str(path)
    return ancient(sourcecache_entry(str(path), f"{shipped_name(path)}@{found}"))


# The paper's own numbers, beside which the tables show ours.
PAPER = by_content(find_file(CONFIG.paper)) if CONFIG.paper else []


def requests(job):
    """What a job's requests are made of."""
    prompts = [by_content(path) for path in job.prompts]
    files = {"records": [*map(str, job.records)], "prompts": prompts}
    return {**files, "join": str(job.join)} if job.join else files


def counts(stage):
    """What counting the requests that a journal does not answer needs: what they are made of, the model's files,
    and the checks done."""

    def files(wildcards):
        job = find_shard(PLAN, RESULTS, stage, *wildcards)
        return {
            **requests(job),
            "model": manifest(job.model),
            "checked": ancient(str(FILES.checks)),
        }

    return files


def asks(stage):
    """What asking a model needs: what the requests are made of, and how many of them its journal does not answer."""

    def files(wildcards):
        job = find_shard(PLAN, RESULTS, stage, *wildcards)
        return {**requests(job), "pending": str(job.pending)}

    return files


def answers(stage):
    """What parsing needs: the rows, what was asked with them, and the completions."""

    def files(wildcards):
        job = find_shard(PLAN, RESULTS, stage, *wildcards)
        rows = str(rows_of(PLAN, RESULTS, stage, *wildcards))
        return {
            **requests(job),
            "records": [rows],
            "completions": str(job.completions),
        }

    return files


def lineage(wildcards):
    """Each model stage that a dataset's rows go through, with its files."""
    stages = [s for s in PLAN.pool_stages(wildcards.dataset) if s in MODEL_STAGES]
    return {stage: pool_files(wildcards.dataset, stage) for stage in stages}


def check_cluster():
    """Stop before anything is submitted where the cluster profile does not fit the site."""
    plugin, given = workflow.executor_plugin, workflow.resource_settings
    if plugin is None or not plugin.common_settings.non_local_exec:
        return
    profile = {"": given.default_resources or {}, **given.overwrite_resources}
    raw = {
        name: {key: value.raw for key, value in resources.items()}
        for name, resources in profile.items()
    }
    try:
        check_site(raw)
    except InputError as error:
        raise WorkflowError(str(error)) from None


def share_servers():
    """Let jobs that ask the same model share its server, where all of them run on this machine."""
    plugin = workflow.executor_plugin
    if plugin is None or not plugin.common_settings.non_local_exec:
        announce_run(".snakemake/servers")


def checked_at():
    """When the checks before any model were last done; None where they never were."""
    return FILES.checks.stat().st_mtime_ns if FILES.checks.exists() else None


CHECKED_AT = checked_at()


def advise_another_run():
    """Snakemake (9.27) does not look at what else changed of jobs behind one that it redoes, and model stages stand
    behind the checks, though they are no reason to redo them: a prompt that was edited together with a book may wait
    for the next run."""
    if CHECKED_AT not in (None, checked_at()):
        logger.info(
            "The checks of books, benchmarks and sources were done anew. Run the same command once more: "
            "what else was changed at the same time may still be due; otherwise there is nothing to do."
        )


def taken_files(selection):
    """The rows that a selection takes some of, shard by shard."""
    return pool_files(PLAN.recipes.pool(selection), PLAN.chains.taken(selection))


def measures(selection):
    """What a selection goes by: the measure of each shard, and the ledgers of the rows that have none."""
    pool = selection.of
    if selection.method not in ("difficulty", "response_length"):
        return {}
    stages = (
        ["difficulty_score", "difficulty_sample"]
        if selection.method == "difficulty"
        else ["response_length"]
    )
    pattern = "<results>/{stage}/{subset}/{shard}{suffix}"
    files = lambda stage, suffix: [
        pattern.format(stage=stage, subset=subset, shard=shard, suffix=suffix)
        for subset, shard in PLAN.pool_shards(pool)
    ]
    return {
        "measures": files(stages[0], ".parquet"),
        "refused": [
            path for stage in stages for path in files(stage, ".dropped.parquet")
        ],
    }


def mixed(wildcards):
    """The files of a mixture's parts, each list named part_<number>_<what>."""
    return {
        f"part_{number}_{what}": files
        for number, part in enumerate(PLAN.recipes.mixtures[wildcards.dataset])
        for what, files in PLAN.part_files(part, RESULTS).items()
    }
