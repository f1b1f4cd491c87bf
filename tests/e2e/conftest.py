"""A real site, real slides, a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from inference.phantoms import PhantomSpec, PhantomTruth, write_phantom
from tests.e2e.site import Site, site_under_test

expect.set_options(timeout=20_000)
DESK = {"width": 1440, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = shutil.which("chromium")
    assert path, "chromium is not installed"
    return {"executable_path": path, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_under_test(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="session")
def laboratory(site: Site) -> dict[str, Any]:
    return site.seed()


@dataclass(frozen=True)
class Phantom:
    path: Path
    truth: PhantomTruth


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Phantom]:
    """A Ki-67 and an H&E slide whose every nucleus is known."""
    folder = tmp_path_factory.mktemp("phantoms")
    specs = {
        "KI67": PhantomSpec(2600, 2200, preset="ki67", seed=5, labelling_index=40.0),
        "HE": PhantomSpec(3400, 2800, preset="breast-he", seed=6),
    }
    return {
        stain: Phantom(folder / f"{stain}.tif", write_phantom(spec, folder / f"{stain}.tif"))
        for stain, spec in specs.items()
    }


class Person:
    """Somebody at a screen: a browser context of their own, signed in."""

    def __init__(self, page: Page, site: Site, laboratory: dict[str, Any]) -> None:
        self.page = page
        self.site = site
        self.laboratory = laboratory
        self.problems: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def sign_in(self, name: str) -> None:
        self.page.goto(f"{self.site.url}/login/")
        self.page.fill("#id_username", self.laboratory["users"][name])
        self.page.fill("#id_password", self.laboratory["password"])
        self.page.locator(".main-form button[type=submit]").click()
        expect(
            self.page.get_by_test_id("worklist").or_(self.page.locator(".empty"))
        ).to_be_visible()

    def open_case(self) -> None:
        self.page.goto(f"{self.site.url}/cases/{self.laboratory['case']}/")

    def upload(self, path: Path, stain: str) -> None:
        self.page.set_input_files("#upload-file", path)
        self.page.select_option("#upload-stain", stain)
        self.page.locator("#upload-form button[type=submit]").click()
        expect(self.page.get_by_test_id("upload-success")).to_be_visible()

    def open_slide(self, uuid: str) -> None:
        self.page.goto(f"{self.site.url}/slides/{uuid}/")
        expect(self.page.locator("html[data-viewer=ready]")).to_be_attached()

    def tool(self, tool_id: str) -> Locator:
        return self.page.locator(f"[data-testid=tool][data-tool={tool_id}]")

    def _hear(self, message: Any) -> None:
        # The tests themselves read the canvas back, which a browser advises against.
        if message.type in {"error", "warning"} and "getImageData" not in message.text:
            self.problems.append(message.text)


@pytest.fixture
def arrive(
    browser: Browser, site: Site, laboratory: dict[str, Any]
) -> Iterator[Callable[[str], Person]]:
    """Signs somebody in, in a browser of their own; at the end no page has complained."""
    people: list[Person] = []

    def someone(name: str) -> Person:
        context = browser.new_context(
            viewport=DESK,
            locale="fr-FR",
            ignore_https_errors=True,  # type: ignore[arg-type]
        )
        person = Person(context.new_page(), site, laboratory)
        people.append(person)
        person.sign_in(name)
        return person

    yield someone
    for person in people:
        person.page.context.close()
    complaints = [problem for person in people for problem in person.problems]
    assert complaints == []


def add_slide(person: Person, path: Path, stain: str) -> str:
    """Uploads a file by hand and waits until its card is ready by itself; the slide's uuid."""
    person.open_case()
    cards = person.page.get_by_test_id("slide-card")
    known = {card.get_attribute("data-slide") for card in cards.all()}
    person.upload(path, stain)
    expect(cards).to_have_count(len(known) + 1)
    (uuid,) = {card.get_attribute("data-slide") for card in cards.all()} - known
    ready = person.page.locator(f"[data-slide='{uuid}'][data-state=ready]")
    expect(ready).to_be_visible(timeout=60_000)  # the page is not reloaded
    expect(ready.locator("img")).to_be_visible()
    return str(uuid)


@pytest.fixture(scope="session")
def slides(
    browser: Browser, site: Site, laboratory: dict[str, Any], phantoms: dict[str, Phantom]
) -> dict[str, str]:
    """Both slides, uploaded once for the tests that only look; their uuids by stain."""
    context = browser.new_context(
        viewport=DESK,  # type: ignore[arg-type]
        locale="fr-FR",
        ignore_https_errors=True,
    )
    person = Person(context.new_page(), site, laboratory)
    person.sign_in("reader")
    found = {stain: add_slide(person, phantom.path, stain) for stain, phantom in phantoms.items()}
    assert person.problems == []
    context.close()
    return found


@pytest.fixture
def new_slide(
    arrive: Callable[[str], Person], phantoms: dict[str, Phantom]
) -> Callable[[str], str]:
    """Uploads a slide that no other test has touched."""
    return lambda stain: add_slide(arrive("manager"), phantoms[stain].path, stain)
