"""Commands in processes of their own, forked from one that has everything imported: a start then costs milliseconds."""

import atexit
import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from savdo import cli

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["savdo.cli"])


def started(*arguments: str, out: Path, err: Path, **settings: str) -> ForkServerProcess:
    """`savdo ARGUMENTS…`, what it prints added to the two files. `settings` are environment variables beside this process's own."""
    process = _forking.Process(target=_run, args=(arguments, {**os.environ, **settings}, out, err))
    process.start()
    return process


def _run(arguments: tuple[str, ...], environment: dict[str, str], out: Path, err: Path) -> None:
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY), number)
    sys.argv = ["savdo", *arguments]
    try:
        cli.main()
    finally:
        # A forked process ends without what an interpreter does at its end.
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] # there is no other way to run them
