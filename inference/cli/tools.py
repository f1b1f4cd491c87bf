"""``portrait tools``: what is installed, and what is broken."""

from __future__ import annotations

import argparse
import json

from inference.cli.language import pick
from inference.tools import list_broken, list_manifests, tool_digest


def main(argv: list[str]) -> int:
    """Lists the tools; returns 1 where one cannot be used."""
    parser = argparse.ArgumentParser(prog="portrait tools")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    manifests, broken = list_manifests(), list_broken()
    if arguments.json:
        print(
            json.dumps(
                [
                    {
                        "id": m.id,
                        "version": m.version,
                        "digest": tool_digest(m.id),
                        "queue": m.queue,
                    }
                    for m in manifests
                ]
                + [{"id": b.id, "error": b.error.code} for b in broken],
                indent=2,
            )
        )
        return 1 if broken else 0
    for manifest in manifests:
        print(f"{manifest.id} {manifest.version}  {pick(manifest.title)}")
        print(f"    {pick(manifest.summary)}")
        print(
            f"    {', '.join(manifest.stains)}; {manifest.mpp.min:g}-{manifest.mpp.max:g} µm/px; "
            f"{manifest.queue}"
        )
    for tool in broken:
        print(f"! {pick(tool.error.message)}")
    return 1 if broken else 0
