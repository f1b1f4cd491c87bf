"""A small U-Net (Ronneberger, MICCAI 2015) that gives foreground and distance maps."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64, 96)
# Reach of one output pixel into the input, with the grid of the coarsest level.
RECEPTIVE_RADIUS_PX = 52
STRIDE_PX = 8


class SmallUNet(nn.Module):
    """Four resolutions, two 3 x 3 convolutions each, batch normalisation.

    Input (n, 3, h, w) RGB 0 to 1, h and w multiples of 8. Output (n, 2, h, w) logits:
    channel 0 whether a pixel is nucleus, channel 1 the distance to the nucleus' border as
    a share of the largest one in that nucleus.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _double(a, b) for a, b in zip((3, *widths[:-1]), widths, strict=True)
        )
        fine = widths[::-1]
        self.up = nn.ModuleList(_double(a + b, b) for a, b in itertools.pairwise(fine))
        self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = images * 4 - 3
        kept: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else functional.max_pool2d(x, 2))
            kept.append(x)
        kept.pop()
        for block in self.up:
            wide = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([wide, kept.pop()], dim=1))
        result: Tensor = self.head(x)
        return result


def _double(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for source in (channels_in, channels_out):
        layers += [
            nn.Conv2d(source, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
