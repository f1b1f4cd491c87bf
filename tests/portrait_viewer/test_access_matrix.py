"""Who may do what at every door of the site: role × endpoint.

`HTTP` and `SOCKETS` below are the whole policy. A route or an allowed method that is not in them
fails the test that walks the resolver, and that test names it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.analysis.models import Job, JobState, Overlay
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.cases.models import Block, Case, CaseGrant, Patient, Specimen
from portrait_viewer.config.asgi import application
from portrait_viewer.config.routing import websocket_urlpatterns
from portrait_viewer.imaging import tiles
from portrait_viewer.slides.models import Slide, SlideFile, SlideState
from portrait_viewer.slides.views import ALLOWED
from portrait_viewer.tools.models import ToolVersion
from tests.factories import (
    BlockFactory,
    CaseFactory,
    CaseGrantFactory,
    DeploymentFactory,
    JobFactory,
    OrganizationFactory,
    SiteFactory,
    SlideFactory,
    SpecimenFactory,
    ToolVersionFactory,
    UserFactory,
    member,
)
from tests.factories.slide_files import write_svs
from tests.sockets import Socket

# --- The actors -----------------------------------------------------------------

ANONYMOUS = "anonymous"
INACTIVE = "inactive"  # a pathologist of the case's site whose account was closed
PATHOLOGIST, LAB_MANAGER, ADMIN, RESEARCHER = "pathologist", "lab_manager", "admin", "researcher"
OTHER_SITE = "other_site"  # a pathologist of another site of the same organisation
OTHER = "other"  # a pathologist of another organisation
OTHER_ADMIN = "other_admin"
GRANTED = "granted"  # … to which the case is open
EXPIRED = "expired"  # … to which it was open
REVOKED = "revoked"
PLATFORM = "platform"  # manages tools and workers, sees no patient data
ACTORS = (
    ANONYMOUS,
    INACTIVE,
    PATHOLOGIST,
    LAB_MANAGER,
    ADMIN,
    RESEARCHER,
    OTHER_SITE,
    OTHER,
    OTHER_ADMIN,
    GRANTED,
    EXPIRED,
    REVOKED,
    PLATFORM,
)
SIGNED_OUT = (ANONYMOUS, INACTIVE)
STRANGERS = (OTHER_SITE, OTHER, OTHER_ADMIN, EXPIRED, REVOKED, PLATFORM)
OWN = (PATHOLOGIST, LAB_MANAGER, ADMIN, RESEARCHER)


@dataclass
class World:
    """One case of one laboratory with everything that hangs on it, and people all around."""

    users: dict[str, User]
    site: Site
    case: Case
    slide: Slide
    unresolved: Slide
    tool: ToolVersion
    running: Job
    done: Job
    failed: Job
    overlay: Overlay

    def client(self, actor: str) -> Client:
        client = Client()
        if actor != ANONYMOUS:
            client.force_login(self.users[actor])
        return client


def make_world() -> World:
    home, elsewhere, partner = (OrganizationFactory.create() for _ in range(3))
    ended, revoked = OrganizationFactory.create(), OrganizationFactory.create()
    site = SiteFactory.create(organization=home)
    case = CaseFactory.create(
        site=site, research_consent=True, clinical_note="Secret note", accession="SECRET-1"
    )
    later = timezone.now() + timedelta(days=1)
    CaseGrantFactory.create(case=case, organization=partner, expires_at=later)
    CaseGrantFactory.create(
        case=case, organization=ended, expires_at=timezone.now() - timedelta(minutes=1)
    )
    CaseGrantFactory.create(
        case=case, organization=revoked, expires_at=later, revoked_at=timezone.now()
    )
    users = {role: member(Role(role), home, site) for role in OWN}
    users |= {
        INACTIVE: member(Role.PATHOLOGIST, home, site),
        OTHER_SITE: member(Role.PATHOLOGIST, home, SiteFactory.create(organization=home)),
        OTHER: member(Role.PATHOLOGIST, elsewhere),
        OTHER_ADMIN: member(Role.ADMIN, elsewhere),
        GRANTED: member(Role.PATHOLOGIST, partner),
        EXPIRED: member(Role.PATHOLOGIST, ended),
        REVOKED: member(Role.PATHOLOGIST, revoked),
        PLATFORM: UserFactory.create(is_platform_admin=True, is_staff=True),
    }
    users[INACTIVE].is_active = False
    users[INACTIVE].save()
    return _with_slides(users, site, case)


def _with_slides(users: dict[str, User], site: Site, case: Case) -> World:
    block = BlockFactory.create(specimen=SpecimenFactory.create(case=case))
    slide = SlideFactory.create(case=case, block=block, width=700, height=500)
    path = Path(settings.SLIDES_ROOT) / str(site.organization.uuid) / str(slide.uuid) / "scan.svs"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(slide_file(), path)
    SlideFile.objects.create(
        slide=slide,
        path=str(path.relative_to(settings.SLIDES_ROOT)),
        size_bytes=path.stat().st_size,
    )
    tool = ToolVersionFactory.create()
    DeploymentFactory.create(site=site, tool_version=tool)
    # One job may run per slide and tool: the running one has a slide of its own.
    busy = SlideFactory.create(case=case)
    now = timezone.now()
    running = JobFactory.create(
        slide=busy,
        tool_version=tool,
        state=JobState.RUNNING,
        lease=uuid.uuid4(),
        heartbeat_at=now,
        started_at=now,
        attempt=1,
    )
    done = JobFactory.create(
        slide=slide,
        tool_version=tool,
        state=JobState.SUCCEEDED,
        finished_at=now,
        result_folder="matrix",
    )
    failed = JobFactory.create(
        slide=slide,
        tool_version=tool,
        state=JobState.FAILED,
        error_code="worker_lost",
        error_message={"fr": "Perdu", "en": "Lost"},
        finished_at=now,
    )
    return World(
        users=users,
        site=site,
        case=case,
        slide=slide,
        unresolved=SlideFactory.create(
            case=case, state=SlideState.NEEDS_INFO, mpp_x=None, mpp_y=None, mpp_source=""
        ),
        tool=tool,
        running=running,
        done=done,
        failed=failed,
        overlay=_overlay(done),
    )


def _overlay(job: Job) -> Overlay:
    data = bytes(64)
    folder = Path(settings.RESULTS_ROOT) / job.result_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tissue.bin").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    return Overlay.objects.create(
        job=job,
        key="tissue",
        kind="scalar",
        sha256=sha256,
        size_bytes=len(data),
        file_name="tissue.bin",
        payload={
            "id": "tissue",
            "kind": "scalar",
            "label": {"fr": "Tissu", "en": "Tissue"},
            "file": "tissue.bin",
            "sha256": sha256,
            "bytes": len(data),
            "width": 8,
            "height": 8,
            "dtype": "u8",
            "origin_px": [0, 0],
            "scale_px": 64,
            "unit": "",
            "min": 0,
            "max": 1,
            "default_threshold": None,
            "colormap": "viridis",
        },
    )


_FILES: dict[str, Path] = {}


def slide_file() -> Path:
    return _FILES["svs"]


@pytest.fixture(scope="module", autouse=True)
def _one_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    _FILES["svs"] = write_svs(tmp_path_factory.mktemp("matrix") / "scan.svs")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    ALLOWED.clear()
    yield
    ALLOWED.clear()
    tiles.forget_all()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


# --- The policy -------------------------------------------------------------------

TO_LOGIN = "to the sign-in page"
SAID_NO = "back to the page with a refusal, nothing written"
DONE_PAGE = "back to the page, done"
Answer = int | str | tuple[int, ...]


def expect(
    default: Answer, *, signed_out: Answer, strangers: Answer, **others: Answer
) -> dict[str, Answer]:
    """An answer for every actor; `default` for those of the case's site and the granted."""
    return (
        dict.fromkeys(ACTORS, default)
        | dict.fromkeys(SIGNED_OUT, signed_out)
        | dict.fromkeys(STRANGERS, strangers)
        | others
    )


