"""What the slide page shows, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.errors import SlideError
from portrait_viewer.accounts.models import User
from portrait_viewer.analysis.models import Job
from portrait_viewer.common.errors import NotFound
from portrait_viewer.common.text import local
from portrait_viewer.imaging.grid import TileGrid
from portrait_viewer.imaging.tiles import tile_grid
from portrait_viewer.slides.models import Slide
from portrait_viewer.slides.selectors import VIEWABLE, slide_list, slide_path


@dataclass(frozen=True, slots=True)
class Picture:
    """The tiles of a slide, or the sentence that says why there are none."""

    grid: TileGrid | None
    problem: str = ""


def slide_picture(slide: Slide) -> Picture:
    """The tile grid of a slide that was found readable."""
    if slide.state not in VIEWABLE or not slide.sha256:
        return Picture(None, local(slide.reject_reason))
    try:
        return Picture(tile_grid(slide_path(slide)))
    except SlideError as error:
        return Picture(None, local({"fr": error.message.fr, "en": error.message.en}))
    except NotFound as error:
        return Picture(None, str(error.message))


def tray(user: User, slide: Slide) -> list[Slide]:
    """The slides of the same case, this one always among them."""
    slides = slide_list(user, slide.case)
    return slides if any(other.pk == slide.pk for other in slides) else [slide, *slides]


def jobs_summaries(slides: Sequence[Slide]) -> dict[int, list[dict[str, str]]]:
    """The state of each tool's newest job, by slide."""
    newest: dict[tuple[int, str], str] = {}
    jobs = Job.objects.filter(slide__in=slides).order_by("id")
    for slide_id, tool, state in jobs.values_list("slide_id", "tool_version__tool_id", "state"):
        newest[slide_id, tool] = state
    found: dict[int, list[dict[str, str]]] = {slide.pk: [] for slide in slides}
    for (slide_id, tool), state in sorted(newest.items()):
        found[slide_id].append({"tool": tool, "state": state})
    return found
