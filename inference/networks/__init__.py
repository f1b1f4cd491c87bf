"""Networks and their weights. Imports torch: only ``pipelines`` and ``training`` come here."""

from inference.networks.unet import SmallUNet
from inference.networks.weights import load_network, save_network

__all__ = ["SmallUNet", "load_network", "save_network"]
