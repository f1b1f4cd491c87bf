"""Weights travel as safetensors: numbers only, nothing that could run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load, save

from inference.errors import ToolError
from inference.networks.unet import SmallUNet
from inference.text import LocalText


def save_network(network: SmallUNet, path: Path, metadata: dict[str, str]) -> None:
    """Writes the weights, float32, with what is worth knowing about them."""
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    path.write_bytes(save(tensors, metadata))


def load_network(path: Path, *, sha256: str | None = None, device: str = "cpu") -> SmallUNet:
    """The network ready to predict.

    Args:
        path: a safetensors file.
        sha256: what the file must hash to; None accepts any.
        device: "cpu", "cuda" or "cuda:0".

    Raises:
        ToolError: ``tool_altered`` where the file is another one, ``tool_invalid`` where
            it does not fit the network.
    """
    data = path.read_bytes()
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise _error("tool_altered", path, "poids modifiés", "altered weights")
    network = SmallUNet()
    try:
        network.load_state_dict(load(data))
    except Exception as error:
        # safetensors and torch raise several unrelated types for a wrong file.
        raise _error("tool_invalid", path, "poids illisibles", "unreadable weights") from error
    return network.eval().to(torch.device(device))


def _error(code: str, path: Path, fr: str, en: str) -> ToolError:
    return ToolError(code, LocalText(fr=f"{path.name} : {fr}.", en=f"{path.name}: {en}."))