API_SIGNED_OUT = 403  # session authentication has no challenge to send with a 401
EVERYONE = expect(200, signed_out=200, strangers=200)
SIGNED_IN_PAGE = expect(200, signed_out=TO_LOGIN, strangers=200)
READ_PAGE = expect(200, signed_out=TO_LOGIN, strangers=404)
READ_API = expect(200, signed_out=API_SIGNED_OUT, strangers=404)
LABEL = READ_PAGE | {PATHOLOGIST: 200, RESEARCHER: 404, GRANTED: 404}


def write_api(done: int) -> dict[str, Answer]:
    """People who work at the site write; who only reads is told no; others see nothing."""
    return expect(done, signed_out=API_SIGNED_OUT, strangers=404, **{RESEARCHER: 403, GRANTED: 403})


def sha8(world: World) -> str:
    return world.slide.sha256[:8]


@dataclass(frozen=True)
class Door:
    """One method of one route."""

    path: Callable[[World], str]
    answers: dict[str, Answer]
    body: Callable[[World], dict[str, Any]] = field(default=lambda _world: {})
    json: bool = True
    patient_data: bool = True  # strangers must get nothing here


def _upload(_world: World) -> dict[str, Any]:
    content = slide_file().read_bytes()
    return {"file": SimpleUploadedFile("scan.svs", content), "stain": "HE"}


