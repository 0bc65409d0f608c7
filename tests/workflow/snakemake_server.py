"""Snakemake imported once: most of the time of a dry-run is the import of its libraries, and tests run hundreds.

Reads one request a line (JSON: arguments, folder, environment, files for its two streams), and answers with the exit
status. Each runs in a fork, so that none sees what another one left; Snakefile, library and configuration are read
again. A job's own process starts as ever.
"""

import json
import os
import sys
import traceback

from snakemake.cli import get_argument_parser, main


def run(request: dict) -> None:
    """Become what the shell would have started."""
    null = os.open(os.devnull, os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for descriptor, source in enumerate((null, os.open(request["stdout"], flags), os.open(request["stderr"], flags))):
        os.dup2(source, descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["command"]
    # The folder of this file is not part of Snakemake's path, that of its command is.
    sys.path[0] = os.path.dirname(sys.argv[0])
    main(sys.argv[1:])


if __name__ == "__main__":
    get_argument_parser()  # reads the plugins
    for line in sys.stdin:
        if not (child := os.fork()):
            status = 1
            try:
                run(json.loads(line))
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
