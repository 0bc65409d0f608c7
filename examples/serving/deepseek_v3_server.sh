#!/bin/bash
# Serves DeepSeek-V3 (671B parameters, 689 GB in FP8) on two nodes of eight GPUs: tensor-parallel inside a node,
# pipeline-parallel between them. Submit from the repository's root; edit account and partition for your site.
#SBATCH --job-name=deepseek-v3
#SBATCH --account=CHANGE_ME
#SBATCH --partition=gpu
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --mem=0
#SBATCH --time=2-00:00:00
set -euo pipefail

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
echo "http://$first:8000/v1" >deepseek_v3.url
export FIRST=$first
srun bash -c '
    headless=
    [ "$SLURM_NODEID" = 0 ] || headless=--headless
    exec vllm serve deepseek-ai/DeepSeek-V3 --revision 1d044fd82b15f1cedb197a288e50cc96a2c27205 \
        --tensor-parallel-size 8 --pipeline-parallel-size 2 --nnodes "$SLURM_NNODES" --node-rank "$SLURM_NODEID" \
        --master-addr "$FIRST" --max-model-len 65536 --port 8000 $headless
'
