"""Tools: what one is, which are installed, whether one fits a slide. Imports no torch."""

from inference.tools.checks import check_input, parse_parameter, resolve_parameters
from inference.tools.manifest import STAINS, ParameterSpec, ToolManifest
from inference.tools.protocol import STAGES, ProgressSink, RunContext, Tool
from inference.tools.registry import (
    BrokenTool,
    list_broken,
    list_manifests,
    load_manifest,
    load_tool,
    tool_digest,
    tool_folder,
)

__all__ = [
    "STAGES",
    "STAINS",
    "BrokenTool",
    "ParameterSpec",
    "ProgressSink",
    "RunContext",
    "Tool",
    "ToolManifest",
    "check_input",
    "list_broken",
    "list_manifests",
    "load_manifest",
    "load_tool",
    "parse_parameter",
    "resolve_parameters",
    "tool_digest",
    "tool_folder",
]