HTTP: dict[str, Door] = {
    # Pages
    "GET /": Door(lambda _: "/", SIGNED_IN_PAGE, patient_data=False),
    "GET /cases/<uuid>/": Door(lambda w: f"/cases/{w.case.uuid}/", READ_PAGE),
    "POST /cases/<uuid>/assign/": Door(
        lambda w: f"/cases/{w.case.uuid}/assign/",
        expect(
            DONE_PAGE,
            signed_out=TO_LOGIN,
            strangers=404,
            **{RESEARCHER: SAID_NO, GRANTED: SAID_NO},
        ),
        body=lambda w: {"reader": str(w.users[PATHOLOGIST].uuid)},
        json=False,
    ),
    "GET /slides/<uuid>/": Door(lambda w: f"/slides/{w.slide.uuid}/", READ_PAGE),
    # Accounts
    "GET /login/": Door(
        lambda _: "/login/",
        expect((302,), signed_out=200, strangers=(302,)),
        patient_data=False,
    ),
    "POST /login/": Door(
        lambda _: "/login/",
        expect((302,), signed_out=200, strangers=(302,)),
        body=lambda _: {"username": "nobody", "password": "wrong"},
        json=False,
        patient_data=False,
    ),
    "PUT /login/": Door(  # Django's form view answers PUT as POST
        lambda _: "/login/",
        expect((302,), signed_out=200, strangers=(302,)),
        patient_data=False,
    ),
    "POST /logout/": Door(
        lambda _: "/logout/",
        expect((302,), signed_out=TO_LOGIN, strangers=(302,)),
        json=False,
        patient_data=False,
    ),
    "POST /language/": Door(
        lambda _: "/language/",
        expect((302,), signed_out=(302,), strangers=(302,)),
        body=lambda _: {"language": "en"},
        json=False,
        patient_data=False,
    ),
    # Pictures
    "GET /slides/<uuid>/tiles/<str>/<int>/<int>_<int>": Door(
        lambda w: f"/slides/{w.slide.uuid}/tiles/{sha8(w)}/0/0_0", READ_PAGE
    ),
    "GET /slides/<uuid>/thumbnail/<str>/": Door(
        lambda w: f"/slides/{w.slide.uuid}/thumbnail/{sha8(w)}/", READ_PAGE
    ),
    # The file of this world has no photographed label: 404 for all who may see it, too (the
    # pictures' own tests see one); who may not is refused before the file is opened.
    "GET /slides/<uuid>/label/": Door(
        lambda w: f"/slides/{w.slide.uuid}/label/",
        expect(404, signed_out=TO_LOGIN, strangers=404),
    ),
    # Interface of cases and slides
    "GET /api/v1/cases/<uuid>/": Door(lambda w: f"/api/v1/cases/{w.case.uuid}/", READ_API),
    "POST /api/v1/cases/<uuid>/slides/": Door(
        lambda w: f"/api/v1/cases/{w.case.uuid}/slides/", write_api(201), body=_upload, json=False
    ),
    "GET /api/v1/slides/<uuid>/": Door(lambda w: f"/api/v1/slides/{w.slide.uuid}/", READ_API),
    "POST /api/v1/slides/<uuid>/resolution/": Door(
        lambda w: f"/api/v1/slides/{w.unresolved.uuid}/resolution/",
        write_api(200),
        body=lambda _: {"mpp": 0.25},
    ),
    # Interface of tools and analyses
    "GET /api/v1/slides/<uuid>/tools/": Door(
        lambda w: f"/api/v1/slides/{w.slide.uuid}/tools/", READ_API
    ),
    "GET /api/v1/slides/<uuid>/jobs/": Door(
        lambda w: f"/api/v1/slides/{w.slide.uuid}/jobs/", READ_API
    ),
    "POST /api/v1/slides/<uuid>/jobs/": Door(
        lambda w: f"/api/v1/slides/{w.slide.uuid}/jobs/",
        write_api(201),
        body=lambda w: {"tool_version": str(w.tool.uuid), "parameters": {}},
    ),
    "GET /api/v1/jobs/<uuid>/": Door(lambda w: f"/api/v1/jobs/{w.done.uuid}/", READ_API),
    "POST /api/v1/jobs/<uuid>/cancel/": Door(
        lambda w: f"/api/v1/jobs/{w.running.uuid}/cancel/", write_api(200)
    ),
    "POST /api/v1/jobs/<uuid>/retry/": Door(
        lambda w: f"/api/v1/jobs/{w.failed.uuid}/retry/", write_api(201)
    ),
    "GET /api/v1/overlays/<uuid>/data/": Door(
        lambda w: f"/api/v1/overlays/{w.overlay.uuid}/data/", READ_API
    ),
    # Without sign-in
    "GET /jsi18n/<str>/": Door(lambda _: "/jsi18n/fr/", EVERYONE, patient_data=False),
    "GET /health/live/": Door(lambda _: "/health/live/", EVERYONE, patient_data=False),
    "GET /health/ready/": Door(  # 503 where no worker is there: that is its job to say
        lambda _: "/health/ready/",
        dict.fromkeys(ACTORS, (200, 503)),
        patient_data=False,
    ),
}

