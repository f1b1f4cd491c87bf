"""Reading whole-slide images: one door, several backends."""

from inference.wsi.model import MPP_MAX, MPP_MIN, Level, SlideProperties, SlideReader
from inference.wsi.opening import open_slide, slide_checksum

__all__ = [
    "MPP_MAX",
    "MPP_MIN",
    "Level",
    "SlideProperties",
    "SlideReader",
    "open_slide",
    "slide_checksum",
]
