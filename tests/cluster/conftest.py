"""One cluster for all tests, and checkouts whose runs are submitted to it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from canned import write_answers
from checkout import ROOT, Checkout
from clusterrun import CONFIG, Run
from minicluster import Cluster, alone, missing


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
    its missing requests are counted."""
    models / "minilm"
    checkout = Checkout(tmp_path_factory.mktemp("template"))
    (checkout.root / "results").mkdir()
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    checkout.edit("profiles/slurm/config.yaml", "account: CHANGE_ME", "account: test")
    # Torch would look for what the fake GPUs have not; the canned engine never does.
    for rule in ("embed", "embed_benchmarks"):
        checkout.edit("profiles/slurm/config.yaml", f"  {rule}: ?gpus(1, 8, 32, 4)", f"  {rule}: ?needs(8, 32, 4)")
    write_answers(checkout.root / "answers.yaml")
    before = ("results/cluster/missing/extract/economics/000.txt", "results/cluster/preflight.txt")
    checkout.snakemake(*before, "--configfile", *CONFIG)
    return checkout


@pytest.fixture
def run(cluster, template, tmp_path):
    """A run of its own on the cluster; its jobs are cancelled in the end."""
    run = Run(template.copy(tmp_path / "run").root, cluster)
    yield run
    run.end()


@pytest.fixture
def another(cluster, template, tmp_path):
    """A second run, beside the first."""
    run = Run(template.copy(tmp_path / "another").root, cluster)
    yield run
    run.end()


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker("cluster")
