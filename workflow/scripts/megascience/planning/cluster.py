"""Site: whether a cluster profile has been filled in and names what the cluster has, before anything is submitted."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from megascience.storage.errors import InputError

PROFILE = "profiles/slurm/config.yaml"

#: What the profile holds until somebody fills it in.
UNSET = "CHANGE_ME"


def check_site(resources: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the resources that a profile gives to jobs of SLURM.

    Args:
        resources: rule → its resources, those of every rule under "". Names of partitions may stand quoted
            in an expression.

    Raises:
        InputError: the account is not filled in, this machine cannot submit, a partition is unknown, or jobs
            of an earlier run in this folder, whose Snakemake was killed, are still in the queue: they would
            write the same files.
    """
    if any(UNSET in str(entry.get("slurm_account", "")) for entry in resources.values()):
        raise InputError(
            f"{PROFILE}: account is {UNSET}; set it to who pays for your jobs "
            '(`sacctmgr -n show assoc user=$USER format=account` lists yours), or to "" where nobody is asked'
        )
    if shutil.which("sinfo") is None:
        raise InputError("there is no sinfo here: run snakemake --profile slurm on a machine that submits to SLURM")
    known = set(_ask("sinfo", "--noheader", "--format=%R"))
    named = partitions(resources.values())
    faults = [
        f"{PROFILE}: there is no partition {name!r}; this cluster has {', '.join(sorted(known))}"
        for name in sorted(named - known)
    ]
    if faults:
        raise InputError("\n".join(faults))
    queued = [line.split("|") for line in _ask("squeue", "--me", "--noheader", "--format=%i|%Z")]
    if left := [job for job, folder in queued if folder == os.getcwd()]:
        number = "1 job" if len(left) == 1 else f"{len(left)} jobs"
        raise InputError(
            f"{number} of an earlier run here {'is' if len(left) == 1 else 'are'} still in the queue: "
            f"{' '.join(left)}; wait until they have ended, or stop them with `scancel {' '.join(left)}`, and run again"
        )


def partitions(resources: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of the partitions that resources may ask for; one value may list several with commas."""
    found: set[str] = set()
    for entry in resources:
        value = str(entry.get("slurm_partition") or "")
        for text in re.findall(r"'([^']+)'", value) if "'" in value else [value]:
            found.update(name for name in text.split(",") if name)
    return found


def _ask(*command: str) -> list[str]:
    """Return the lines that a program of SLURM prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise InputError(f"{command[0]} does not answer ({done.stderr.strip()}); is SLURM up? run again when it is")
    return done.stdout.split("\n")[:-1]
