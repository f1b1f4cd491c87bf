"""Registering the installed tools, putting them into use and taking them out."""

from __future__ import annotations

import json

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from inference.tools import list_manifests, tool_digest, tool_folder
from portrait_viewer.accounts.models import Site, User
from portrait_viewer.audit.services import audit_record
from portrait_viewer.common.errors import Conflict, DomainError, PermissionRefused
from portrait_viewer.tools.models import Deployment, DeploymentState, ToolVersion
from portrait_viewer.tools.permissions import can_deploy
from portrait_viewer.tools.selectors import manifest_of


@transaction.atomic
def tool_versions_sync() -> list[ToolVersion]:
    """Registers the tools installed on this machine; returns their versions, by tool.

    A version is known by its digest: changed code or weights make another version, the earlier
    ones stay for the results that name them.
    """
    found = []
    for manifest in list_manifests():
        digest = tool_digest(manifest.id)
        version, created = ToolVersion.objects.get_or_create(
            digest=digest,
            defaults={
                "tool_id": manifest.id,
                "version": manifest.version,
                "family": manifest.family,
                "queue": manifest.queue,
                "manifest": json.loads((tool_folder(manifest.id) / "manifest.json").read_bytes()),
            },
        )
        if created:
            _record("tool.registered", version, None, None)
        found.append(version)
    return found


@transaction.atomic
def tool_deploy(*, user: User | None, tool_version: ToolVersion, site: Site) -> Deployment:
    """Puts a version into use at a site, in place of the one in use there.

    Args:
        user: who does it; None for a command of this machine's operator.
        tool_version: what to use from now on.
        site: where.

    Raises:
        PermissionRefused: the user administers neither the platform nor the site.
        DomainError: the tool needs trained weights and has none.
        Conflict: the version is in use there already.
    """
    check_deployable(user=user, tool_version=tool_version, site=site)
    in_use = Deployment.objects.select_for_update(of=("self",)).select_related("tool_version")
    for former in in_use.filter(
        site=site, tool_id=tool_version.tool_id, state=DeploymentState.ACTIVE
    ):
        _retire(former, user)
    deployment = Deployment.objects.create(
        site=site, tool_version=tool_version, tool_id=tool_version.tool_id, deployed_by=user
    )
    _record("tool.deployed", tool_version, user, site)
    return deployment


def check_deployable(*, user: User | None, tool_version: ToolVersion, site: Site) -> None:
    """Raises what `tool_deploy` would refuse; a form says it before anything is written."""
    if user is not None and not can_deploy(user, site):
        raise PermissionRefused(
            "deploy_refused", _("Only administrators of the site can put a tool into use.")
        )
    manifest = manifest_of(tool_version)
    if manifest.needs_weights and not manifest.has_trained_weights:
        raise DomainError(
            "tool_untrained",
            _(
                "This tool has no trained weights: it cannot be used on patients' slides. "
                "Train it first, then deploy the new version."
            ),
        )
    if Deployment.objects.filter(
        site=site, tool_version=tool_version, state=DeploymentState.ACTIVE
    ).exists():
        raise Conflict("already_deployed", _("This version is in use at the site already."))


@transaction.atomic
def deployment_retire(*, user: User, deployment: Deployment) -> Deployment:
    """Takes a version out of use: no new job starts, results stay.

    Raises:
        PermissionRefused: the user administers neither the platform nor the site.
        Conflict: it is out of use already.
    """
    if not can_deploy(user, deployment.site):
        raise PermissionRefused(
            "retire_refused", _("Only administrators of the site can take a tool out of use.")
        )
    found = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("tool_version", "site__organization")
        .get(pk=deployment.pk)
    )
    if found.state != DeploymentState.ACTIVE:
        raise Conflict("already_retired", _("This version is out of use already."))
    _retire(found, user)
    return found


def _retire(deployment: Deployment, user: User | None) -> None:
    deployment.state = DeploymentState.RETIRED
    deployment.save(update_fields=["state", "updated_at"])
    _record("tool.retired", deployment.tool_version, user, deployment.site)


def _record(verb: str, version: ToolVersion, user: User | None, site: Site | None) -> None:
    audit_record(
        verb=verb,
        object_type="tool_version",
        object_uuid=version.uuid,
        organization_uuid=site.organization.uuid if site else None,
        actor_uuid=user.uuid if user else None,
        details={
            "tool": version.tool_id,
            "version": version.version,
            "digest": version.digest,
            **({"site": str(site.uuid)} if site else {}),
        },
    )
