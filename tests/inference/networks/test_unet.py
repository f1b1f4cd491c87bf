"""The network's shapes, its reach, and its weights on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from inference.errors import ToolError
from inference.networks import SmallUNet, load_network, save_network
from inference.networks.unet import RECEPTIVE_RADIUS_PX


def seeded() -> SmallUNet:
    torch.manual_seed(1)
    network = SmallUNet()
    network.eval()
    return network


@pytest.mark.parametrize(("height", "width"), [(8, 8), (64, 40), (256, 320)])
def test_two_maps_of_the_size_of_the_picture(height: int, width: int) -> None:
    with torch.inference_mode():
        assert seeded()(torch.zeros(2, 3, height, width)).shape == (2, 2, height, width)


def test_a_pixel_is_not_seen_beyond_the_receptive_radius() -> None:
    images = torch.zeros(1, 3, 256, 256)
    changed = images.clone()
    changed[:, :, 128, 128] = 1.0
    with torch.inference_mode():
        moved = (seeded()(images) != seeded()(changed)).any(dim=1)[0].nonzero()
    reach = int((moved - 128).abs().max())
    assert 0 < reach <= RECEPTIVE_RADIUS_PX


def test_weights_come_back_the_same(tmp_path: Path) -> None:
    network, path = seeded(), tmp_path / "weights.safetensors"
    save_network(network, path, {"made": "here"})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = load_network(path, sha256=digest)
    assert not loaded.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_other_weights_than_the_manifest_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(seeded(), path, {})
    with pytest.raises(ToolError) as refused:
        load_network(path, sha256="0" * 64)
    assert refused.value.code == "tool_altered"


@pytest.mark.parametrize("content", [b"", b"not numbers at all", b"\x80\x04]."])
def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(ToolError) as refused:
        load_network(path)
    assert refused.value.code == "tool_invalid"
