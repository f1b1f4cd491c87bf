"""How much disk is left, and the refusal while there is still enough for everything else."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portrait_viewer.common.errors import Unavailable


def free_bytes() -> int:
    """Free bytes of the disk that holds the slides."""
    return shutil.disk_usage(settings.UPLOADS_ROOT).free


def is_low() -> bool:
    """Whether uploads will be refused soon: twice the reserve is what a warning leaves."""
    return free_bytes() < 2 * int(settings.MIN_FREE_BYTES)


def ensure_room(size_bytes: int) -> None:
    """Says no before the disk is full: database and results need it too.

    Raises:
        Unavailable: writing this many bytes would leave less than `MIN_FREE_BYTES`.
    """
    if free_bytes() - size_bytes < settings.MIN_FREE_BYTES:
        raise Unavailable(
            "disk_full",
            _(
                "The site's disk is nearly full: no slide can be added now. "
                "Tell the site's administrator; what is stored is safe."
            ),
        )
