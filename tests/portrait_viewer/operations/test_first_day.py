"""The first organisation, site and administrator."""

from __future__ import annotations

from typing import Any

import pytest

from portrait_viewer.accounts.models import Membership, Organization, User
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.common.errors import Conflict, DomainError
from portrait_viewer.operations.first_day import site_init
from portrait_viewer.tools.models import Deployment

pytestmark = pytest.mark.django_db
GIVEN: dict[str, Any] = {
    "organization": "Centre Éluard",
    "kind": "centre",
    "site": "Site nord",
    "username": "admin",
    "password": "a-long-and-odd-pass-31",
    "platform_admin": False,
    "deploy_tools": True,
}


def test_a_new_site_has_an_admin_and_its_tools_and_no_demo() -> None:
    user = site_init(**GIVEN)
    assert user.check_password(GIVEN["password"])
    assert not user.is_platform_admin
    membership = Membership.objects.get(user=user)
    assert (membership.role, membership.organization.slug) == ("admin", "centre-eluard")
    assert Deployment.objects.count() >= 3
    assert User.objects.count() == 1
    assert AuditEvent.objects.filter(verb="site.init").count() == 1
    with pytest.raises(Conflict):
        site_init(**GIVEN)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"password": "portrait"}, "weak_password"), ({"organization": "  "}, "name_missing")],
)
def test_what_cannot_be_used_leaves_nothing(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        site_init(**(GIVEN | changes))
    assert refused.value.code == code
    assert not Organization.objects.exists()
    assert not User.objects.exists()
