"""One command leads from a failed run to the logs of what failed."""

import pytest
from megascience.cli.failed_jobs import failures, latest_log
from megascience.cli.main import main
from megascience.storage.errors import InputError

LOG = """Execute 2 jobs...
[Sun Nov 22 01:38:37 2026]
Error in rule extract_generate:
    message: SLURM-job '10' failed, SLURM status is: 'TIMEOUT'. For further error details see the log.
    jobid: 5
    output: results/extract/physics/000.completions.parquet
    log: {folder}/generate.log, {folder}/10.log (check log file(s) for error details)
    external_jobid: 10
Trying to restart job 5.
[Sun Nov 22 01:39:37 2026]
Error in rule embed:
    message: None
    jobid: 7
    output: results/embed/physics/000.npy
    log: {folder}/embed.log (check log file(s) for error details)
[Sun Nov 22 01:40:37 2026]
Finished jobid: 7 (Rule: embed)
Error in rule extract_generate:
    message: SLURM-job '11' failed, SLURM status is: 'FAILED'. For further error details see the log.
    jobid: 5
    output: results/extract/physics/000.completions.parquet
    log: {folder}/generate.log, {folder}/11.log (check log file(s) for error details)
    external_jobid: 11
Logfile {folder}/generate.log:
================================================================================
the disk is full; make room
================================================================================
Logfile {folder}/11.log:
================================================================================
Building DAG of jobs...
Error in rule extract_generate:
    message: None
    jobid: 0
    output: results/extract/physics/000.completions.parquet
    log: {folder}/generate.log (check log file(s) for error details)
Shutting down, this might take some time.
================================================================================
Complete log(s): somewhere
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    folder = tmp_path / ".snakemake/log"
    folder.mkdir(parents=True)
    (folder / "2026-01-01T000000.0.snakemake.log").write_text("Execute 1 jobs...\nan older run")
    (folder / "2026-11-22T013800.0.snakemake.log").write_text(LOG.format(folder=tmp_path))
    (tmp_path / "generate.log").write_text("".join(f"line {i}\n" for i in range(50)) + "the disk is full; make room\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_failed_and_was_not_done_since(run):
    (failure,) = failures(latest_log())
    assert (failure.rule, failure.attempts) == ("extract_generate", 2)
    assert failure.logs == [run / "generate.log", run / "11.log"]


def test_what_only_looked_at_the_workflow_is_no_run(run):
    """Dags and unlocking leave logs, too; so does a run that stops before its first job."""
    (run / ".snakemake/log/2026-11-23T080000.0.snakemake.log").write_text("Building DAG of jobs...\nJob stats:\n")
    assert latest_log().name.startswith("2026-11-22")


def test_the_command_shows_the_end_of_the_log(run, capsys):
    assert main(["failed"]) == 0
    out = capsys.readouterr().out
    assert "1 job failed" in out and "extract_generate, 2 times: results/extract/physics" in out
    assert "SLURM status is: 'FAILED'" in out and "make room" in out and "line 1\n" not in out
    assert "11.log (empty or gone)" in out and "embed" not in out


def test_no_run_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no log of a run"):
        latest_log()
