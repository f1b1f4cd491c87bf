"""The rows that the browser tests start from: run on the site itself by `manage.py shell`."""

from __future__ import annotations

import json
import sys
from typing import Any

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.cases.models import Block, Case, Patient, Specimen
from portrait_viewer.tools.services import tool_deploy, tool_versions_sync


def main() -> None:
    """Reads {"password", "word"} from standard input; prints what the tests need to know."""
    given = json.load(sys.stdin)
    sys.stdout.write(f"SEED {json.dumps(seed(given['word'], given['password']))}\n")


def seed(word: str, password: str) -> dict[str, Any]:
    """A laboratory with two readers and one case, and a stranger. `word` keeps runs apart."""
    home = Organization.objects.create(
        name=f"Laboratoire {word}", slug=f"lab-{word}", kind="laboratory"
    )
    site = Site.objects.create(organization=home, name="Site A", slug="a")
    away = Organization.objects.create(name=f"Centre {word}", slug=f"centre-{word}", kind="centre")
    users = {
        "reader": _user(f"reader-{word}", password, home, Role.PATHOLOGIST),
        "manager": _user(f"manager-{word}", password, home, Role.LAB_MANAGER),
        "stranger": _user(f"stranger-{word}", password, away, Role.PATHOLOGIST),
    }
    patient = Patient.objects.create(organization=home, pseudonym=f"P-{word}")
    case = Case.objects.create(
        organization=home, site=site, patient=patient, accession=f"E2E-{word}", organ="breast"
    )
    specimen = Specimen.objects.create(case=case, label="A")
    Block.objects.create(specimen=specimen, label="1")
    for version in tool_versions_sync():
        tool_deploy(user=None, tool_version=version, site=site)
    return {
        "users": users,
        "case": str(case.uuid),
        "accession": case.accession,
        "pseudonym": patient.pseudonym,
    }


def _user(username: str, password: str, organization: Organization, role: Role) -> str:
    user = User(username=username, first_name="Test", last_name=username, language="fr")
    user.set_password(password)
    user.save()
    Membership.objects.create(user=user, organization=organization, role=role)
    return username
