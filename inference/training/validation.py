"""Cross-validation by picture: each one is judged by a network that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.pipelines.instances import InstanceParameters
from inference.training.dataset import Sample, folds
from inference.training.evaluation import Quality, choose_parameters, evaluate
from inference.training.loop import Recipe, train


@dataclass(frozen=True, slots=True)
class Fold:
    """Pictures held out, and how what was learnt from the others did on them."""

    number: int
    pictures: int
    quality: Quality
    parameters: InstanceParameters


def cross_validate(
    samples: Sequence[Sample],
    recipe: Recipe,
    *,
    parts: int = 3,
    on_step: Callable[[int, int, float], None] | None = None,
) -> list[Fold]:
    """Trains and judges one network per part.

    Args:
        samples: all pictures.
        recipe: of each training; its seed also makes the split.
        parts: number of folds.
        on_step: called with fold, step and loss.
    """
    results = []
    for number, held in enumerate(folds(len(samples), parts, recipe.seed)):
        outside = set(held.tolist())
        learning = [s for i, s in enumerate(samples) if i not in outside]

        def step(done: int, loss: float, number: int = number) -> None:
            if on_step is not None:
                on_step(number, done, loss)

        network = train(learning, recipe, step)
        parameters = choose_parameters(network, learning)
        quality = evaluate(network, [samples[int(i)] for i in held], parameters)
        results.append(Fold(number, len(held), quality, parameters))
    return results
