"""Refuses a slide or a setting before any computing."""

from __future__ import annotations

from collections.abc import Mapping

from inference.errors import InputRefused
from inference.outputs import ParameterValue
from inference.text import LocalText
from inference.tools.manifest import ParameterSpec, ToolManifest


def check_input(manifest: ToolManifest, *, stain: str, mpp: float | None) -> None:
    """Checks the slide against the manifest.

    Args:
        manifest: of the tool.
        stain: code of the slide's stain.
        mpp: µm per level-0 pixel (mean of both axes), None where unknown.

    Raises:
        InputRefused: ``wrong_stain``, ``mpp_missing`` or ``mpp_out_of_range``.
    """
    if stain not in manifest.stains:
        known = ", ".join(manifest.stains)
        raise InputRefused(
            "wrong_stain",
            LocalText(
                fr=f"{manifest.title.fr} ne s'applique pas à la coloration {stain or '?'} "
                f"(colorations acceptées : {known}).",
                en=f"{manifest.title.en} does not apply to the stain {stain or '?'} "
                f"(stains accepted: {known}).",
            ),
        )
    if mpp is None:
        raise InputRefused(
            "mpp_missing",
            LocalText(
                fr="La résolution (µm par pixel) de la lame est inconnue : indiquez-la.",
                en="The resolution (µm per pixel) of the slide is unknown: please give it.",
            ),
        )
    low, high = manifest.mpp.min, manifest.mpp.max
    if not low <= mpp <= high:
        raise InputRefused(
            "mpp_out_of_range",
            LocalText(
                fr=f"Résolution de la lame : {mpp:.3g} µm/px ; {manifest.title.fr} demande "
                f"{low:g} à {high:g} µm/px.",
                en=f"Resolution of the slide: {mpp:.3g} µm/px; {manifest.title.en} needs "
                f"{low:g} to {high:g} µm/px.",
            ),
        )


def resolve_parameters(
    manifest: ToolManifest, given: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """All parameters of the tool: those given, checked, and the defaults of the others.

    Raises:
        InputRefused: ``parameter_unknown`` or ``parameter_invalid``.
    """
    unknown = sorted(set(given) - {p.name for p in manifest.parameters})
    if unknown:
        names = ", ".join(unknown)
        raise InputRefused(
            "parameter_unknown",
            LocalText(
                fr=f"Paramètre inconnu pour {manifest.id} : {names}.",
                en=f"Parameter unknown to {manifest.id}: {names}.",
            ),
        )
    return {spec.name: _resolve(spec, given) for spec in manifest.parameters}


def parse_parameter(spec: ParameterSpec, text: str) -> ParameterValue:
    """A parameter typed as text (command line, form).

    Raises:
        InputRefused: ``parameter_invalid``.
    """
    value: ParameterValue = text
    try:
        if spec.type == "integer":
            value = int(text)
        elif spec.type == "number":
            value = float(text.replace(",", "."))
        elif spec.type == "boolean":
            value = {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except (ValueError, KeyError):
        value = text
    return _resolve(spec, {spec.name: value})


def _resolve(spec: ParameterSpec, given: Mapping[str, ParameterValue]) -> ParameterValue:
    value = given.get(spec.name, spec.default)
    problem = spec.problem(value)
    if problem is not None:
        raise InputRefused(
            "parameter_invalid",
            LocalText(
                fr=f"« {spec.label.fr} » {problem.fr} (valeur donnée : {value}).",
                en=f'"{spec.label.en}" {problem.en} (given: {value}).',
            ),
        )
    # JSON has one number type: 1 and 1.0 must give the same result file.
    return float(value) if spec.type == "number" else value
