"""Networks applied to slides: patches in, measured objects out. Imports torch."""

from inference.pipelines.instances import InstanceParameters, Instances, find_instances
from inference.pipelines.prediction import predict_maps
from inference.pipelines.segmentation import (
    CORE_PX,
    MARGIN_PX,
    WORKING_MPP,
    SegmentedNuclei,
    plan_segmentation,
    segment_nuclei,
)

__all__ = [
    "CORE_PX",
    "MARGIN_PX",
    "WORKING_MPP",
    "InstanceParameters",
    "Instances",
    "SegmentedNuclei",
    "find_instances",
    "plan_segmentation",
    "predict_maps",
    "segment_nuclei",
]