SOCKETS: dict[str, Callable[[World], str]] = {
    "/ws/slides/<uuid>/": lambda w: f"/ws/slides/{w.slide.uuid}/",
    "/ws/cases/<uuid>/": lambda w: f"/ws/cases/{w.case.uuid}/",
}
READY = {"type": "ready"}
SIGNED_OUT_CODE, NOT_VISIBLE_CODE = 4401, 4404
SOCKET_ANSWERS: dict[str, Any] = (
    dict.fromkeys(ACTORS, READY)
    | dict.fromkeys(SIGNED_OUT, SIGNED_OUT_CODE)
    | dict.fromkeys(STRANGERS, NOT_VISIBLE_CODE)
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


# --- The doors that the site has ----------------------------------------------------


def routes() -> dict[str, str]:
    """Every route of the site but the admin panel's, with its name: `/slides/<uuid>/`."""
    return dict(_walk(get_resolver().url_patterns, "/"))


def _walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + _shape(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from _walk(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield route, pattern.name or pattern.lookup_str


def _shape(route: str) -> str:
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: f"<{found[1] or 'str'}>", route)


def send(client: Client, method: str, door: Door, world: World) -> tuple[Any, bool]:
    """One request and whether it left a trace in the audit; what it writes is undone."""
    options: dict[str, Any] = {}
    if method == "POST":
        options["data"] = door.body(world)
        if door.json:
            options["content_type"] = "application/json"
    before = AuditEvent.objects.count()
    with transaction.atomic():
        response: Any = getattr(client, method.lower())(door.path(world), **options)
        if response.streaming:
            b"".join(response.streaming_content)
        wrote = AuditEvent.objects.count() > before
        transaction.set_rollback(True)
    return response, wrote


@pytest.mark.django_db
def test_every_route_and_method_is_in_the_matrix(world: World) -> None:
    known: dict[str, Door] = {}
    for key, door in HTTP.items():
        known.setdefault(key.split(" ", 1)[1], door)
    found = routes()
    missing = [f"{route} ({name})" for route, name in found.items() if route not in known]
    assert not missing, f"routes without a line in the access matrix: {missing}"
    probes = (ADMIN, ANONYMOUS)  # a sign-in page sends who is signed in away, whatever the method
    open_methods = []
    for route in found:
        for method in METHODS:
            if f"{method} {route}" in HTTP:
                continue
            empty = Door(known[route].path, {})
            answers = [send(world.client(actor), method, empty, world)[0] for actor in probes]
            if all(answer.status_code != 405 for answer in answers):
                open_methods.append(f"{method} {route} ({found[route]})")
    assert not open_methods, f"methods without a line in the access matrix: {open_methods}"
    gone = sorted(set(known) - set(found))
    assert not gone, f"the access matrix speaks of routes that the site does not have: {gone}"


@pytest.mark.parametrize("key", sorted(HTTP))
def test_http(key: str, world: World) -> None:
    method, door = key.split(" ", 1)[0], HTTP[key]
    assert set(door.answers) == set(ACTORS)
    wrong = []
    for actor in ACTORS:
        response, wrote = send(world.client(actor), method, door, world)
        _no_patient_data(actor, door, response)
        found = _found(response)
        wanted = door.answers[actor]
        if not _fits(wanted, found, wrote=wrote, method=method):
            wrong.append(f"{actor}: wanted {wanted}, got {found}{' and wrote' if wrote else ''}")
    assert not wrong, f"{key}: " + "; ".join(wrong)


def _found(response: Any) -> int | str:
    to_login = response.headers.get("Location", "").startswith("/login/?next=")
    return TO_LOGIN if to_login else int(response.status_code)


def _no_patient_data(actor: str, door: Door, response: Any) -> None:
    """Wherever a stranger looks, the case is not spoken of."""
    if actor in {*STRANGERS, *SIGNED_OUT} and not response.streaming:
        for secret in (b"SECRET-1", b"Secret note"):
            assert secret not in response.content, f"{actor} reads patient data at {door}"


def _fits(wanted: Answer, found: int | str, *, wrote: bool, method: str) -> bool:
    if wanted == DONE_PAGE:
        return found == 302 and wrote
    if wanted == SAID_NO:
        return found == 302 and not wrote
    if isinstance(wanted, tuple):
        return found in wanted
    if wanted in {TO_LOGIN, 403, 404} and method != "GET" and wrote:
        return False  # refused, yet something happened
    return found == wanted


@pytest.mark.parametrize("key", [key for key, door in HTTP.items() if door.patient_data])
def test_without_consent_the_researcher_sees_nothing(key: str, world: World) -> None:
    Case.objects.update(research_consent=False)
    response, _ = send(world.client(RESEARCHER), key.split(" ", 1)[0], HTTP[key], world)
    assert response.status_code == 404


@pytest.mark.parametrize("key", [key for key, door in HTTP.items() if door.patient_data])
def test_what_does_not_exist_looks_like_what_is_not_visible(key: str, world: World) -> None:
    door = HTTP[key]
    path = re.sub(
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(uuid.uuid4()), door.path(world)
    )
    nowhere = Door(lambda _: path, {}, door.body, door.json)
    method = key.split(" ", 1)[0]
    absent, _ = send(world.client(OTHER), method, nowhere, world)
    hidden, _ = send(world.client(OTHER), method, door, world)
    assert (absent.status_code, hidden.status_code) == (404, 404)
    assert len(absent.content) == len(hidden.content)


# --- The label of a slide: who may see it, whatever the file holds -------------------


def test_only_who_works_at_the_site_has_the_label_looked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "label_image", lambda _path: b"jpeg")
    path = f"/slides/{world.slide.uuid}/label/"
    seen = {actor for actor in ACTORS if world.client(actor).get(path).status_code == 200}
    assert seen == {PATHOLOGIST, LAB_MANAGER, ADMIN}


# --- The admin panel -------------------------------------------------------------------

PATIENT_DATA = (Patient, Case, Specimen, Block, CaseGrant, Slide, Job)


def _admin_lists() -> list[tuple[str, type[Any]]]:
    return [
        (f"admin:{model._meta.app_label}_{model._meta.model_name}", model)
        for model in admin.site._registry
    ]


def _admin_routes() -> list[str]:
    """Every page of the panel that needs no object."""
    paths = [reverse("admin:index")]
    for name, _model in _admin_lists():
        paths += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
    paths += [
        reverse("admin:app_list", args=[app])
        for app in {name[6:].split("_")[0] for name, _ in _admin_lists()}
    ]
    return paths


@pytest.mark.parametrize(
    "actor",
    [actor for actor in ACTORS if actor not in {ADMIN, OTHER_ADMIN, PLATFORM}],
)
def test_admin_panel_is_closed_to_all_but_admins(actor: str, world: World) -> None:
    client = world.client(actor)
    for path in _admin_routes():
        response = client.get(path)
        assert response.status_code in {302, 403, 404}, f"{actor} enters {path}"


@pytest.mark.parametrize("actor", [OTHER_ADMIN, PLATFORM])
def test_admin_panel_shows_strangers_no_patient_data(actor: str, world: World) -> None:
    client = world.client(actor)
    secrets = (
        b"SECRET-1",
        b"Secret note",
        world.case.patient.pseudonym.encode(),
        str(world.slide.uuid).encode(),
        str(world.case.uuid).encode(),
    )
    for path in _admin_routes():
        response = client.get(path)
        assert response.status_code in {200, 302, 403, 404}, path
        for secret in secrets:
            assert secret not in response.content, f"{actor} reads {secret!r} at {path}"


@pytest.mark.parametrize("actor", [OTHER_ADMIN, PLATFORM])
@pytest.mark.parametrize("form", ["change", "history", "delete"])
def test_admin_panel_opens_no_object_of_a_stranger(actor: str, form: str, world: World) -> None:
    client = world.client(actor)
    for name, model in _admin_lists():
        if model not in PATIENT_DATA:
            continue
        for row in model._base_manager.all():
            path = reverse(f"{name}_{form}", args=[row.pk])
            assert client.get(path).status_code in {302, 403, 404}, f"{actor} opens {path}"


@pytest.mark.parametrize("form", ["change", "history", "delete"])
def test_admin_of_another_organisation_opens_nothing_of_this_one(form: str, world: World) -> None:
    client = world.client(OTHER_ADMIN)
    home = world.site.organization
    rows: list[Any] = [home, world.site, *Membership.objects.filter(organization=home)]
    rows += [world.users[PATHOLOGIST], Organization.objects.get(pk=home.pk)]
    registered = admin.site._registry
    for row in (row for row in rows if type(row) in registered):
        path = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{form}", args=[row.pk])
        assert client.get(path).status_code in {302, 403, 404}, path


# --- Sockets ---------------------------------------------------------------------------


def test_every_socket_is_in_the_matrix() -> None:
    found = {"/" + _shape(str(pattern.pattern)) for pattern in websocket_urlpatterns}
    assert found == set(SOCKETS)


@pytest.fixture
def live(settings: Any) -> None:
    """Sockets join an in-memory layer; no outbox is read in the background."""
    settings.REALTIME_OUTBOX = False
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


async def _connect(path: str, user: Any) -> Socket:
    socket = Socket(URLRouter(websocket_urlpatterns), path, user=user)
    assert await socket.connect()
    return socket


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", sorted(SOCKETS))
async def test_socket(key: str, live: None) -> None:
    world = await sync_to_async(make_world)()
    wrong = []
    for actor in ACTORS:
        user = AnonymousUser() if actor == ANONYMOUS else world.users[actor]
        socket = await _connect(SOCKETS[key](world), user)
        found = await socket.receive()
        if found != SOCKET_ANSWERS[actor]:
            wrong.append(f"{actor}: wanted {SOCKET_ANSWERS[actor]}, got {found}")
        await socket.disconnect()
    assert not wrong, f"{key}: " + "; ".join(wrong)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", sorted(SOCKETS))
async def test_socket_is_closed_once_the_grant_has_ended(key: str, live: None) -> None:
    world = await sync_to_async(make_world)()
    socket = await _connect(SOCKETS[key](world), world.users[GRANTED])
    assert await socket.receive() == READY
    await socket.send_json({"type": "ping"})
    assert await socket.receive() == {"type": "pong"}
    await CaseGrant.objects.aupdate(revoked_at=timezone.now())
    await socket.send_json({"type": "ping"})
    assert await socket.receive() == NOT_VISIBLE_CODE
    await socket.disconnect()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", sorted(SOCKETS))
async def test_whole_application_knows_sockets_by_their_session(key: str, live: None) -> None:
    world = await sync_to_async(make_world)()
    here = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    path = SOCKETS[key](world)
    client = await sync_to_async(world.client)(PATHOLOGIST)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())
    signed_in = Socket(application, path, headers=[*here, cookie])
    assert await signed_in.connect()
    assert await signed_in.receive() == READY
    await signed_in.disconnect()
    signed_out = Socket(application, path, headers=here)
    assert await signed_out.connect()
    assert await signed_out.receive() == SIGNED_OUT_CODE
    await signed_out.disconnect()
    elsewhere = (b"origin", b"https://elsewhere.example")
    foreign = Socket(application, path, headers=[elsewhere, here[1], cookie])
    assert not await foreign.connect()
