from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.nuclei.hotspots import CellGrid, HotSpot, find_hotspot


def grid(cells: list[list[int]], positive: list[list[int]]) -> CellGrid:
    return CellGrid(np.array(cells, np.int64), np.array(positive, np.int64), (100.0, 100.0))


def test_points_are_counted_in_their_bins() -> None:
    xy = np.array([[5, 5], [99, 99], [100, 0], [250, 150]], np.float32)
    made = CellGrid.of_points(
        xy, np.array([True, False, True, False]), bin_px=(100, 100), extent_px=(260, 160)
    )
    assert made.cells.tolist() == [[2, 1, 0], [0, 0, 1]]
    assert made.positive.tolist() == [[1, 1, 0], [0, 0, 0]]


def test_positivity_is_unknown_below_ten_nuclei() -> None:
    index = grid([[9, 10, 0]], [[9, 4, 0]]).positivity()
    assert np.isnan(index).tolist() == [[True, False, True]]
    assert index[0, 1] == 40.0


def test_density_is_unknown_where_there_is_no_nucleus() -> None:
    density = grid([[0, 20]], [[0, 0]]).density_per_mm2(0.01)
    assert np.isnan(density[0, 0])
    assert density[0, 1] == 2000.0


def test_the_most_positive_bin_wins() -> None:
    found = find_hotspot(grid([[600, 500, 700]], [[60, 100, 70]]))
    assert found == HotSpot(column=1, row=0, side=1, cells=500, positive=100)


def test_windows_grow_until_they_hold_enough() -> None:
    found = find_hotspot(grid([[200, 200], [100, 0]], [[50, 0], [0, 0]]))
    assert found == HotSpot(column=0, row=0, side=2, cells=500, positive=50)


def test_too_few_nuclei_have_no_hotspot() -> None:
    assert find_hotspot(grid([[499]], [[499]])) is None


def test_the_window_has_a_largest_side() -> None:
    assert find_hotspot(grid([[250, 250]], [[1, 1]]), max_side=1) is None


cell_counts = st.lists(st.integers(0, 300), min_size=36, max_size=36)


@settings(max_examples=50)
@given(cells=cell_counts, share=st.lists(st.floats(0, 1), min_size=36, max_size=36))
def test_a_hotspot_is_eligible_and_counts_what_it_covers(
    cells: list[int], share: list[float]
) -> None:
    n = np.array(cells, np.int64).reshape(6, 6)
    p = np.floor(n * np.array(share).reshape(6, 6)).astype(np.int64)
    found = find_hotspot(CellGrid(n, p, (100.0, 100.0)))
    if found is None:
        assert n.sum() < 500
        return
    window = np.s_[found.row : found.row + found.side, found.column : found.column + found.side]
    assert found.cells == n[window].sum() >= 500
    assert found.positive == p[window].sum()


@settings(max_examples=50)
@given(share=st.lists(st.integers(0, 500), min_size=16, max_size=16))
def test_hotspot_is_at_least_global_where_windows_cover_every_nucleus(share: list[int]) -> None:
    # Each bin is a window of its own, so every counted nucleus lies in an eligible one.
    p = np.array(share, np.int64).reshape(4, 4)
    n = np.full((4, 4), 500, np.int64)
    found = find_hotspot(CellGrid(n, p, (100.0, 100.0)))
    assert found is not None
    assert found.positive / found.cells >= p.sum() / n.sum()
