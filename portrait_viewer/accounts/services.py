"""Changes to a person's own account."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import Language, User
from portrait_viewer.audit.services import audit_record
from portrait_viewer.common.errors import DomainError


@transaction.atomic
def user_set_language(*, user: User, language: str) -> None:
    """Keeps the language the person chose.

    Raises:
        DomainError: the product does not speak this language.
    """
    if language not in Language.values:
        raise DomainError("unknown_language", _("Choose French or English."))
    user.language = language
    user.save(update_fields=["language"])
    audit_record(
        verb="user.set_language",
        object_type="user",
        object_uuid=user.uuid,
        organization_uuid=None,
        actor_uuid=user.uuid,
        details={"language": language},
    )
