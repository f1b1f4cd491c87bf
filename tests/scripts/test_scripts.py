"""The small texts that scripts read and write."""

from __future__ import annotations

import pytest
from site_without_containers import _filled
from with_servers import ServerError
from write_constraints import constraints


def test_constraints_hold_on_every_platform() -> None:
    frozen = """
torch==2.13.0+cpu
nvidia-cudnn-cu13==9.1
Django==5.2.1
portrait==0.1.0
local @ file:///somewhere/local.whl
click-repl==0.4.1
click==8.5.1
"""
    assert constraints(frozen) == [
        "click==8.5.1",
        "click-repl==0.4.1",
        "Django==5.2.1",
        "torch==2.13.0",
    ]


def test_variables_are_filled_in_as_compose_does() -> None:
    settings = {"A": "1", "EMPTY": ""}
    assert _filled("${A}-$$HOME-${A:?needed}-$host", settings) == "1-$HOME-1-$host"
    with pytest.raises(ServerError, match="EMPTY is empty: write one"):
        _filled("${EMPTY:?write one}", settings)
