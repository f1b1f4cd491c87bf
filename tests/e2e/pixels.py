"""What is on the screen, read back from the canvases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

# The mean colour (r, g, b, a) of what is painted within a few pixels of points given in level-0
# px: close up, a cell is a ring around its nucleus. Null outside the canvas.
_SAMPLE = """([points, reach]) => {
  const { viewer, engine } = window.portrait;
  const { canvas, context } = engine;
  const ratio = canvas.width / viewer.canvas.clientWidth;
  return points.map(([x, y]) => {
    const at = viewer.viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(x, y));
    const [column, row] = [Math.round(at.x * ratio), Math.round(at.y * ratio)];
    if (column < 0 || row < 0 || column >= canvas.width || row >= canvas.height) return null;
    const side = 2 * reach + 1;
    const { data } = context.getImageData(column - reach, row - reach, side, side);
    const sum = [0, 0, 0, 0];
    let painted = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 128) continue;
      painted += 1;
      for (let c = 0; c < 4; c += 1) sum[c] += data[i + c];
    }
    return painted ? sum.map((value) => value / painted) : sum;
  });
}"""
_OVERLAY = """() => {
  const { canvas, context } = window.portrait.engine;
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 3; i < data.length; i += 4) painted += data[i] > 0;
  return painted / (data.length / 4);
}"""
_LOOK_AT = """async ([x, y, width, height]) => {
  const { viewer, engine } = window.portrait;
  const rect = viewer.viewport.imageToViewportRectangle(x, y, width, height);
  viewer.viewport.fitBounds(rect, true);
  for (let i = 0; i < 100; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const item = viewer.world.getItemAt(0);
    if (item && item.getFullyLoaded()) break;
  }
  engine.redraw();
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""


def overlay_share(page: Page) -> float:
    """The share of the overlay's canvas that is painted."""
    return float(page.evaluate(_OVERLAY))


def look_at(page: Page, x: float, y: float, width: float, height: float) -> None:
    """Shows this field (level-0 px) and waits until its tiles are there."""
    page.evaluate(_LOOK_AT, [x, y, width, height])


def overlay_at(page: Page, xy_px: NDArray[Any], reach: int = 13) -> NDArray[np.float64]:
    """(n, 4) colours of the overlay at these places; NaN where one is off the screen."""
    found = page.evaluate(_SAMPLE, [[[float(x), float(y)] for x, y in xy_px], reach])
    return np.array([[np.nan] * 4 if one is None else one for one in found], float)
