"""The demo's mark on a home folder: what says "this may be wiped"."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

MARKER = "demo.json"
# What the demo and a site that runs it write below the home; the secret key and static files stay.
WIPED = ("slides", "results", "uploads", "broker", "demo")


class DemoRefused(Exception):
    """The demo does not belong here; the text says why and what to do."""


def check_place() -> None:
    """The demo has known passwords: only a loopback site on its own SQLite file may hold it.

    Raises:
        DemoRefused: this is not such a site.
    """
    if _vendor() != "sqlite" or not settings.REALTIME_OUTBOX:
        raise DemoRefused(
            "The demo runs on the embedded site only (SQLite, no Redis): its passwords are known "
            "to everyone. Unset DATABASE_URL and REDIS_URL, or set up a real site with "
            "`portrait init`."
        )
    strangers = [host for host in settings.ALLOWED_HOSTS if not _loopback(host)]
    if strangers or settings.SESSION_COOKIE_SECURE:
        raise DemoRefused(
            "The demo runs on a site that only this machine reaches: its passwords are known to "
            "everyone. Unset PORTRAIT_ALLOWED_HOSTS, or set up a real site with `portrait init`."
        )


def read_marker() -> dict[str, Any] | None:
    """What the demo wrote about itself; None for a home that is not the demo's."""
    path = _marker()
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("portrait") == "demo" else None


def write_marker(**facts: Any) -> None:  # noqa: ANN401
    """Says that this home is the demo's."""
    part = _marker().with_suffix(".part")
    part.write_text(json.dumps({"portrait": "demo"} | facts, indent=1), encoding="utf-8")
    part.replace(_marker())


def lock_path() -> Path:
    """Held by the one process that loads or wipes the demo."""
    return Path(settings.PORTRAIT_HOME) / "demo.lock"


def store() -> Path:
    """Where the demo keeps phantoms and downloads."""
    return Path(settings.PORTRAIT_HOME) / "demo"


def database_files() -> list[Path]:
    """The SQLite file and its companions, where they lie in the home folder.

    Raises:
        DemoRefused: the database lies elsewhere, so it is not the demo's.
    """
    path = Path(str(settings.DATABASES["default"]["NAME"])).resolve()
    if path.parent != Path(settings.PORTRAIT_HOME).resolve():
        raise DemoRefused("The database does not lie in the demo's home folder: nothing is wiped.")
    return [path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal")]


def _vendor() -> str:
    return connection.vendor


def _marker() -> Path:
    return Path(settings.PORTRAIT_HOME) / MARKER


def _loopback(host: str) -> bool:
    if host in {"localhost", ".localhost", "testserver"}:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
