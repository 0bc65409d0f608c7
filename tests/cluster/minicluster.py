"""A real SLURM on one machine, for tests: several nodes are several slurmd, and GPUs are character devices.

Started as root without systemd; Debian's packages slurm-wlm and munge suffice (requirements/set-up-slurm.sh).
All files lie in one folder but for links in /etc/slurm, where the executor's job step looks once it has
removed SLURM_CONF from the environment. Every process is a child of this one, so that a test can kill it.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from waiting import IN_VAIN, wait_until

ETC = Path("/etc/slurm")
KEY = Path("/etc/munge/munge.key")
LINKED = ("slurm.conf", "gres.conf", "cgroup.conf")

#: Node → its GPUs. Nodes pretend to be as large as the profile asks: CPUs and memory are limits, not hardware.
NODES = {"cpu1": 0, "cpu2": 0, "gpu1": 8, "gpu2": 8}
CPUS, MEMORY_MB = 64, 2_000_000

#: A job of a lost node starts again when its old credentials are no longer good (cred_expire, in seconds). A node
#: that is slow to answer on a busy machine is not lost: SlurmdTimeout is longer than any such pause, and `lose` says
#: itself what became of its node.
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=17800
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=30
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool.%n
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
MinJobAge=86400
KillWait=3
ReturnToService=2
SlurmdTimeout=600
InactiveLimit=0
OverTimeLimit=0
MpiDefault=none
AccountingStorageType=accounting_storage/none
GresTypes=gpu
"""


class ClusterError(Exception):
    """A command of SLURM failed; the message is its own."""


