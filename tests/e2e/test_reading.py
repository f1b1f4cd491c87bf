"""Steps 1 to 3: sign in, the worklist, a case, a slide, an upload."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Person
from tests.e2e.pixels import look_at
from tests.e2e.site import Site

Arrive = Callable[[str], Person]


def test_the_site_speaks_french_and_english_by_a_switch(
    browser: Browser, site: Site, laboratory: dict[str, Any]
) -> None:
    context = browser.new_context(locale="en-GB", ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{site.url}/")
    expect(page).to_have_url(f"{site.url}/login/?next=/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("label[for=id_password]")).to_have_text("Mot de passe")
    page.locator("button[name=language][value=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("label[for=id_password]")).to_have_text("Password")
    context.close()


def test_a_wrong_password_is_told_and_nothing_opens(
    browser: Browser, site: Site, laboratory: dict[str, Any]
) -> None:
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{site.url}/login/")
    page.fill("#id_username", laboratory["users"]["reader"])
    page.fill("#id_password", "wrong")
    page.locator(".main-form button[type=submit]").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    page.goto(f"{site.url}/cases/{laboratory['case']}/")
    expect(page).to_have_url(f"{site.url}/login/?next=/cases/{laboratory['case']}/")
    context.close()


def test_a_taken_case_is_on_my_worklist(arrive: Arrive, laboratory: dict[str, Any]) -> None:
    reader = arrive("reader")
    reader.open_case()
    take = reader.page.locator("form[action$='/assign/'] button").first
    if take.is_visible():
        take.click()
    reader.page.goto(f"{reader.site.url}/")
    row = reader.page.get_by_test_id("worklist").locator("tr", has_text=laboratory["accession"])
    expect(row).to_contain_text(laboratory["pseudonym"])
    row.locator("a").first.click()
    expect(reader.page).to_have_url(f"{reader.site.url}/cases/{laboratory['case']}/")


def test_a_slide_is_drawn_with_its_scale_and_magnification(
    arrive: Arrive, slides: dict[str, str]
) -> None:
    reader = arrive("reader")
    reader.open_slide(slides["KI67"])
    look_at(reader.page, 900, 700, 800, 500)
    seen = Image.open(BytesIO(reader.page.get_by_test_id("viewer").screenshot())).convert("RGB")
    # Tissue: many colours; an empty stage would have one.
    assert np.asarray(seen).std() > 15
    expect(reader.page.get_by_test_id("scale-bar")).to_contain_text("µm")
    reader.page.keyboard.press("5")  # 20x
    expect(reader.page.get_by_test_id("magnification")).to_contain_text("20")
    for uuid in slides.values():
        tray = reader.page.locator(f"[data-testid=tray-slide][data-slide='{uuid}']")
        expect(tray).to_be_visible()


def test_a_file_that_is_no_slide_is_refused_in_words(
    arrive: Arrive, tmp_path: Path, slides: dict[str, str]
) -> None:
    broken = tmp_path / "scan.svs"
    broken.write_bytes(b"This is not a slide. " * 500)
    manager = arrive("manager")
    manager.open_case()
    manager.upload(broken, "HE")
    refused = manager.page.locator("[data-testid=slide-card][data-state=rejected]").first
    expect(refused).to_be_visible(timeout=60_000)
    words = refused.inner_text()
    assert len(words) > 40
    assert "Traceback" not in words
    assert str(tmp_path) not in words


def test_a_stranger_sees_nothing(
    arrive: Arrive, laboratory: dict[str, Any], slides: dict[str, str]
) -> None:
    stranger = arrive("stranger")
    uuid = slides["KI67"]
    for path in (
        f"/cases/{laboratory['case']}/",
        f"/slides/{uuid}/",
        f"/api/v1/slides/{uuid}/",
        f"/api/v1/slides/{uuid}/jobs/",
    ):
        answer = stranger.page.request.get(f"{stranger.site.url}{path}")
        assert answer.status == 404, path
        assert laboratory["pseudonym"] not in answer.text()
