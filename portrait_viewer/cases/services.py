"""What is done to cases."""

from __future__ import annotations

from django.db import transaction

from portrait_viewer.accounts.models import User
from portrait_viewer.audit.services import audit_record
from portrait_viewer.cases.models import Case


@transaction.atomic
def case_read_record(*, user: User, case: Case) -> None:
    """Leaves a trace that this person opened this case (they see it already)."""
    audit_record(
        verb="case.read",
        object_type="case",
        object_uuid=case.uuid,
        organization_uuid=case.organization.uuid,
        actor_uuid=user.uuid,
        case_uuid=case.uuid,
    )
