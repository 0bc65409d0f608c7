"""A cluster profile that nobody has filled in, or that names what the cluster has not, stops before any job."""

import os
import stat

import pytest
from megascience.planning.cluster import check_site, partitions
from megascience.storage.errors import InputError


@pytest.fixture
def sinfo(tmp_path, monkeypatch):
    """A cluster with the partitions cpu and gpu, and no other program."""
    program = tmp_path / "sinfo"
    program.write_text("#!/bin/sh\necho cpu\necho gpu\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    queue = tmp_path / "squeue"
    queue.write_text("#!/bin/sh\necho '7|/elsewhere'\n")
    queue.chmod(program.stat().st_mode)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def site(**resources):
    return {"": {"slurm_account": "physics", "slurm_partition": "cpu"}, **resources}


def test_a_fitting_profile_passes(sinfo):
    check_site(site(train={"slurm_partition": "gpu", "gpu": 8}, embed={"gpu": 1}))


def test_an_account_that_nobody_filled_in(sinfo):
    with pytest.raises(InputError, match="account is CHANGE_ME"):
        check_site({"": {"slurm_account": "CHANGE_ME"}})


def test_an_account_may_be_empty_where_nobody_is_asked(sinfo):
    check_site({"": {"slurm_account": ""}})


def test_an_unknown_partition_is_named_with_those_that_there_are(sinfo):
    expression = "('big') if int(open(input.missing).read()) else ('cpu')"
    with pytest.raises(InputError, match="no partition 'big'; this cluster has cpu, gpu"):
        check_site(site(extract_generate={"slurm_partition": expression}))


def test_no_slurm_here(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no sinfo here"):
        check_site(site())


def test_a_silent_controller(sinfo):
    sinfo.write_text("#!/bin/sh\necho slurm_load_partitions: Unable to contact slurm controller >&2\nexit 1\n")
    assert os.access(sinfo, os.X_OK)
    with pytest.raises(InputError, match="Unable to contact slurm controller"):
        check_site(site())


def test_jobs_of_a_killed_run_are_waited_for(sinfo, monkeypatch):
    here = sinfo.parent
    monkeypatch.chdir(here)
    (here / "squeue").write_text(f"#!/bin/sh\necho '7|/elsewhere'\necho '8|{here}'\necho '9_2|{here}'\n")
    with pytest.raises(
        InputError, match="2 jobs of an earlier run here are still in the queue: 8 9_2; .*`scancel 8 9_2`"
    ):
        check_site(site())


def test_names_of_partitions():
    assert partitions([{"slurm_partition": "a,b"}, {"slurm_partition": "('c') if x else ('a')"}, {"gpu": 1}]) == {
        *("a", "b", "c")
    }
