"""Every environment variable of the site, read once and typed.

A test compares these tables with ``deploy/portrait.env.example``: a variable that is not
here does not exist.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class EnvError(RuntimeError):
    """A variable holds a value that cannot be used; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Env:
    """The site's settings as given by the process environment."""

    home: Path
    secret_key: str
    database_url: str
    redis_url: str | None
    allowed_hosts: tuple[str, ...]
    trusted_origins: tuple[str, ...]
    upload_max_mb: int
    min_free_mb: int
    job_time_limit_s: int
    device: str
    demo_data: Path
    node_modules: Path
    log_level: str

    @property
    def embedded(self) -> bool:
        """True where no Redis is configured: file broker and outbox push."""
        return self.redis_url is None


VARIABLES: dict[str, str] = {
    "PORTRAIT_HOME": "folder of everything the site writes (default: var)",
    "PORTRAIT_SECRET_KEY": "at least 50 random characters (default: made once in PORTRAIT_HOME)",
    "DATABASE_URL": "postgres://user:password@host:5432/name (default: SQLite in PORTRAIT_HOME)",
    "REDIS_URL": "redis://host:6379/0 (default: none, embedded mode)",
    "PORTRAIT_ALLOWED_HOSTS": "comma-separated host names (default: 127.0.0.1,localhost)",
    "PORTRAIT_TRUSTED_ORIGINS": "comma-separated https:// origins allowed to post forms",
    "PORTRAIT_UPLOAD_MAX_MB": "largest slide file accepted, in MB (default: 8192)",
    "PORTRAIT_MIN_FREE_MB": "uploads are refused below this much free disk, in MB (default: 1024)",
    "PORTRAIT_JOB_TIME_LIMIT_S": "an analysis is stopped after this many seconds (default: 3600)",
    "PORTRAIT_DEVICE": "device of the worker's networks: cpu or cuda (default: cpu)",
    "PORTRAIT_DATA": "folder of real slides for the demo and the tests (default: ../shared/data)",
    "PORTRAIT_NODE_MODULES": "folder of the browser libraries (default: node_modules)",
    "PORTRAIT_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR (default: INFO)",
}

# Of the containers around the site: read by deploy/compose.yaml, never by the site itself.
DEPLOYMENT_VARIABLES: dict[str, str] = {
    "POSTGRES_PASSWORD": "password of the database; DATABASE_URL repeats it",
    "REDIS_PASSWORD": "password of the broker; REDIS_URL repeats it",
    "PORTRAIT_IMAGE_TAG": "version of the images: what an upgrade or a rollback changes",
    "PORTRAIT_TORCH_INDEX_URL": "index of CPU builds of torch, for smaller worker images",
    "PORTRAIT_TLS_FOLDER": "folder with fullchain.pem and privkey.pem",
    "PORTRAIT_HTTP_PORT": "port that sends browsers to HTTPS",
    "PORTRAIT_HTTPS_PORT": "port of the site",
    "PORTRAIT_CPU_QUEUES": "cpu,gpu without a GPU worker, cpu beside one",
    "PORTRAIT_CPU_CONCURRENCY": "analyses at once on the CPU worker",
    "PORTRAIT_WEB_MEMORY": "memory limit of the web process",
    "PORTRAIT_WEB_CPUS": "cores of the web process",
    "PORTRAIT_SLIDES_MEMORY": "memory limit of the worker that registers uploads",
    "PORTRAIT_CPU_MEMORY": "memory limit of the CPU worker",
    "PORTRAIT_CPU_CPUS": "cores of the CPU worker",
    "PORTRAIT_GPU_MEMORY": "memory limit of the GPU worker",
    "PORTRAIT_DATABASE_MEMORY": "memory limit of PostgreSQL",
}


def read_env(environ: Mapping[str, str] = os.environ) -> Env:
    """Reads and checks all variables.

    Raises:
        EnvError: a value cannot be used; the message names the variable and says what to write.
    """
    home = Path(environ.get("PORTRAIT_HOME") or ROOT / "var").resolve()
    return Env(
        home=home,
        secret_key=_secret_key(environ.get("PORTRAIT_SECRET_KEY", ""), home),
        database_url=environ.get("DATABASE_URL") or f"sqlite:///{home / 'portrait.sqlite3'}",
        redis_url=environ.get("REDIS_URL") or None,
        allowed_hosts=_words(environ.get("PORTRAIT_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")),
        trusted_origins=_words(environ.get("PORTRAIT_TRUSTED_ORIGINS", "")),
        upload_max_mb=_positive(environ, "PORTRAIT_UPLOAD_MAX_MB", 8192),
        min_free_mb=_positive(environ, "PORTRAIT_MIN_FREE_MB", 1024),
        job_time_limit_s=_positive(environ, "PORTRAIT_JOB_TIME_LIMIT_S", 3600),
        device=_one_of(environ, "PORTRAIT_DEVICE", "cpu", ("cpu", "cuda")),
        demo_data=Path(environ.get("PORTRAIT_DATA") or ROOT.parent / "shared" / "data"),
        node_modules=Path(environ.get("PORTRAIT_NODE_MODULES") or ROOT / "node_modules"),
        log_level=_one_of(
            environ, "PORTRAIT_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")
        ),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or int(text) == 0:
        raise EnvError(f"{name} must be a whole number above 0, not {text!r}.")
    return int(text)


def _one_of(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    text = environ.get(name) or default
    if text not in allowed:
        raise EnvError(f"{name} must be one of {', '.join(allowed)}, not {text!r}.")
    return text


def _secret_key(given: str, home: Path) -> str:
    """The given key, or one made once and kept in the home folder (readable by its owner only)."""
    if given:
        if len(given) < 50:
            raise EnvError("PORTRAIT_SECRET_KEY must have at least 50 characters.")
        return given
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # Exclusive creation: of two processes that start together, one makes the key.
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(64))
    return path.read_text()
