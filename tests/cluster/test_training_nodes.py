"""Training over several nodes: what LLaMA-Factory is started with on each. GPUs and training itself are not here."""

import json
import subprocess
import sys

from checkout import ROOT, SNAKEMAKE
from waiting import IN_VAIN

#: Resources as the profile gives them for several nodes (tests/workflow/test_cluster_lines.py).
SNAKEFILE = """
rule train:
    output: "done"
    resources: nodes=2, gpu=16, mem_mb=1000, runtime=10, cpus_per_task=4, mpi="srun", tasks_per_node=2
    shell: "{python} start.py && touch {{output}}"
"""
START = """
import os, subprocess, sys
sys.path.insert(0, {library!r})
from megascience.models.llamafactory import across_nodes, environment
command = across_nodes([sys.executable, "told.py"], 2, 16)
subprocess.run(command, env={{**os.environ, **environment(16, {{"deepspeed": "x"}}, 2)}}, check=True)
"""
TOLD = """
import json, os
names = ("FORCE_TORCHRUN", "NNODES", "NODE_RANK", "NPROC_PER_NODE", "MASTER_ADDR", "MASTER_PORT", "SLURMD_NODENAME",
         "CUDA_VISIBLE_DEVICES")
with open(f"told.{os.environ['NODE_RANK']}", "w") as out:
    json.dump({name: os.environ.get(name) for name in names}, out)
"""


def test_each_node_is_told_its_rank_and_where_the_first_one_is(cluster, tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(python=sys.executable))
    (tmp_path / "start.py").write_text(START.format(library=str(ROOT / "workflow/scripts")))
    (tmp_path / "told.py").write_text(TOLD)
    options = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "7", "--jobs", "1")
    resources = ("--default-resources", "slurm_account=test", "slurm_partition=gpu")
    done = subprocess.run(
        [SNAKEMAKE, "--executor", "slurm", *options, *resources],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=IN_VAIN,
    )
    logs = "".join(path.read_text() for path in tmp_path.glob(".snakemake/slurm_logs/**/*.log"))
    assert done.returncode == 0, done.stderr + logs
    told = [json.loads((tmp_path / f"told.{rank}").read_text()) for rank in (0, 1)]
    assert {node["SLURMD_NODENAME"] for node in told} == {"gpu1", "gpu2"}
    for rank, node in enumerate(told):
        assert (node["NODE_RANK"], node["NNODES"], node["NPROC_PER_NODE"]) == (str(rank), "2", "8")
        assert node["FORCE_TORCHRUN"] == "1" and node["CUDA_VISIBLE_DEVICES"] == "0,1,2,3,4,5,6,7"
        assert (node["MASTER_ADDR"], node["MASTER_PORT"]) == (told[0]["SLURMD_NODENAME"], told[0]["MASTER_PORT"])
