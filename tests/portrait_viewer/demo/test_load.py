"""The demo appears step by step, once, and goes on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.analysis.models import Job
from portrait_viewer.cases.models import Case, CaseGrant, CaseStatus
from portrait_viewer.common.errors import DomainError
from portrait_viewer.demo import home as demo_home
from portrait_viewer.demo import loader
from portrait_viewer.demo.home import DemoRefused
from portrait_viewer.demo.laboratory import CASES, ORGANIZATIONS, PASSWORD, PEOPLE
from portrait_viewer.demo.sources import phantom_spec
from portrait_viewer.slides.models import Slide, SlideState
from portrait_viewer.tools.models import Deployment
from portrait_viewer.worklists.models import Assignment
from tests.factories import OrganizationFactory

SOME = tuple(case for case in CASES if case.accession in {"26C00141", "26T01007", "26C00129"})


@pytest.fixture(autouse=True)
def submitted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """No worker is there: slides are registered at once, in this process, without a child."""

    def register(*, slide_uuid: object) -> None:
        Slide.objects.filter(uuid=slide_uuid, state=SlideState.REGISTERING).update(
            state=SlideState.READY,
            width=600,
            height=500,
            mpp_x=0.5,
            mpp_y=0.5,
            sha256=str(slide_uuid).replace("-", "") * 2,
        )

    monkeypatch.setattr(loader, "slide_registration_run", register)
    monkeypatch.setattr(loader, "CLAIMED_WITHIN", loader.timedelta(0))
    monkeypatch.setattr(loader, "_PAUSE_S", 0)
    said: list[str] = []
    return said


def load(said: list[str], **options: Any) -> bool:
    return loader.demo_load(say=said.append, online=False, **{"cases": SOME} | options)


def test_the_accounts_are_said_before_the_first_case(submitted: list[str]) -> None:
    load(submitted)
    password = next(i for i, line in enumerate(submitted) if PASSWORD in line)
    first_case = next(i for i, line in enumerate(submitted) if line.startswith("[1/"))
    assert password < first_case
    assert all(any(p.username in line for line in submitted[:first_case]) for p in PEOPLE)


def test_it_makes_two_organisations_and_every_role(submitted: list[str]) -> None:
    assert load(submitted) is False
    assert Organization.objects.count() == 2
    assert Site.objects.count() == 3
    assert set(Membership.objects.values_list("role", flat=True)) == set(Role.values)
    platform = User.objects.get(is_platform_admin=True)
    assert not platform.memberships.exists()
    assert not Case.objects.visible_to(platform).exists()
    assert all(user.check_password(PASSWORD) for user in User.objects.all())
    assert not User.objects.filter(is_superuser=True).exists()


def test_cases_have_slides_readers_states_and_a_grant(submitted: list[str]) -> None:
    load(submitted)
    assert Case.objects.count() == len(SOME)
    for plan in SOME:
        case = Case.objects.get(accession=plan.accession)
        assert case.status == plan.status
        assert case.slides.count() == len(plan.slides)
        assert Assignment.objects.get(case=case, ended_at=None).user.username == plan.reader
    assert all(slide.label.endswith("(fantôme)") for slide in Slide.objects.all())
    assert {slide.uploaded_by for slide in Slide.objects.all()} == {None}
    granted = Case.objects.get(accession="26T01007")
    assert CaseGrant.objects.running().get().case == granted
    assert granted in Case.objects.visible_to(User.objects.get(username="claire.morel"))
    assert granted not in Case.objects.visible_to(User.objects.get(username="lea.fontaine"))


def test_tools_are_deployed_and_jobs_submitted(submitted: list[str]) -> None:
    load(submitted)
    deployed = set(Deployment.objects.values_list("tool_id", flat=True))
    assert deployed >= {"slide_qc", "nuclear_ihc"}
    assert Deployment.objects.count() == 3 * len(deployed)
    wanted = [
        slide.tool
        for case in SOME
        for slide in case.slides
        if slide.tool and slide.tool in deployed
    ]
    assert sorted(Job.objects.values_list("tool_version__tool_id", flat=True)) == sorted(wanted)


def test_a_second_load_does_nothing(submitted: list[str], demo_site: list[Path]) -> None:
    load(submitted)
    counts = [model.objects.count() for model in (User, Case, Slide, Job, Deployment)]
    made = len(demo_site)
    submitted.clear()
    started = time.perf_counter()
    assert load(submitted) is False
    assert time.perf_counter() - started < 1
    assert [model.objects.count() for model in (User, Case, Slide, Job, Deployment)] == counts
    assert len(demo_site) == made
    assert submitted == ["The demo is loaded."]


def test_an_interrupted_load_goes_on(
    submitted: list[str], demo_site: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, calls = loader.slide_import, []

    def dies_in_the_second_case(**given: Any) -> Slide:
        calls.append(given["path"])
        if len(calls) == len(SOME[0].slides) + 2:
            raise KeyboardInterrupt
        return imported(**given)

    monkeypatch.setattr(loader, "slide_import", dies_in_the_second_case)
    with pytest.raises(KeyboardInterrupt):
        load(submitted)
    # The case that was begun is not there: a case appears whole.
    assert [case.accession for case in Case.objects.all()] == [SOME[0].accession]
    made = len(demo_site)
    assert load(submitted) is False
    assert Case.objects.count() == len(SOME)
    assert Slide.objects.count() == sum(len(case.slides) for case in SOME)
    assert len(demo_site) == made + len(SOME[2].slides)  # what was drawn is not drawn again


def test_a_worker_that_is_on_a_slide_is_waited_for_and_not_for_ever(
    submitted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        loader,
        "slide_registration_run",
        lambda *, slide_uuid: Slide.objects.filter(uuid=slide_uuid).update(
            registration_seen_at=timezone.now()
        ),
    )
    assert load(submitted, cases=SOME[:1], wait_s=0) is True
    assert "still wait" in submitted[-1]
    assert not Job.objects.exists()
    Slide.objects.update(
        state=SlideState.READY, width=6, height=5, mpp_x=0.5, mpp_y=0.5, sha256="a" * 64
    )
    assert load(submitted, cases=SOME[:1]) is False
    assert Job.objects.exists()


def test_a_refused_analysis_is_said_and_does_not_stop_the_demo(
    submitted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise DomainError("wrong_stain", "This tool reads other stains.")

    monkeypatch.setattr(loader, "job_submit", refuse)
    assert load(submitted) is False
    assert any("This tool reads other stains." in line for line in submitted)


def test_a_site_with_data_of_its_own_is_left_alone(submitted: list[str], home: Path) -> None:
    OrganizationFactory.create()
    with pytest.raises(DemoRefused, match="data of its own"):
        load(submitted)
    assert not (home / demo_home.MARKER).exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"REALTIME_OUTBOX": False},
        {"ALLOWED_HOSTS": ["127.0.0.1", "pathology.example"]},
        {"ALLOWED_HOSTS": ["*"]},
        {"ALLOWED_HOSTS": ["192.168.1.10"]},
        {"SESSION_COOKIE_SECURE": True},
    ],
)
def test_known_passwords_stay_on_the_loopback(
    changes: dict[str, Any], settings: Any, submitted: list[str]
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(DemoRefused, match="passwords are known"):
        load(submitted)
    assert not User.objects.exists()


def test_a_database_server_is_no_place_for_the_demo(
    submitted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_home, "_vendor", lambda: "postgresql")
    with pytest.raises(DemoRefused, match="portrait init"):
        load(submitted)


def test_two_loads_at_once_are_refused(submitted: list[str]) -> None:
    with loader.FileLock(demo_home.lock_path()), pytest.raises(DemoRefused, match="already"):
        load(submitted)


def test_the_command_ends_with_the_accounts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "portrait_viewer.demo.management.commands.demo_load.demo_load",
        lambda *, say, online, wait_s: load([], cases=()),
    )
    call_command("demo_load", "--no-download")
    shown = capsys.readouterr().out
    assert PASSWORD in shown
    for person in PEOPLE:
        assert person.username in shown


def test_the_command_says_why_not(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    with pytest.raises(CommandError, match="portrait init"):
        call_command("demo_load")


def test_a_stopped_command_says_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("portrait_viewer.demo.management.commands.demo_load.demo_load", stopped)
    with pytest.raises(CommandError, match="goes on") as refused:
        call_command("demo_load")
    assert refused.value.returncode == 130


def test_the_plan_is_what_the_issue_asks_for() -> None:
    assert sorted(len(plan.sites) for plan in ORGANIZATIONS) == [1, 2]
    assert 11 <= len(CASES) <= 14
    assert {case.status for case in CASES} == set(CaseStatus.values)
    assert {case.priority for case in CASES} == {1, 2, 3}
    slides = [slide for case in CASES for slide in case.slides]
    assert all(len(case.slides) > 1 for case in CASES)
    assert sorted(slide.tool for slide in slides if slide.tool) == [
        "nuclear_ihc",
        "nuclear_ihc",
        "nuclear_ihc",
        "nuclei_segmentation",
        "slide_qc",
        "slide_qc",
    ]
    assert max(max(slide.phantom.width, slide.phantom.height) for slide in slides) <= 12_000
    # At 5 Mpx/s two minutes of drawing, with room for the workers beside it.
    assert sum(slide.phantom.width * slide.phantom.height for slide in slides) < 600e6
    assert all(phantom_spec(slide.phantom).seed for slide in slides)
    people = {person.username for person in PEOPLE}
    readers = {case.reader for case in CASES if case.reader}
    assert readers <= people
    assert all(case.reader for case in CASES if any(slide.tool for slide in case.slides))
    for case in CASES:
        for real in (True, False):
            names = [
                (slide.block, slide.stain if real and slide.real else slide.phantom_stain)
                for slide in case.slides
            ]
            assert len(names) == len(set(names)), case.accession
