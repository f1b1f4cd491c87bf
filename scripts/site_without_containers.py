#!/usr/bin/env python3
"""Starts the processes of deploy/compose.yaml without containers, and runs a command against them.

    python scripts/site_without_containers.py                 until Ctrl-C
    python scripts/site_without_containers.py COMMAND [ARGUMENT ...]

Commands, health checks and variables are read from compose.yaml and portrait.env.example, so that
what is tested here cannot drift from what a site runs. What differs: secrets and ports are made
for this run, container paths lie below a temporary folder, the GPU worker computes on the CPU,
limits and read-only roots are not applied, PostgreSQL and Redis are the machine's (with_servers).

The command finds the site in PORTRAIT_E2E_URL (https, certificate PORTRAIT_E2E_CERTIFICATE), and in
PORTRAIT_E2E_ENV_FILE a file of NAME=value lines: the environment in which `manage.py` works on
this site.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from with_servers import (
    NOT_INSTALLED,
    ServerError,
    both_servers,
    free_port,
    missing_servers,
    ordinary_user,
    own_folder,
    private_folder,
    server,
    stop_on_signals,
    wait_for,
)

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
# Started by with_servers; the proxy is the one that must not be root.
SERVERS = ("postgres", "redis")
PROXY = "proxy"
ONE_SHOT = "migrate"
ORDER = ("web", "worker-slides", "worker-cpu", "worker-gpu", "housekeeper", PROXY)
HEALTHY_S = 120.0
# Where the containers' files are; here the same paths lie below the run's folder.
MOUNTED = ("/data", "/deploy", "/tls", "/run/portrait")


@dataclass(frozen=True)
class Site:
    """A prepared site: everything that its processes need, none of them started."""

    folder: Path
    services: Mapping[str, Any]
    settings: Mapping[str, str]  # the completed environment file
    local: Mapping[str, str]  # what differs from the containers
    https_port: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service."""
        said = {
            key: _filled(str(value), self.settings)
            for key, value in self.services[name].get("environment", {}).items()
        }
        found = (dict(self.settings) if "env_file" in self.services[name] else {}) | said
        here = {key: self.local.get(key, self.place(value)) for key, value in found.items()}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
        return {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"} | here

    def command(self, words: list[str]) -> list[str]:
        """A command of compose.yaml as it runs here."""
        return [self.place(_filled(word, self.settings)) for word in words]

    def place(self, text: str) -> str:
        """A container's path on this machine; any other text as it is."""
        if text == "/app" or text.startswith("/app/"):
            return str(ROOT) + text.removeprefix("/app")
        mounted = any(text == place or text.startswith(f"{place}/") for place in MOUNTED)
        return f"{self.folder}{text}" if mounted else text

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def main(argv: list[str]) -> int:
    """Runs `argv` against the site; returns its exit code."""
    stop_on_signals()
    if missing := _missing():
        print(missing, file=sys.stderr)
        return NOT_INSTALLED
    with private_folder() as folder:
        try:
            with both_servers(folder) as urls:
                site = prepare(folder, urls)
                with running(site):
                    return _use(site, argv)
        except ServerError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130


def prepare(folder: Path, urls: Mapping[str, str]) -> Site:
    """Writes the environment file, certificate and folders of a new site."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    unknown = compose["services"].keys() - {*SERVERS, *ORDER, ONE_SHOT}
    if unknown:
        raise ServerError(f"compose.yaml has services that this script does not start: {unknown}")
    http, https, web = free_port(), free_port(), free_port()
    settings = _settings(urls, https)
    file = folder / "portrait.env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    _make_folders(folder)
    _make_certificate(folder / "tls")
    local = dict(urls) | {
        "PORTRAIT_DEVICE": "cpu",
        "UVICORN_HOST": "127.0.0.1",
        "UVICORN_PORT": str(web),
        "NGINX_WEB": f"127.0.0.1:{web}",
        "NGINX_ADDRESS": "127.0.0.1",
        "NGINX_HTTP": str(http),
        "NGINX_HTTPS": str(https),
    }
    return Site(folder, compose["services"], settings, local, https)


@contextmanager
def running(site: Site) -> Iterator[None]:
    """Starts all processes, waits until each is healthy, stops them in the reverse order."""
    started = time.monotonic()
    _finish(site, ONE_SHOT)
    with ExitStack() as stack:
        processes = {}
        for name in ORDER:
            processes[name] = stack.enter_context(
                server(
                    site.command(site.services[name]["command"]),
                    log=site.log(name),
                    env=site.environment(name),
                    cwd=site.folder if name == PROXY else ROOT,
                    lowered=name == PROXY,
                )
            )
        for name, process in processes.items():
            wait_for(
                lambda name=name: _healthy(site, name),  # type: ignore[misc]
                name,
                process,
                site.log(name),
                limit_s=HEALTHY_S,
            )
            print(f"{name}: healthy after {time.monotonic() - started:.0f} s", flush=True)
        yield


def _use(site: Site, argv: list[str]) -> int:
    print(f"Portrait is at {site.url}", flush=True)
    if not argv:
        print("Ctrl-C stops it.", flush=True)
        signal.pause()
    code = subprocess.run(
        argv,
        env=os.environ
        | {
            "PORTRAIT_E2E_URL": site.url,
            "PORTRAIT_E2E_ENV_FILE": str(_manage_file(site)),
            "PORTRAIT_E2E_CERTIFICATE": str(site.folder / "certificate.pem"),
        },
        check=False,
    ).returncode
    if code != 0:
        for name in (ONE_SHOT, *ORDER):
            lines = site.log(name).read_text(errors="replace").splitlines()[-40:]
            print(f"\n== end of the log of {name}", *lines, sep="\n", flush=True)
    return code


def _manage_file(site: Site) -> Path:
    """The environment in which `manage.py` works on this site, resolved, for the tests."""
    environment = site.environment(ONE_SHOT)
    del environment["PATH"], environment["HOME"]
    file = site.folder / "manage.env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    return file


def _settings(urls: Mapping[str, str], https: int) -> dict[str, str]:
    """The example's lines with every empty or foreign value of this run filled in."""
    lines = (DEPLOY / "portrait.env.example").read_text(encoding="utf-8").splitlines()
    found = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    found |= urls
    found |= {
        name: secrets.token_hex(32)
        for name in ("PORTRAIT_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
    }
    found |= {
        "PORTRAIT_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "PORTRAIT_TRUSTED_ORIGINS": f"https://127.0.0.1:{https}",
        "PORTRAIT_CPU_QUEUES": "cpu",  # a worker of its own has the other queue
        "PORTRAIT_CPU_CONCURRENCY": "1",
        "PORTRAIT_MIN_FREE_MB": "64",
    }
    return {name: _filled(value, found) for name, value in found.items()}


def _filled(text: str, settings: Mapping[str, str]) -> str:
    """`${NAME}` and `${NAME:?why}` by their values, `$$` by `$`, as compose does."""

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "$"
        if not settings.get(name) and match["needed"]:
            raise ServerError(f"{name} is empty: {match['needed']}")
        return settings[name]

    return re.sub(r"\$\$|\$\{(?P<name>\w+)(?::\?(?P<needed>[^}]*))?\}", value, text)


def _make_folders(folder: Path) -> None:
    (folder / "logs").mkdir(mode=0o700)
    for name in ("data", "data/slides", "data/results", "data/uploads", "data/static", "deploy"):
        (folder / name).mkdir()
        # The proxy, another user, walks through to what it serves and sees nothing else.
        closed = name in {"data/slides", "data/results", "data/uploads"}
        (folder / name).chmod(0o700 if closed else 0o755 if name != "data" else 0o711)
    for name in ("nginx.conf.template", "start-nginx.sh"):
        shutil.copyfile(DEPLOY / name, folder / "deploy" / name)
    (folder / "run").mkdir(mode=0o711)
    own_folder(folder / "run" / "portrait")


def _make_certificate(folder: Path) -> None:
    own_folder(folder)
    chain = folder / "fullchain.pem"
    command = [
        "openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
        "-keyout", str(folder / "privkey.pem"), "-out", str(chain),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False, **ordinary_user())
    if run.returncode != 0:
        raise ServerError(f"openssl made no certificate:\n{run.stderr}")
    shutil.copyfile(chain, folder.parent / "certificate.pem")


def _finish(site: Site, name: str) -> None:
    """Runs a one-shot service to its end."""
    with site.log(name).open("wb") as log:
        code = subprocess.run(
            site.command(site.services[name]["command"]),
            cwd=ROOT,
            env=site.environment(name),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        raise ServerError(f"{name} failed:\n{site.log(name).read_text(errors='replace')[-6000:]}")


def _healthy(site: Site, name: str) -> bool:
    kind, *words = site.services[name]["healthcheck"]["test"]
    command = site.command(words)
    if kind == "CMD-SHELL":
        command = ["sh", "-c", *command]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=site.environment(name),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return run.returncode == 0


def _missing() -> str:
    programs = {"nginx": "nginx", "envsubst": "gettext-base", "openssl": "openssl", "curl": "curl"}
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    packages = [name for tool, name in programs.items() if shutil.which(tool, path=path) is None]
    lines = [missing_servers()] if missing_servers() else []
    if packages:
        names = " ".join(packages)
        lines.append(f"not installed: {names} (on Debian: apt-get install {names})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
