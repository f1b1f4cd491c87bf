"""The first day of a real site: its organisation, its laboratory, its administrator."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.audit.services import audit_record
from portrait_viewer.common.errors import Conflict, DomainError
from portrait_viewer.tools.services import tool_deploy, tool_versions_sync


@transaction.atomic
def site_init(
    *,
    organization: str,
    kind: str,
    site: str,
    username: str,
    password: str,
    platform_admin: bool,
    deploy_tools: bool,
) -> User:
    """Makes the first organisation, site and administrator, all or nothing; no demo data.

    Raises:
        Conflict: there is an organisation already.
        DomainError: a name is empty or the password too weak.
    """
    if Organization.objects.exists():
        raise Conflict(
            "site_in_use", _("This site has an organisation already: use the administration.")
        )
    if not all(slugify(name) for name in (organization, site)) or not username:
        raise DomainError("name_missing", _("Give the organisation, the site and the user a name."))
    user = User(username=username, is_platform_admin=platform_admin)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise DomainError("weak_password", " ".join(error.messages)) from error
    user.set_password(password)
    user.save()
    home = Organization.objects.create(
        name=organization, slug=slugify(organization)[:50], kind=kind
    )
    place = Site.objects.create(organization=home, name=site, slug=slugify(site)[:50])
    Membership.objects.create(user=user, organization=home, role=Role.ADMIN)
    for version in tool_versions_sync():
        if deploy_tools:
            tool_deploy(user=None, tool_version=version, site=place)
    audit_record(
        verb="site.init",
        object_type="organization",
        object_uuid=home.uuid,
        organization_uuid=home.uuid,
        actor_uuid=user.uuid,
    )
    return user
