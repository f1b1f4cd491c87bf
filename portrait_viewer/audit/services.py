"""Writing, sealing and verifying the audit trail.

The chain: `hash = sha256(previous_hash + canonical JSON of the row)`, per organisation,
starting from 64 zeros. Changing, dropping or reordering a sealed row breaks every later hash.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from portrait_viewer.audit.models import AuditEvent

GENESIS = "0" * 64


def audit_record(
    *,
    verb: str,
    object_type: str,
    object_uuid: uuid.UUID,
    organization_uuid: uuid.UUID | None,
    actor_uuid: uuid.UUID | None,
    case_uuid: uuid.UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Adds one row; call it in the transaction of the act it describes."""
    return AuditEvent.objects.create(
        organization_uuid=organization_uuid,
        occurred_at=timezone.now(),
        actor_uuid=actor_uuid,
        verb=verb,
        object_type=object_type,
        object_uuid=object_uuid,
        case_uuid=case_uuid,
        details=dict(details or {}),
    )


@transaction.atomic
def audit_seal(*, limit: int = 5000) -> int:
    """Links rows not yet sealed into their organisation's chain; returns how many.

    Run by one process (the housekeeper) every few seconds. Rows become visible at commit, so a
    row with a lower id may be sealed after a later one: the order of the chain is `sequence`.
    """
    heads: dict[uuid.UUID | None, tuple[int, str]] = {}
    rows = list(
        AuditEvent.objects.filter(sequence__isnull=True).select_for_update().order_by("id")[:limit]
    )
    for row in rows:
        if row.organization_uuid not in heads:
            heads[row.organization_uuid] = _head(row.organization_uuid)
        sequence, previous = heads[row.organization_uuid]
        row.sequence = sequence + 1
        row.previous_hash = previous
        row.hash = _hash(previous, row)
        heads[row.organization_uuid] = (row.sequence, row.hash)
    if rows:
        # bulk_update goes through QuerySet.update, which the trail forbids: seal beside it.
        unguarded: models.QuerySet[AuditEvent] = models.QuerySet(AuditEvent)
        unguarded.bulk_update(rows, ["sequence", "previous_hash", "hash"])
    return len(rows)


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """A place where the chain of an organisation does not hold."""

    organization_uuid: uuid.UUID | None
    sequence: int
    reason: str


def audit_verify() -> Iterator[ChainBreak]:
    """Recomputes every chain and yields the first break of each organisation."""
    organizations = (
        AuditEvent.objects.filter(sequence__isnull=False)
        .order_by()
        .values_list("organization_uuid", flat=True)
        .distinct()
    )
    for organization in organizations:
        broken = _first_break(organization)
        if broken is not None:
            yield broken


def _first_break(organization: uuid.UUID | None) -> ChainBreak | None:
    expected, previous = 1, GENESIS
    rows = AuditEvent.objects.filter(organization_uuid=organization, sequence__isnull=False)
    for row in rows.order_by("sequence").iterator():
        if row.sequence != expected:
            return ChainBreak(organization, expected, "missing")
        if row.previous_hash != previous or row.hash != _hash(previous, row):
            return ChainBreak(organization, expected, "altered")
        expected, previous = expected + 1, row.hash
    return None


def _head(organization: uuid.UUID | None) -> tuple[int, str]:
    last = (
        AuditEvent.objects.filter(organization_uuid=organization, sequence__isnull=False)
        .order_by("-sequence")
        .values_list("sequence", "hash")
        .first()
    )
    return (last[0] or 0, last[1]) if last else (0, GENESIS)


def _hash(previous: str, row: AuditEvent) -> str:
    body = {
        "uuid": str(row.uuid),
        "organization": str(row.organization_uuid),
        "occurred_at": row.occurred_at.astimezone(timezone.get_fixed_timezone(0)).isoformat(),
        "actor": str(row.actor_uuid),
        "verb": row.verb,
        "object_type": row.object_type,
        "object": str(row.object_uuid),
        "case": str(row.case_uuid),
        "details": row.details,
        "sequence": row.sequence,
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((previous + text).encode()).hexdigest()
