"""Giving a case to a reader."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import User
from portrait_viewer.audit.services import audit_record
from portrait_viewer.cases.models import Case, CaseStatus
from portrait_viewer.common.errors import Conflict, DomainError, PermissionRefused
from portrait_viewer.worklists.models import Assignment
from portrait_viewer.worklists.permissions import can_assign, can_read_cases_at


@transaction.atomic
def assignment_set(*, user: User, case: Case, reader: User) -> Assignment:
    """Gives the case to a pathologist of its site; ends the assignment it had.

    A pathologist may take a case that nobody has; lab managers and admins give any case to anyone
    who reads at the site.

    Raises:
        PermissionRefused: the user may not give this case to this reader.
        DomainError: the reader does not read cases at this site.
        Conflict: the case is signed, or a colleague has taken it.
    """
    case = Case.objects.select_for_update().select_related("site", "organization").get(pk=case.pk)
    current = Assignment.objects.filter(case=case, ended_at__isnull=True).first()
    manages = can_assign(user, case)
    if not manages and (reader != user or not can_read_cases_at(user, case)):
        raise PermissionRefused(
            "assignment_refused", _("Only a lab manager can give this case to someone.")
        )
    if not can_read_cases_at(reader, case):
        raise DomainError("not_a_reader", _("This person does not read cases at this site."))
    if case.status == CaseStatus.SIGNED:
        raise Conflict("case_signed", _("This case is signed: it needs no reader any more."))
    if current is not None and current.user == reader:
        return current
    if current is not None and not manages:
        raise Conflict(
            "case_taken", _("A colleague has this case. Ask a lab manager to hand it over.")
        )
    if current is not None:
        current.ended_at = timezone.now()
        current.save(update_fields=["ended_at", "updated_at"])
    assignment = Assignment.objects.create(case=case, user=reader, assigned_by=user)
    audit_record(
        verb="case.assign",
        object_type="case",
        object_uuid=case.uuid,
        organization_uuid=case.organization.uuid,
        actor_uuid=user.uuid,
        case_uuid=case.uuid,
        details={"reader": str(reader.uuid)},
    )
    return assignment
