"""``portrait train nuclei`` and ``portrait evaluate nuclei``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from inference.networks import load_network, save_network
from inference.training.dataset import read_samples
from inference.training.evaluation import MATCH_RADIUS_PX, Quality, choose_parameters, evaluate
from inference.training.loop import Recipe, train
from inference.training.validation import cross_validate

_LICENCE = "CC0-1.0 data; weights under the licence of Portrait"


def main(argv: list[str]) -> int:
    """Trains on all pictures, or judges weights or (``--folds``) the recipe."""
    name, rest = argv[0], argv[1:]
    arguments = _parser(name).parse_args(rest)
    # One thread: sums are then always made in the same order.
    torch.set_num_threads(arguments.threads)
    return _train(arguments) if name == "train" else _evaluate(arguments)


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"portrait {name}")
    parser.add_argument("network", choices=("nuclei",))
    parser.add_argument("--data", type=Path, required=True, help="folder with images/ and labels/")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--threads", type=int, default=1)
    if name == "train":
        parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    else:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--weights", type=Path, help="safetensors file to judge")
        what.add_argument("--folds", type=int, help="cross-validate the recipe by picture")
    return parser


def _recipe(arguments: argparse.Namespace) -> Recipe:
    return Recipe(steps=arguments.steps, seed=arguments.seed)


def _train(arguments: argparse.Namespace) -> int:
    recipe = _recipe(arguments)
    network = train(
        read_samples(arguments.data), recipe, lambda done, loss: _progress("train", done, loss)
    )
    metadata = {"recipe": json.dumps(asdict(recipe), sort_keys=True), "licence": _LICENCE}
    save_network(network, arguments.out, metadata)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    samples = read_samples(arguments.data)
    if arguments.weights is not None:
        network = load_network(arguments.weights)
        chosen = choose_parameters(network, samples)
        _print(f"all, {chosen}", len(samples), evaluate(network, samples, chosen))
        return 0
    found = cross_validate(
        samples,
        _recipe(arguments),
        parts=arguments.folds,
        on_step=lambda fold, done, loss: _progress(f"fold {fold}", done, loss),
    )
    total = Quality.none()
    for fold in found:
        _print(f"fold {fold.number}, {fold.parameters}", fold.pictures, fold.quality)
        total += fold.quality
    _print("all folds", len(samples), total)
    return 0


def _progress(what: str, done: int, loss: float) -> None:
    if done % 50 == 0:
        sys.stderr.write(f"{what}: step {done}, loss {loss:.3f}\n")


def _print(what: str, pictures: int, quality: Quality) -> None:
    centres, shapes = quality.centres, quality.shapes
    sys.stdout.write(
        f"{what}: {pictures} pictures, {centres.true} nuclei, {centres.detected} found; "
        f"F1 at {MATCH_RADIUS_PX:g} px {centres.f1:.4f} (precision {centres.precision:.4f}, "
        f"recall {centres.recall:.4f}); F1 at IoU > 0.5 {shapes.f1:.4f}\n"
    )
