#!/usr/bin/env bash
# Installs SLURM and munge for the tests of tests/cluster, which start a cluster of their own on this machine.
# Never fails: where it cannot install, it says what is missing, and those tests are skipped.
set -uo pipefail

missing=
for program in slurmctld slurmd sbatch munged; do
    command -v $program >/dev/null || missing+=" $program"
done
[ -z "$missing" ] && exit 0
advice="On Debian: sudo apt-get install --no-install-recommends slurm-wlm munge"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf '%s\n' "The tests on a cluster will be SKIPPED: there is no$missing, and only root can start a SLURM." "$advice" >&2
    exit 0
fi
echo "Installing slurm-wlm and munge for the tests on a cluster (half a minute, once)" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1; then
    printf '%s\n' "The tests on a cluster will be SKIPPED: slurm-wlm and munge could not be installed." "$advice" >&2
fi
exit 0
