"""The files of a real site agree with the code and with each other."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from portrait_viewer.config.env import DEPLOYMENT_VARIABLES, VARIABLES, read_env

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = sorted(name for name, service in SERVICES.items() if service["restart"] != "no")
# Variables that a service's own command reads inside its container.
OWN = {
    name: set(service["environment"])
    for name, service in SERVICES.items()
    if "environment" in service
}


def example() -> dict[str, str]:
    lines = (DEPLOY / "portrait.env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs), "a variable stands there twice"
    return dict(pairs)  # type: ignore[arg-type]


def filled_in() -> dict[str, str]:
    """The example as an administrator completes it."""
    values = example()
    for name in ("PORTRAIT_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        values[name] = secrets.token_hex(32)
    return {
        name: re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], value)
        for name, value in values.items()
    }


def test_the_example_names_every_variable_and_no_other() -> None:
    assert set(example()) == VARIABLES.keys() | DEPLOYMENT_VARIABLES.keys()


def test_there_is_no_default_password() -> None:
    values = example()
    assert [values[name] for name in values if re.search("PASSWORD|SECRET", name)] == ["", "", ""]


def test_the_site_reads_the_completed_example() -> None:
    env = read_env(filled_in())
    assert not env.embedded
    assert env.database_url.startswith("postgres://portrait:")
    assert "$" not in env.database_url + str(env.redis_url)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_variables_of_a_service_exist(name: str) -> None:
    text = yaml.safe_dump(SERVICES[name], width=10_000)
    # `$$NAME` is for the shell inside, `${NAME}` is filled in by compose.
    inside = set(re.findall(r"\$\$\{?(\w+)", text))
    outside = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert outside <= set(example())
    assert inside <= OWN.get(name, set())


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    uid, gid = (int(part) for part in str(service["user"]).split(":"))
    assert uid > 0
    assert gid > 0
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    assert service["mem_limit"]
    assert service["pids_limit"]


@pytest.mark.parametrize("name", LASTING)
def test_a_service_is_watched_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_management_commands_of_compose_exist() -> None:
    named = set(re.findall(r"manage\.py\W+(\w+)", yaml.safe_dump(SERVICES, width=10_000)))
    assert named == {"health", "housekeeper", "serve"}
    assert named <= get_commands().keys()


def test_every_queue_has_a_worker() -> None:
    def queues(name: str, cpu: str) -> set[str]:
        command: list[str] = SERVICES[name]["command"]
        return set(
            command[command.index("--queues") + 1].replace("${PORTRAIT_CPU_QUEUES}", cpu).split(",")
        )

    without_gpu = queues("worker-slides", "") | queues(
        "worker-cpu", example()["PORTRAIT_CPU_QUEUES"]
    )
    with_gpu = queues("worker-slides", "") | queues("worker-cpu", "cpu") | queues("worker-gpu", "")
    assert without_gpu == with_gpu == set(settings.CELERY_TASK_QUEUES_NAMES)


def test_only_the_proxy_can_be_reached() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name, service in SERVICES.items():
        assert ("outside" in service["networks"]) == (name == "proxy"), name


def test_images_and_packages_are_pinned() -> None:
    for name, service in SERVICES.items():
        tag = str(service["image"]).partition(":")[2]
        assert tag == "${PORTRAIT_IMAGE_TAG}" or re.fullmatch(r"\d+\.\d+(\.\d+)?", tag), name
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"pip install(?:.*\\\n)*.*", dockerfile):
        assert "--constraint constraints.txt" in line


def test_only_workers_have_torch() -> None:
    targets = {
        name: service["build"]["target"] for name, service in SERVICES.items() if "build" in service
    }
    assert targets == {
        "web": "web",
        "housekeeper": "web",
        "migrate": "web",
        "worker-slides": "web",
        "worker-cpu": "worker",
        "worker-gpu": "worker",
    }


def test_the_proxy_takes_what_the_site_takes() -> None:
    """nginx must not cut an upload that the site accepts, nor keep it on its own disk first."""
    template = (DEPLOY / "nginx.conf.template").read_text(encoding="utf-8")
    upload = re.search(r"location ~ \^/api/v1/cases/.*?\n        }", template, re.DOTALL)
    assert upload is not None
    assert "client_max_body_size ${NGINX_UPLOAD_MAX_MB}m;" in upload[0]
    assert "proxy_request_buffering off;" in upload[0]
    roots = re.findall(r"(?:root|alias) (\S+);", template)
    assert roots == ["$NGINX_STATIC/"]  # slides and results are never served by nginx


def test_check_deploy_is_clean(tmp_path: Path) -> None:
    environment = filled_in() | {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.production",
        # A container's paths, which are not on this machine.
        "PORTRAIT_HOME": str(tmp_path / "home"),
        "PORTRAIT_NODE_MODULES": str(ROOT / "node_modules"),
    }
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    run = subprocess.run(
        check, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
