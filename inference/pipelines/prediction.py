"""Pictures to probability maps, in float32."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from inference.networks import SmallUNet
from inference.networks.unet import STRIDE_PX


def predict_maps(network: SmallUNet, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Foreground and distance of each pixel.

    Args:
        network: in evaluation mode.
        images: (n, h, w, 3) RGB of any size.

    Returns:
        (n, 2, h, w), 0 to 1.
    """
    height, width = images.shape[1:3]
    pad = ((0, 0), (0, -height % STRIDE_PX), (0, -width % STRIDE_PX), (0, 0))
    # Also a copy: torch does not take pixels that nobody may write.
    padded = np.pad(images, pad, mode="edge")
    device = next(network.parameters()).device
    with torch.inference_mode():
        pixels = torch.from_numpy(padded).to(device)
        x = pixels.permute(0, 3, 1, 2).float().div_(255.0)
        maps: NDArray[np.float32] = torch.sigmoid(network(x)).cpu().numpy()
    return np.ascontiguousarray(maps[:, :, :height, :width])
