"""Pictures with labelled nuclei, and what a network should say of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from inference.errors import PortraitError
from inference.text import LocalText


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture.

    Attributes:
        name: of its file.
        rgb: (h, w, 3) u8.
        labels: (h, w) int32, 0 = no nucleus.
        target: (2, h, w) float32: nucleus or not; distance to the border, largest = 1.
    """

    name: str
    rgb: NDArray[np.uint8]
    labels: NDArray[np.int32]
    target: NDArray[np.float32]


def read_samples(folder: Path) -> list[Sample]:
    """Reads ``images/*.png`` with the 16-bit ``labels/*.png`` of the same name, by name.

    Raises:
        PortraitError: ``data_missing`` where there is no such pair.
    """
    samples = []
    for path in sorted((folder / "images").glob("*.png")):
        with Image.open(path) as image, Image.open(folder / "labels" / path.name) as truth:
            rgb = np.asarray(image.convert("RGB"))
            labels = np.asarray(truth).astype(np.int32)
        samples.append(Sample(path.stem, rgb, labels, target_maps(labels)))
    if not samples:
        raise PortraitError(
            "data_missing",
            LocalText(
                fr=f"{folder.name} : ni images/*.png ni labels/*.png.",
                en=f"{folder.name}: no images/*.png with labels/*.png.",
            ),
        )
    return samples


def target_maps(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """(2, h, w) foreground and normalised distance of labelled nuclei."""
    distance = np.zeros(labels.shape, np.float32)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        inside = labels[box] == number
        # Padding: where the picture cuts a nucleus its border is the picture's.
        depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
        distance[box][inside] = (depth / depth.max())[inside]
    return np.stack([(labels > 0).astype(np.float32), distance])


def folds(count: int, parts: int, seed: int) -> list[NDArray[np.int64]]:
    """Indices of each part of a seeded split; every picture is in exactly one part."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(part) for part in np.array_split(order, parts)]
