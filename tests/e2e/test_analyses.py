"""Steps 4 to 6: tools run on real pixels, live in two browsers; cancel; a killed worker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Person, Phantom
from tests.e2e.pixels import look_at, overlay_at, overlay_share

Arrive = Callable[[str], Person]
NewSlide = Callable[[str], str]
DONE_MS = 120_000


def run(person: Person, tool_id: str) -> Locator:
    tool = person.tool(tool_id)
    tool.get_by_test_id("run").click()
    return tool


def only_layer(page: Page, kind: str) -> None:
    """Switches every layer off but those of one kind."""
    for layer in page.get_by_test_id("layer").all():
        layer.get_by_test_id("layer-toggle").set_checked(layer.get_attribute("data-kind") == kind)
    expect(page.locator("canvas.overlay-canvas")).to_have_attribute("data-layers", "1")


def test_a_score_and_its_layers_appear_live_in_two_browsers(
    arrive: Arrive, new_slide: NewSlide, phantoms: dict[str, Phantom]
) -> None:
    slide = new_slide("KI67")
    reader, manager = arrive("reader"), arrive("manager")
    for person in (reader, manager):
        person.open_slide(slide)
        expect(person.page.get_by_test_id("connection")).to_have_attribute("data-state", "open")
    reader.page.evaluate("() => { window.sameDocument = true; }")
    manager.page.evaluate("() => { window.sameDocument = true; }")
    assert overlay_share(manager.page) == 0

    run(reader, "nuclear_ihc")

    truth = phantoms["KI67"].truth
    for person in (reader, manager):
        result = person.tool("nuclear_ihc").get_by_test_id("result")
        expect(result).to_be_visible(timeout=DONE_MS)
        score = result.locator("[data-testid=score][data-key=labelling_index]")
        value = float(score.get_attribute("data-value") or "nan")
        assert truth.labelling_index_all is not None
        assert abs(value - truth.labelling_index_all) < 2
        expect(person.page.locator("canvas.overlay-canvas")).not_to_have_attribute(
            "data-layers", "0"
        )
        assert overlay_share(person.page) > 0.01
        assert person.page.evaluate("() => window.sameDocument") is True  # nothing was reloaded


def test_cells_have_the_colour_of_their_class(
    arrive: Arrive, slides: dict[str, str], phantoms: dict[str, Phantom]
) -> None:
    """Two colours differ on the screen where the planted truth differs."""
    reader = arrive("reader")
    reader.open_slide(slides["KI67"])
    tool = reader.tool("nuclear_ihc")
    result = tool.get_by_test_id("result")
    if not result.is_visible():
        run(reader, "nuclear_ihc")
    expect(result).to_be_visible(timeout=DONE_MS)
    only_layer(reader.page, "cells")

    truth = phantoms["KI67"].truth
    x, y = _busiest_field(truth.xy_px[truth.stain_class >= 2], 800)
    look_at(reader.page, x, y, 800, 500)
    inside = ((truth.xy_px > (x + 20, y + 20)) & (truth.xy_px < (x + 780, y + 480))).all(axis=1)
    strong = truth.xy_px[inside & (truth.stain_class >= 2)]
    negative = truth.xy_px[inside & (truth.stain_class == 0)]
    assert len(strong) > 10
    assert len(negative) > 10

    warm, cold = overlay_at(reader.page, strong), overlay_at(reader.page, negative)
    assert (warm[:, 3] > 0).mean() > 0.85  # nearly every planted nucleus carries a mark
    assert (cold[:, 3] > 0).mean() > 0.85
    warm, cold = warm[warm[:, 3] > 0], cold[cold[:, 3] > 0]
    assert (warm[:, 0] > warm[:, 2]).mean() > 0.9  # red above blue
    assert (cold[:, 2] > cold[:, 0]).mean() > 0.9  # blue above red

    reader.page.get_by_test_id("toggle-overlays").click()
    expect(reader.page.locator("canvas.overlay-canvas")).to_have_attribute("data-layers", "0")
    assert overlay_share(reader.page) == 0


def test_a_heatmap_follows_opacity_threshold_and_colours(
    arrive: Arrive, slides: dict[str, str]
) -> None:
    reader = arrive("reader")
    reader.open_slide(slides["HE"])
    tool = reader.tool("slide_qc")
    if not tool.get_by_test_id("result").is_visible():
        run(reader, "slide_qc")
    expect(tool.get_by_test_id("result")).to_be_visible(timeout=DONE_MS)
    only_layer(reader.page, "scalar")
    layer = tool.locator("[data-testid=layer][data-kind=scalar]").first
    expect(layer).to_have_attribute("data-state", "ready")
    slider = layer.get_by_test_id("threshold")
    slider.fill(slider.get_attribute("min") or "0")
    reader.page.wait_for_timeout(300)
    full = overlay_share(reader.page)
    assert full > 0.05
    before = reader.page.locator("canvas.overlay-canvas").screenshot()
    layer.get_by_test_id("colormap").select_option("magma")
    reader.page.wait_for_timeout(300)
    assert reader.page.locator("canvas.overlay-canvas").screenshot() != before
    slider.fill(slider.get_attribute("max") or "1")
    reader.page.wait_for_timeout(300)
    assert overlay_share(reader.page) < full


def test_a_tool_refuses_a_stain_it_is_not_made_for(arrive: Arrive, slides: dict[str, str]) -> None:
    reader = arrive("reader")
    reader.open_slide(slides["HE"])
    tool = reader.tool("nuclear_ihc")
    expect(tool.get_by_test_id("refusal")).to_contain_text("HE")
    expect(tool.get_by_test_id("run")).to_have_count(0)


def test_progress_is_shown_and_a_job_can_be_cancelled(arrive: Arrive, new_slide: NewSlide) -> None:
    reader = arrive("reader")
    reader.open_slide(new_slide("HE"))
    tool = run(reader, "nuclei_segmentation")
    job = tool.locator("[data-testid=job][data-state=running]")
    expect(job).to_be_visible(timeout=60_000)
    expect(tool.get_by_test_id("percent")).to_contain_text("%")
    expect(tool.get_by_test_id("stage")).not_to_be_empty()
    tool.get_by_test_id("cancel").click()
    expect(tool).to_have_attribute("data-state", "cancelled", timeout=30_000)
    expect(tool.get_by_test_id("retry")).to_be_visible()
    expect(tool.get_by_test_id("result")).to_have_count(0)


def test_a_job_whose_worker_was_killed_ends_once(arrive: Arrive, new_slide: NewSlide) -> None:
    reader, slide = arrive("reader"), new_slide("HE")
    reader.open_slide(slide)
    tool = run(reader, "nuclei_segmentation")
    expect(tool.locator("[data-testid=job][data-state=running]")).to_be_visible(timeout=60_000)
    uuid = tool.get_by_test_id("job").get_attribute("data-job")

    reader.site.kill_busy_worker()

    # Taken up again by another worker, without anybody's doing.
    expect(tool.get_by_test_id("result")).to_be_visible(timeout=240_000)
    answer = reader.page.request.get(f"{reader.site.url}/api/v1/jobs/{uuid}/").json()
    assert answer["state"] == "succeeded"
    assert answer["attempt"] == 2
    keys = [overlay["key"] for overlay in answer["overlays"]]
    assert len(keys) == len(set(keys))
    jobs = reader.page.request.get(f"{reader.site.url}/api/v1/slides/{slide}/jobs/").json()
    done = [
        job
        for job in jobs
        if job["tool_id"] == "nuclei_segmentation" and job["state"] == "succeeded"
    ]
    assert len(done) == 1


def _busiest_field(xy_px: np.ndarray, side: float) -> tuple[float, float]:
    """The corner of the square of a coarse grid that holds most of the points."""
    cells = (xy_px // side).astype(int)
    fields, counts = np.unique(cells, axis=0, return_counts=True)
    column, row = fields[counts.argmax()]
    return float(column * side), float(row * side)
