"""Who belongs where. Apps above build their `visible_to(user)` on these."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User


def memberships_of(user: User, roles: Iterable[Role] = tuple(Role)) -> QuerySet[Membership]:
    """The user's memberships in these roles; none for an inactive user."""
    if not user.is_active:
        return Membership.objects.none()
    return Membership.objects.filter(user=user, role__in=[str(role) for role in roles])


def organizations_of(user: User, roles: Iterable[Role] = tuple(Role)) -> QuerySet[Organization]:
    """Organisations where the user has one of these roles."""
    return Organization.objects.filter(pk__in=memberships_of(user, roles).values("organization"))


def sites_of(user: User, roles: Iterable[Role] = tuple(Role)) -> QuerySet[Site]:
    """Sites where the user has one of these roles, directly or through the whole organisation."""
    memberships = memberships_of(user, roles)
    return Site.objects.filter(
        Q(pk__in=memberships.filter(site__isnull=False).values("site"))
        | Q(organization__in=memberships.filter(site__isnull=True).values("organization"))
    )


def has_role_at(user: User, site: Site, roles: Iterable[Role]) -> bool:
    """True where the user has one of these roles at this site."""
    return sites_of(user, roles).filter(pk=site.pk).exists()


def members_with_role(site: Site, role: Role) -> QuerySet[User]:
    """Active users with this role at this site, by name."""
    return (
        User.objects.filter(is_active=True, memberships__role=role)
        .filter(
            Q(memberships__site=site)
            | Q(memberships__site__isnull=True, memberships__organization=site.organization_id)
        )
        .distinct()
        .order_by("last_name", "first_name", "username")
    )
