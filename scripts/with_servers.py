#!/usr/bin/env python3
"""Runs a command beside a private PostgreSQL and a private Redis, then stops both.

    python scripts/with_servers.py .venv/bin/python -m pytest tests/portrait_viewer

The servers keep their files in a temporary folder, listen on 127.0.0.1 only, on free ports and
with passwords made for this run; nothing that runs on the machine already is touched. The command
finds them in DATABASE_URL and REDIS_URL, and its exit code is ours. Exit code 3: a server is not
installed.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

NOT_INSTALLED = 3
START_S = 60
STOP_S = 20
DATABASE = "portrait"


class ServerError(RuntimeError):
    """A server cannot be had; the text says what to do."""


def main(argv: list[str]) -> int:
    """Runs `argv` beside the servers; returns its exit code."""
    if not argv:
        print("usage: with_servers.py COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    stop_on_signals()
    if missing := missing_servers():
        print(f"{missing}.", file=sys.stderr)
        return NOT_INSTALLED
    try:
        with private_folder() as folder, both_servers(folder) as urls:
            return subprocess.run(argv, env=os.environ | urls, check=False).returncode
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1


def missing_servers() -> str:
    """What must be installed first, in words; empty where all is there."""
    missing = [
        name
        for name, found in (
            ("postgresql", postgres_folder()),
            ("redis-server", shutil.which("redis-server")),
        )
        if found is None
    ]
    if not missing:
        return ""
    return f"not installed: {', '.join(missing)} (on Debian: apt-get install {' '.join(missing)})"


@contextmanager
def both_servers(folder: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL and a Redis below `folder`; gives DATABASE_URL and REDIS_URL."""
    with postgres(folder / "postgres") as database, redis(folder / "redis") as broker:
        yield {"DATABASE_URL": database, "REDIS_URL": broker}


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL with an empty database; gives its URL."""
    programs = postgres_folder()
    if programs is None:
        raise ServerError(f"{missing_servers()}.")
    own_folder(folder)
    port, password = free_port(), secrets.token_hex(16)
    said = folder / "password"
    said.write_text(password)
    said.chmod(0o644)  # initdb runs as another user; the folder is closed to everyone else
    _once(
        [
            programs / "initdb", "-D", folder / "data", "-U", DATABASE, "-E", "UTF8",
            "--locale=C", "--auth=scram-sha-256", f"--pwfile={said}", "--no-sync",
        ]
    )  # fmt: skip
    said.unlink()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "max_connections": "60",
        # The data lives as long as this run: no write has to survive a power cut.
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
    }
    flags = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with server(
        [programs / "postgres", "-D", folder / "data", *flags],
        log=folder / "log",
        stop=signal.SIGINT,  # "fast": closes sessions, which the default stop would wait for
    ) as process:
        login = ["-h", "127.0.0.1", "-p", str(port), "-U", DATABASE]
        probe = [str(programs / "pg_isready"), "--quiet", *login]
        wait_for(lambda: _says_yes(probe), "PostgreSQL", process, folder / "log")
        _once([programs / "createdb", *login, DATABASE], PGPASSWORD=password)
        yield f"postgres://{DATABASE}:{password}@127.0.0.1:{port}/{DATABASE}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis that keeps nothing; gives its URL."""
    program = shutil.which("redis-server")
    if program is None:
        raise ServerError(f"{missing_servers()}.")
    own_folder(folder)
    port, password = free_port(), secrets.token_hex(16)
    config = (
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\n"
        'save ""\nappendonly no\nmaxmemory-policy noeviction\n'
    )
    # The settings go in by standard input: a password on a command line is seen by everyone.
    with server([program, "-"], log=folder / "log", said=config) as process:
        wait_for(lambda: answers(port), "Redis", process, folder / "log")
        yield f"redis://:{password}@127.0.0.1:{port}/0"


@contextmanager
def server(
    command: Sequence[str | Path],
    *,
    log: Path,
    stop: signal.Signals = signal.SIGTERM,
    said: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    lowered: bool = True,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is stopped, with its children, at the end.

    It has a process group of its own, so that Ctrl-C reaches us first and the order of stopping
    is ours. `lowered`: where we are root, it runs as an ordinary user.
    """
    user = ordinary_user() if lowered else {}
    with log.open("wb") as output, ExitStack() as stack:
        if user:
            os.chown(log, user["user"], user["group"])  # nginx opens /dev/stdout by its name
        given: IO[bytes] | int = subprocess.DEVNULL
        if said is not None:
            given = stack.enter_context(tempfile.TemporaryFile())
            given.write(said.encode())
            given.seek(0)
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
            cwd=cwd or (log.parent if lowered else None),
            **user,
        )
        try:
            yield process
        finally:
            _stop(process, stop)


def stop_on_signals() -> None:
    """Turns a polite kill into an ordinary exit, so that everything we started is stopped."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


@contextmanager
def private_folder() -> Iterator[Path]:
    """A temporary folder in which each server gets one of its own."""
    folder = Path(tempfile.mkdtemp(prefix="portrait-"))
    folder.chmod(0o711)  # the servers' user must get through to its folder
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_folder(folder: Path) -> None:
    """Makes a folder that only the servers' user can read."""
    folder.mkdir(mode=0o700)
    if user := ordinary_user():
        os.chown(folder, user["user"], user["group"])


def ordinary_user() -> dict[str, Any]:
    """For Popen: the user `nobody` where we are root (PostgreSQL refuses to run as root)."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def postgres_folder() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them off the PATH, newest version last."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def answers(port: int) -> bool:
    """True where something listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(
    ready: Callable[[], bool],
    name: str,
    process: subprocess.Popen[bytes],
    log: Path,
    *,
    limit_s: float = START_S,
) -> None:
    """Waits until the server answers.

    Raises:
        ServerError: it ended, or it does not answer in time; with the end of its log.
    """
    until = time.monotonic() + limit_s
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            why = "does not answer" if process.poll() is None else f"ended ({process.returncode})"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
            raise ServerError(f"{name} {why}. The end of its log:\n{end}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes], polite: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(polite)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
    # What is left of its group; the group is ours since it was started in a session of its own.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _once(command: Sequence[str | Path], **env: str) -> None:
    run = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        env=os.environ | env,
        check=False,
        **ordinary_user(),
    )
    if run.returncode != 0:
        raise ServerError(f"{Path(command[0]).name} failed:\n{run.stderr.strip()}")


def _says_yes(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
