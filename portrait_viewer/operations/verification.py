"""Whether what a site keeps is whole: its trail, its slide files, its results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from portrait_viewer.analysis.models import JobState, Overlay
from portrait_viewer.audit.services import audit_verify
from portrait_viewer.operations.backup import sha256_of
from portrait_viewer.slides.models import SlideFile


def site_problems(*, checksums: bool = False) -> Iterator[str]:
    """One sentence per problem; with `checksums` every slide file is read to its end."""
    for broken in audit_verify():
        yield (
            f"audit trail of organisation {broken.organization_uuid}: row {broken.sequence} is "
            f"{broken.reason}"
        )
    for file in SlideFile.objects.select_related("slide").order_by("pk").iterator():
        path = Path(settings.SLIDES_ROOT) / file.path
        if not path.is_file():
            yield f"slide {file.slide.uuid}: its file is missing"
        elif path.stat().st_size != file.size_bytes:
            yield f"slide {file.slide.uuid}: its file has another size"
        elif checksums and file.order == 0 and sha256_of(path) != file.slide.sha256:
            yield f"slide {file.slide.uuid}: its file was altered"
    done = Overlay.objects.filter(job__state=JobState.SUCCEEDED).select_related("job")
    for overlay in done.order_by("pk").iterator():
        path = Path(settings.RESULTS_ROOT) / overlay.job.result_folder / overlay.file_name
        if not path.is_file():
            yield f"analysis {overlay.job.uuid}: layer {overlay.key} is missing"
        elif sha256_of(path) != overlay.sha256:
            yield f"analysis {overlay.job.uuid}: layer {overlay.key} was altered"
