"""Why a slide cannot be read, in plain words."""

from __future__ import annotations

import re

from inference.errors import SlideError
from inference.text import LocalText

_READ_FR = (
    "Formats lus : SVS, NDPI, MRXS, SCN, BIF, VMS, DICOM, TIFF et OME-TIFF en couleurs 8 bits."
)
_READ_EN = "Formats read: SVS, NDPI, MRXS, SCN, BIF, VMS, DICOM, 8-bit colour TIFF and OME-TIFF."


def missing() -> SlideError:
    return SlideError(
        "slide_missing",
        LocalText(
            fr="Le fichier de la lame est introuvable ou ne peut pas être ouvert.",
            en="The slide file is not there or cannot be opened.",
        ),
    )


def unsupported(detail: str = "") -> SlideError:
    """Not a format that is read; ``detail`` comes from the library that refused it."""
    more = f" ({detail})" if detail else ""
    return SlideError(
        "slide_unsupported",
        LocalText(
            fr=f"Ce fichier n'est pas une lame dans un format lu, ou il est endommagé{more}. "
            f"{_READ_FR}",
            en=f"This file is not a slide in a format that is read, or it is damaged{more}. "
            f"{_READ_EN}",
        ),
    )


def czi() -> SlideError:
    return SlideError(
        "slide_unsupported",
        LocalText(
            fr="Cette variante du format Zeiss CZI n'est pas lue (seules les lames CZI en "
            "couleurs, sans série temporelle ni pile focale, le sont). Exportez-la en OME-TIFF. "
            f"{_READ_FR}",
            en="This kind of Zeiss CZI is not read (only colour CZI slides without time series "
            f"or focus stack are). Export it to OME-TIFF. {_READ_EN}",
        ),
    )


def multichannel(channels: int) -> SlideError:
    return SlideError(
        "slide_multichannel",
        LocalText(
            fr=f"Image à {channels} canaux séparés (multiplex, QPTIFF ou pile) : seules les images "
            f"en couleurs sont lues. {_READ_FR}",
            en=f"Image of {channels} separate channels (multiplex, QPTIFF or stack): only colour "
            f"images are read. {_READ_EN}",
        ),
    )


def bit_depth(dtype: str) -> SlideError:
    return SlideError(
        "slide_bit_depth",
        LocalText(
            fr=f"Pixels de type {dtype} : seules les images à 8 bits par couleur sont lues. "
            f"{_READ_FR}",
            en=f"Pixels of type {dtype}: only images of 8 bits per colour are read. {_READ_EN}",
        ),
    )


# Libraries name the file with its folder: a place on the server, and perhaps a patient's name.
_PATH = re.compile(r"\S*[/\\]\S*?(?=[:,;]?(?:\s|$))")


def damaged(detail: str) -> SlideError:
    """Of a library's own words, without the path of the file."""
    detail = _PATH.sub("…", detail)
    return SlideError(
        "slide_damaged",
        LocalText(
            fr=f"Le fichier de la lame est endommagé ou incomplet ({detail}).",
            en=f"The slide file is damaged or incomplete ({detail}).",
        ),
    )


def no_associated(name: str) -> SlideError:
    return SlideError(
        "associated_missing",
        LocalText(
            fr=f"La lame ne contient pas d'image « {name} ».",
            en=f'The slide holds no "{name}" image.',
        ),
    )
