"""``portrait inspect SLIDE``: what the file says of itself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from inference.cli.language import pick
from inference.text import LocalText
from inference.wsi import SlideProperties, open_slide, slide_checksum


def main(argv: list[str]) -> int:
    """Prints the properties of a slide."""
    parser = argparse.ArgumentParser(prog="portrait inspect")
    parser.add_argument("slide", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--checksum", action="store_true", help="hash the file too (sha256)")
    arguments = parser.parse_args(argv)
    with open_slide(arguments.slide) as slide:
        described = describe(slide.properties)
    if arguments.checksum:
        described["sha256"] = slide_checksum(arguments.slide)
    if arguments.json:
        print(json.dumps(described, ensure_ascii=False, indent=2, sort_keys=True))
        return 0
    for name, value in described.items():
        print(f"{name:<12} {_plain(value)}")
    if described["mpp"] is None:
        print(
            pick(
                LocalText(
                    fr="Résolution absente ou non crédible : donnez --mpp pour analyser.",
                    en="Resolution absent or not credible: give --mpp to run a tool.",
                )
            )
        )
    return 0


def describe(properties: SlideProperties) -> dict[str, Any]:
    """The properties as plain values."""
    mpp, tile = properties.mpp, properties.tile_size
    return {
        "vendor": properties.vendor,
        "scanner": properties.scanner,
        "size": [properties.size.width, properties.size.height],
        "mpp": [mpp.x, mpp.y] if mpp else None,
        "objective": properties.objective_power,
        "levels": [
            [level.size.width, level.size.height, round(level.downsample, 4)]
            for level in properties.levels
        ],
        "tile": [tile.width, tile.height] if tile else None,
        "icc_profile": properties.has_icc_profile,
        "associated": list(properties.associated),
    }


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return "  ".join(
            _plain(v) if not isinstance(v, list) else " x ".join(map(str, v)) for v in value
        )
    return str(value)
