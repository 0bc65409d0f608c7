"""What clusters do to jobs. After each: the run completes, or stops with a message that says what to do; nothing
computed is lost, no record is doubled or missing, and no request is asked twice beyond those in flight."""

import os
import signal
import subprocess

import pytest
from clusterrun import ANSWERED, COMPLETIONS, IN_FLIGHT
from minicluster import run as program
from waiting import wait_until

GENERATE = "extract_generate"


@pytest.fixture
def busy(run):
    """A run whose generate job stays in the middle of its requests until it is let go, as (run, Snakemake's process,
    job)."""
    run.hold()
    process = run.start(COMPLETIONS)
    run.wait_for_requests(ANSWERED + IN_FLIGHT)
    return run, process, run.job(GENERATE)


def test_a_job_is_cancelled(busy):
    run, process, job = busy
    program("scancel", job["id"])
    run.job(GENERATE, "CANCELLED")
    run.let_go()
    assert "CANCELLED" in run.finish(process)
    run.check(starts=2)


def test_a_job_runs_over_its_memory(run):
    profile = run.root / "profiles/slurm/config.yaml"
    given = f"  {GENERATE}: ?asks(4, 16, 200, 24)"
    assert given in profile.read_text()
    small = f"  {GENERATE}: {{slurm_partition: gpu, gpu: 1, mem_mb: 40 if attempt == 1 else 4000}}"
    profile.write_text(profile.read_text().replace(given, small))
    run.hold(0)
    process = run.start(COMPLETIONS)
    ended = "OUT_OF_MEMORY|FAILED|CANCELLED"
    first = run.job(GENERATE, ended)
    run.let_go()
    run.finish(process)
    run.check()
    second, same = run.jobs(GENERATE)
    assert same["id"] == first["id"] and second["state"] == "COMPLETED"
    assert "mem=4000M" in run.cluster.asked(second["id"])["TRES"]


def test_a_node_dies_and_comes_back(busy):
    run, process, job = busy
    run.cluster.lose(job["node"])
    run.let_go()
    run.finish(process)
    run.check(starts=2)
    (done,) = run.jobs(GENERATE)  # the same job, put into the queue again by SLURM
    assert done["id"] == job["id"] and done["node"] != job["node"]
    assert run.cluster.states()[job["node"]].startswith("down")
    run.cluster.start_node(job["node"])
    wait_until(lambda: run.cluster.states()[job["node"]] == "idle", "the node did not come back")


def test_the_controller_is_killed_and_comes_back(busy):
    run, process, _ = busy
    run.cluster.kill("slurmctld")
    run.let_go()
    wait_until((run.root / COMPLETIONS).exists, "the job did not go on without the controller")
    run.cluster.start_controller()
    run.finish(process)
    run.check(starts=1)


def test_snakemake_is_killed_and_started_again(busy):
    run, process, job = busy
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "--unlock" in run(COMPLETIONS, status=1)
    run("--unlock")
    output = run(COMPLETIONS, status=1)  # the job is still at work
    assert f"1 job of an earlier run here is still in the queue: {job['id']}" in output and "scancel" in output
    run.let_go()
    run.job(GENERATE, "COMPLETED")
    run(COMPLETIONS)
    run.check(starts=1)


def test_two_snakemakes_at_once(busy):
    run, process, _ = busy
    assert "lock" in run(COMPLETIONS, status=1)
    run.let_go()
    run.finish(process)
    run.check(starts=1)


@pytest.mark.parametrize("folder", ["journal", "extract"])
def test_a_full_disk_while_a_job_writes(run, folder):
    place = run.root / "results/cluster" / folder
    place.mkdir(exist_ok=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={12 if folder == 'journal' else 4}k", "tmpfs", place]
    ).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        (place / "extract/economics" if folder == "journal" else place / "economics").mkdir(parents=True)
        output = run(COMPLETIONS, "--retries", "0", status=1)
        assert "No space left on device" in output and "make room and run again" in output
        asked = len(set(run.requests()))
        subprocess.run(["mount", "-o", "remount,size=8m", place], check=True)
        run(COMPLETIONS)
        assert asked > 0
        run.check()
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("name", ["chunk", "completions"])
def test_a_shard_is_spoiled_between_two_runs(run, name):
    """Chunks that are cut off halfway, and completions that are rubbish."""
    chunks = COMPLETIONS.replace("extract", "chunk").replace(".completions", "")
    target = (COMPLETIONS.replace(".completions", ""), COMPLETIONS, chunks)
    run(*target)
    path = run.root / (chunks if name == "chunk" else COMPLETIONS)
    path.write_bytes(path.read_bytes()[:1000] if name == "chunk" else b"rubbish" * 100)
    output = run(*target, "--retries", "0", status=1)
    assert f"{path.relative_to(run.root)}: not a readable Parquet file" in output
    assert "delete it and run again" in output
    path.unlink()
    run(*target)
    run.check()
