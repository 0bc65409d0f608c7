# The plan, wildcard constraints and input functions. The logic is in workflow/scripts/megascience/planning, where
# it is tested: PLAN is the plan of everything that the config names, PLAN.needed of what the experiments need.
# Nothing here prints to stdout: it would
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
os.environ.update(PYTHONPATH=os.pathsep.join([LIBRARY, *others]))
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
from megascience.stages.order import ASKING_STAGES, MODEL_STAGES
from megascience.storage.layout import UNCLASSIFIED, Layout
from megascience.planning.plan import Plan
from megascience.storage.errors import InputError
from megascience.planning.comparisons import MAIN, compared, trained
from megascience.planning.config.read import check_config
from megascience.planning.cluster import check_site
from megascience.planning.reports import Reports
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

# Which tables and figures there are, and the files that they are made of.
REPORTS = Reports(PLAN, "<results>")
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


def homes(stage):
    """A stage's files of the shards where the books of a discipline's shard are at home."""
    return lambda wildcards: [
        f"<results>/{stage}/{d}/{s}.parquet"
        for d, s in PLAN.book_shards.homes(**wildcards)
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
    stage: "{model}" if stage == "evaluate" else "{subset}/{shard}"
    for stage in ASKING_STAGES
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
            "The checks of books, benchmarks and sources were done again. Run the same command once more: "
            "what else was changed at the same time may still be due; otherwise there is nothing to do."
        )
