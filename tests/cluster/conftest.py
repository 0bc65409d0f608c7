"""One cluster for all tests, and checkouts whose runs are submitted to it."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from canned import write_answers
from checkout import ROOT, Checkout
from clusterrun import COMPLETIONS, CONFIG, Run
from minicluster import Cluster, alone, missing

LONG_RUNS = ("whole", "late")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running SLURM; the tests are skipped where there can be none."""
    if missing() and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run([ROOT / "requirements/set-up-slurm.sh"], stdin=subprocess.DEVNULL)
    if why := missing():
        pytest.skip(f"NO CLUSTER: {why}")
    with alone():
        cluster = Cluster(tmp_path_factory.mktemp("slurm"))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="session")
def template(tmp_path_factory, models):
    """A checkout with an account in its profile, in which all that comes before the first model stage is done, and
    its pending requests are counted."""
    models / "minilm"
    checkout = Checkout(tmp_path_factory.mktemp("template"))
    (checkout.root / "results").mkdir(exist_ok=True)
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    checkout.edit("profiles/slurm/config.yaml", "account: CHANGE_ME", "account: test")
    # Torch would look for what the fake GPUs have not; the canned engine never does.
    for rule in ("embed", "embed_benchmarks"):
        checkout.edit("profiles/slurm/config.yaml", f"  {rule}: ?gpus(1, 8, 32, 4)", f"  {rule}: ?needs(8, 32, 4)")
    write_answers(checkout.root / "answers.yaml")
    before = ("results/cluster/pending/extract/economics/000.txt", "results/cluster/preflight.txt")
    checkout.snakemake(*before, "--configfile", *CONFIG)
    return checkout


@pytest.fixture
def run(cluster, template, tmp_path):
    """A run of its own on the cluster; its jobs are cancelled in the end."""
    run = Run(template.copy(tmp_path / "run").root, cluster)
    yield run
    run.end()


@pytest.fixture(scope="session", autouse=True)
def long_runs(request, tmp_path_factory):
    """Runs of minutes, as name → (run, process): they go on beside the other tests, as another user's would, and
    test_whole_run.py looks at them last."""
    if not any(item.path.name == "test_whole_run.py" for item in request.session.items):
        yield {}
        return
    cluster, template = request.getfixturevalue("cluster"), request.getfixturevalue("template")
    whole, late = (Run(template.copy(tmp_path_factory.mktemp(name) / "run").root, cluster) for name in LONG_RUNS)
    short_of_time(late)
    started = {"whole": (whole, whole.start("dataset_only")), "late": (late, late.start(COMPLETIONS))}
    # Not before it is out of time; but then it must not keep its GPU from jobs that want all of them.
    threading.Thread(target=let_go_after_its_time, args=(late,), daemon=True).start()
    yield started
    whole.end()
    late.end()


def short_of_time(run):
    """Give a run's generate job one minute at first, in which it is not let go: SLURM ends no job sooner."""
    run.hold()
    given = "  extract_generate: ?asks(4, 16, 200, 24)"
    short = "  extract_generate: {slurm_partition: gpu, gpu: 1, runtime: 1 if attempt == 1 else 120}"
    profile = run.root / "profiles/slurm/config.yaml"
    assert given in profile.read_text()
    profile.write_text(profile.read_text().replace(given, short))


def let_go_after_its_time(run):
    run.job("extract_generate", "TIMEOUT")
    run.let_go()


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker("cluster")
