"""From the browser's form to a slide that can be read, or a refusal in words."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from kombu.exceptions import OperationalError
from PIL import Image

from portrait_viewer.accounts.models import Role
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.common.errors import DomainError
from portrait_viewer.realtime.models import OutboxMessage
from portrait_viewer.slides import services
from portrait_viewer.slides.models import Slide, SlideState
from tests.factories import BlockFactory, CaseGrantFactory, member
from tests.factories.slide_files import write_svs
from tests.portrait_viewer.slides.conftest import World, signed_in

Run = Callable[[], list[str]]


def post(world: World, data: bytes, name: str = "scan 1.svs", user: Any = None, **more: Any) -> Any:
    client = signed_in(user or world.pathologist)
    return client.post(
        f"/api/v1/cases/{world.case.uuid}/slides/",
        {"file": SimpleUploadedFile(name, data), "stain": "KI67", **more},
    )


def svs(tmp_path: Path, **changes: Any) -> bytes:
    return write_svs(tmp_path / f"{uuid.uuid4()}.svs", **changes).read_bytes()


# The embedded push path on both stacks: what was announced can be read back from its table.
@override_settings(REALTIME_OUTBOX=True)
def test_an_upload_becomes_a_ready_slide(
    world: World, tmp_path: Path, run_enqueued: Run, django_capture_on_commit_callbacks: Any
) -> None:
    data = svs(tmp_path)
    with django_capture_on_commit_callbacks(execute=True):
        response = post(world, data, "C:\\scans\\26H00001 Dupont.svs", block=str(world.block.uuid))
    assert response.status_code == 201
    body = response.json()
    assert body["state"] == "registering"
    assert body["label"] == "A1 · Ki-67"
    assert body["thumbnail_url"] is None
    assert body["jobs_summary"] == []
    assert "Dupont" not in response.content.decode()  # file names may hold names of people

    slide = Slide.objects.get(uuid=body["uuid"])
    folder = Path(settings.SLIDES_ROOT) / str(world.organization.uuid) / str(slide.uuid)
    assert [path.name for path in folder.iterdir()] == [f"{slide.uuid}.svs"]
    assert (folder / f"{slide.uuid}.svs").read_bytes() == data
    assert list(Path(settings.UPLOADS_ROOT).iterdir()) == []  # moved, not copied
    assert slide.original_name == "26H00001 Dupont.svs"

    with django_capture_on_commit_callbacks(execute=True):
        assert run_enqueued() == ["slides.register"]
    slide.refresh_from_db()
    assert slide.state == SlideState.READY
    assert (slide.width, slide.height, slide.mpp_x, slide.mpp_source) == (700, 500, 0.5, "file")
    assert (slide.vendor, slide.level_count, slide.objective_power) == ("aperio", 2, 20.0)
    got = signed_in(world.pathologist).get(f"/api/v1/slides/{slide.uuid}/").json()
    assert got["thumbnail_url"] == f"/slides/{slide.uuid}/thumbnail/{slide.sha256[:8]}/"
    picture = signed_in(world.pathologist).get(got["thumbnail_url"])
    assert Image.open(io.BytesIO(picture.content)).size == (512, 366)

    assert list(AuditEvent.objects.order_by("id").values_list("verb", "actor_uuid")) == [
        ("slide.upload", world.pathologist.uuid),
        ("slide.registered", None),
    ]
    assert all(row.case_uuid == world.case.uuid for row in AuditEvent.objects.all())
    sent = [(row.topic, row.payload["state"]) for row in OutboxMessage.objects.order_by("id")]
    topics = [f"slide.{slide.uuid}", f"case.{world.case.uuid}"]
    assert sent == [(t, s) for s in ("registering", "ready") for t in topics]


@pytest.mark.parametrize("mpp", [None, 0.0001])
def test_a_missing_resolution_is_asked_for_then_taken(
    world: World,
    tmp_path: Path,
    run_enqueued: Run,
    django_capture_on_commit_callbacks: Any,
    mpp: float | None,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        uuid_ = post(world, svs(tmp_path, mpp=mpp)).json()["uuid"]
    run_enqueued()
    slide = Slide.objects.get(uuid=uuid_)
    assert (slide.state, slide.mpp_x) == (SlideState.NEEDS_INFO, None)
    url = f"/api/v1/slides/{uuid_}/resolution/"
    client = signed_in(world.pathologist)
    for wrong in (0.04, 21, -1, "inf", "nan", "many", None):
        refused = client.post(url, {"mpp": wrong}, content_type="application/json")
        assert refused.status_code == 400
        assert refused.json()["message"]
    assert (
        signed_in(world.stranger).post(url, {"mpp": 1}, content_type="application/json").status_code
        == 404
    )
    slide.refresh_from_db()
    assert slide.state == SlideState.NEEDS_INFO
    good = client.post(url, {"mpp": 0.25}, content_type="application/json")
    assert good.status_code == 200
    assert (good.json()["state"], good.json()["mpp_x"], good.json()["mpp_source"]) == (
        "ready",
        0.25,
        "person",
    )
    again = client.post(url, {"mpp": 0.5}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "resolution_not_needed")
    slide.refresh_from_db()
    assert slide.mpp_x == 0.25
    event = AuditEvent.objects.get(verb="slide.resolution_set")
    assert (event.actor_uuid, event.details) == (world.pathologist.uuid, {"mpp": 0.25})


def test_a_text_renamed_svs_is_rejected_with_a_reason(
    world: World, run_enqueued: Run, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        uuid_ = post(world, b"not a slide " * 50).json()["uuid"]
    run_enqueued()
    slide = Slide.objects.get(uuid=uuid_)
    assert slide.state == SlideState.REJECTED
    body = signed_in(world.pathologist).get(f"/api/v1/slides/{uuid_}/").json()
    assert body["reject_reason"].startswith("This file is not a slide")
    assert body["thumbnail_url"] is None
    assert services.slide_path(slide).is_file()  # kept: quarantine
    assert AuditEvent.objects.get(verb="slide.rejected").details == {"code": "slide_unsupported"}
    tile = signed_in(world.pathologist).get(f"/slides/{uuid_}/tiles/{'0' * 8}/0/0_0")
    assert tile.status_code == 404


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "format_fixtures/histolab_broken.svs",
        "format_fixtures/openslide-python/unopenable.tiff",
        "format_fixtures/wsi_annotation.dcm",
        "slides/rgb.czi",
        "slides/small_vectra.qptiff",
    ],
)
def test_real_broken_files_are_rejected(
    world: World,
    portrait_data: Path,
    run_enqueued: Run,
    name: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        uuid_ = post(world, (portrait_data / name).read_bytes(), Path(name).name).json()["uuid"]
    run_enqueued()
    slide = Slide.objects.get(uuid=uuid_)
    assert slide.state == SlideState.REJECTED
    assert set(slide.reject_reason) == {"fr", "en"}


def test_who_may_not_upload(world: World, tmp_path: Path) -> None:
    grant = CaseGrantFactory.create(case=world.case, organization=world.other)
    refused = post(world, svs(tmp_path), user=world.stranger)
    assert (refused.status_code, refused.json()["code"]) == (403, "upload_refused")
    grant.delete()
    assert post(world, svs(tmp_path), user=world.stranger).status_code == 404
    researcher = member(Role.RESEARCHER, world.organization)
    assert post(world, svs(tmp_path), user=researcher).status_code == 404
    assert Slide.objects.count() == 0
    assert not any(path.is_file() for path in Path(settings.SLIDES_ROOT).rglob("*"))


def test_values_that_cannot_be_used(world: World, tmp_path: Path) -> None:
    assert post(world, svs(tmp_path), stain="PINK").status_code == 400
    foreign = BlockFactory.create()
    refused = post(world, svs(tmp_path), block=str(foreign.uuid))
    assert (refused.status_code, refused.json()["code"]) == (404, "block_not_found")
    assert post(world, b"").json()["code"] == "empty_file"
    nothing = signed_in(world.pathologist).post(
        f"/api/v1/cases/{world.case.uuid}/slides/", {"stain": "HE"}
    )
    assert (nothing.status_code, nothing.json()["code"]) == (400, "invalid")
    assert Slide.objects.count() == 0


def test_too_large_by_its_announced_length(world: World, tmp_path: Path) -> None:
    with override_settings(UPLOAD_MAX_BYTES=1024):
        refused = post(world, bytes(200_000))
    assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")
    assert list(Path(settings.UPLOADS_ROOT).iterdir()) == []


def test_too_large_while_it_arrives(world: World) -> None:
    # Within the tolerance for the form around it: only the handler can see that the file is long.
    with override_settings(UPLOAD_MAX_BYTES=1024):
        refused = post(world, bytes(30_000))
    assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")
    assert Slide.objects.count() == 0
    assert list(Path(settings.UPLOADS_ROOT).iterdir()) == []


def test_a_full_disk_is_said_before_the_body_is_read(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: Any) -> None:
        raise AssertionError("the body was parsed")

    monkeypatch.setattr("django.http.request.HttpRequest._load_post_and_files", parse)
    with override_settings(MIN_FREE_BYTES=2**60):
        refused = post(world, svs(tmp_path))
    assert (refused.status_code, refused.json()["code"]) == (503, "disk_full")
    assert "nearly full" in refused.json()["message"]


def test_a_failed_transaction_leaves_no_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("audit trail away")

    monkeypatch.setattr(services, "audit_record", fail)
    with pytest.raises(RuntimeError):
        services.slide_upload(
            user=world.pathologist,
            case=world.case,
            stain="HE",
            block=None,
            file=SimpleUploadedFile("a.svs", svs(tmp_path)),
        )
    assert Slide.objects.count() == 0
    assert not any(path.is_file() for path in Path(settings.SLIDES_ROOT).rglob("*"))


def test_a_broker_that_is_away_does_not_undo_the_upload(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr("celery.Celery.send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        assert post(world, svs(tmp_path)).status_code == 201
    assert Slide.objects.get().state == SlideState.REGISTERING


@pytest.mark.parametrize(
    ("sent", "kept", "stored"),
    [
        ("../../etc/passwd", "passwd", ""),
        ("..\\..\\x.SVS", "x.SVS", ".svs"),
        ("a\x00b\u202ec.tiff", "abc.tiff", ".tiff"),
        ("...", "slide", ""),
        ("name.with spaces", "name.with spaces", ""),
        ("x" * 400 + ".svs", "x" * 251 + ".svs", ".svs"),
    ],
)
def test_names_are_made_harmless(sent: str, kept: str, stored: str) -> None:
    assert services._clean_name(sent) == kept
    assert services._extension(kept) == stored


def test_labels_are_numbered(world: World, tmp_path: Path) -> None:
    labels = [post(world, svs(tmp_path)).json()["label"] for _ in range(3)]
    assert labels == ["Ki-67", "Ki-67 (2)", "Ki-67 (3)"]


def test_a_file_is_imported_in_place(
    world: World, tmp_path: Path, run_enqueued: Run, django_capture_on_commit_callbacks: Any
) -> None:
    path = write_svs(tmp_path / "here.svs")
    with django_capture_on_commit_callbacks(execute=True):
        slide = services.slide_import(case=world.case, stain="HE", block=world.block, path=path)
    run_enqueued()
    slide.refresh_from_db()
    assert slide.state == SlideState.READY
    assert services.slide_path(slide) == path
    with pytest.raises(DomainError):
        services.slide_import(case=world.case, stain="HE", block=None, path=tmp_path / "absent.svs")


def test_with_the_csrf_check_of_a_browser(world: World, tmp_path: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.pathologist)
    url = f"/api/v1/cases/{world.case.uuid}/slides/"

    def send(token: str, data: bytes) -> Any:
        form = {"file": SimpleUploadedFile("a.svs", data), "stain": "HE"}
        return client.post(url, form, headers={"X-CSRFToken": token})

    token = "a" * 32
    client.cookies["csrftoken"] = token
    assert send("b" * 32, svs(tmp_path)).status_code == 403
    assert Slide.objects.count() == 0
    # Checking the token parses the form: the limit holds there too, and nothing is left behind.
    with override_settings(UPLOAD_MAX_BYTES=1024):
        assert send(token, bytes(30_000)).status_code == 413
    assert send(token, svs(tmp_path)).status_code == 201
    assert [path for path in Path(settings.UPLOADS_ROOT).iterdir() if path.stat().st_size] == []
