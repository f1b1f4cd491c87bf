"""Uploaded files go straight to disk, and stop at the site's limit."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.utils.translation import gettext as _

from portrait_viewer.common.errors import TooLarge


class DiskUploadHandler(TemporaryFileUploadHandler):
    """Writes each chunk to disk and refuses the body as soon as it is too long."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Writes one chunk.

        Raises:
            TooLarge: the file is longer than `UPLOAD_MAX_BYTES`.
        """
        if start + len(raw_data) > settings.UPLOAD_MAX_BYTES:
            self.file.close()
            raise TooLarge("file_too_large", too_large_message())
        super().receive_data_chunk(raw_data, start)


def too_large_message() -> str:
    """The sentence shown when a file passes the limit."""
    return _("This file is larger than the %(limit)d MB this site accepts.") % {
        "limit": settings.UPLOAD_MAX_BYTES // (1024 * 1024)
    }