def missing() -> str:
    """Return why no cluster can be started here, empty where one can."""
    if os.geteuid():
        return "the tests do not run as root, which starting slurmctld and slurmd needs"
    programs = [name for name in ("slurmctld", "slurmd", "sbatch", "munged") if shutil.which(name) is None]
    if programs:
        return f"{', '.join(programs)} is not installed; run requirements/set-up-slurm.sh as root"
    foreign = [name for name in LINKED if (ETC / name).exists() and not (ETC / name).is_symlink()]
    if foreign:
        return f"{ETC / foreign[0]} is there already: this machine seems to be part of a cluster"
    return ""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait until no other test run on this machine has a cluster up."""
    with open("/tmp/megascience-test-slurm.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Cluster:
    """The cluster.

    Args:
        base: an empty folder for configuration, state, logs and devices.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start everything and wait until all nodes are idle."""
        (self.base / "state").mkdir(parents=True)
        self._configure()
        self._start_munge()
        self.start_controller(clean=True)
        for node in NODES:
            self.start_node(node)
        wait_until(lambda: set(self.states().values()) == {"idle"}, "the cluster's nodes did not become idle")

    def stop(self) -> None:
        """Cancel all jobs and stop everything that was started."""
        if "slurmctld" in self.processes:
            with contextlib.suppress(AssertionError):
                wait_until(self._empty, "jobs that were cancelled did not go")
        for name in list(self.processes):
            self.kill(name, gently=True)
        for name in LINKED:
            (ETC / name).unlink(missing_ok=True)

    def start_controller(self, clean: bool = False) -> None:
        self._spawn("slurmctld", "slurmctld", "-D", *(["-c"] if clean else []))
        wait_until(lambda: "is UP" in run("scontrol", "ping", check=False), "slurmctld did not answer")

    def start_node(self, node: str) -> None:
        (self.base / f"spool.{node}").mkdir(exist_ok=True)
        self._spawn(node, "slurmd", "-D", "-N", node)

    def kill(self, name: str, gently: bool = False) -> None:
        """Kill slurmctld or a node's slurmd by kill -9, or gently."""
        process = self.processes.pop(name)
        process.terminate() if gently else process.kill()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @staticmethod
    def _empty() -> bool:
        run("scancel", "--user=root", check=False)
        return not run("squeue", "-h", check=False).strip()

    def lose(self, node: str) -> None:
        """Let a node die as in a loss of power: its slurmd and all that runs on it are killed at once, and slurmctld
        holds it for down, as it would by itself after SlurmdTimeout."""
        self.kill(node)
        mark = f"SLURMD_NODENAME={node}".encode()
        tasks = [pid for pid in _processes() if mark in _read(pid, "environ").split(b"\0")]
        # The steps' managers first: they would tell slurmctld how their tasks ended.
        managers = [
            pid for task in tasks for pid in _ancestors(task) if _read(pid, "cmdline").startswith(b"slurmstepd")
        ]
        for pid in dict.fromkeys([*managers, *tasks]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        run("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def states(self) -> dict[str, str]:
        """Return node → state, as sinfo names it."""
        lines = run("sinfo", "-h", "-N", "-o", "%N %T", check=False).splitlines()
        return dict(line.split() for line in lines)

    def jobs(self) -> list[dict[str, str]]:
        """Return all jobs that slurmctld remembers, the latest first; their comment names the rule."""
        fields = {"id": "%i", "state": "%T", "partition": "%P", "node": "%N", "comment": "%k", "folder": "%Z"}
        out = run("squeue", "-h", "--states=all", "--sort=-i", "-o", "|".join(fields.values()), check=False)
        return [dict(zip(fields, line.split("|"), strict=True)) for line in out.splitlines()]

    @staticmethod
    def asked(job: str) -> dict[str, str]:
        """Return what a job asked for, as `scontrol show job` names it: Partition, TRES, TimeLimit, …"""
        words = run("scontrol", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def _spawn(self, name: str, *command: str) -> None:
        log = open(self.base / f"{name}.log", "ab")  # noqa: SIM115 (the process keeps it)
        mortal = ("setpriv", "--pdeathsig", "KILL")  # none outlives a test run that was killed itself
        self.processes[name] = subprocess.Popen(
            [*mortal, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def _configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        lines = [CONF.format(host=host, base=self.base)]
        devices = []
        for number, (node, gpus) in enumerate(NODES.items(), 17801):
            gres = f" Gres=gpu:{gpus}" if gpus else ""
            lines.append(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={number} "
                f"CPUs={CPUS} RealMemory={MEMORY_MB} State=UNKNOWN{gres}\n"
            )
            for gpu in range(gpus):
                device = self.base / f"{node}.gpu{gpu}"
                os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))  # a twin of /dev/null
                devices.append(f"NodeName={node} Name=gpu File={device}\n")
        for partition in ("cpu", "gpu"):
            default = "YES" if partition == "cpu" else "NO"
            nodes = ",".join(name for name in NODES if name.startswith(partition))
            lines.append(f"PartitionName={partition} Nodes={nodes} Default={default} MaxTime=INFINITE State=UP\n")
        (self.base / "slurm.conf").write_text("".join(lines))
        (self.base / "gres.conf").write_text("".join(devices))
        (self.base / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        ETC.mkdir(exist_ok=True)
        for name in LINKED:
            (ETC / name).unlink(missing_ok=True)
            (ETC / name).symlink_to(self.base / name)

    def _start_munge(self) -> None:
        if subprocess.run(["munge", "-n"], capture_output=True).returncode == 0:
            return
        if not KEY.exists() or not KEY.stat().st_size:
            KEY.write_bytes(os.urandom(128))
            KEY.chmod(0o400)
            shutil.chown(KEY, "munge", "munge")
        for folder in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
            Path(folder).mkdir(exist_ok=True)
            shutil.chown(folder, "munge", "munge")
        Path("/run/munge").chmod(0o755)
        # In the background: it may serve others, and stays.
        subprocess.run(["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", "-f"], check=True)
        ready = lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0  # noqa: E731
        wait_until(ready, "munged did not answer")


def run(*command: str, check: bool = True) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=IN_VAIN)
    if check and done.returncode:
        raise ClusterError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _read(pid: int, name: str) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def _ancestors(pid: int) -> Iterator[int]:
    """Yield the parent of a process, its parent, and so on."""
    while pid > 1 and (status := _read(pid, "stat")):
        pid = int(status.rpartition(b")")[2].split()[1])
        yield pid
