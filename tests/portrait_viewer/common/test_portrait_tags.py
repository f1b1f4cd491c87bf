"""The import map names every browser module; texts follow the reader's language."""

from __future__ import annotations

import json
import re
from pathlib import Path

from django.template import Context, Template
from django.utils import translation

MODULES = Path(__file__).resolve().parents[3] / "static" / "js"


def render(source: str, **values: object) -> str:
    return Template("{% load portrait %}" + source).render(Context(values))


def test_import_map_names_every_module_under_the_nonce() -> None:
    html = render("{% import_map %}", csp_nonce="abc")
    match = re.fullmatch(r'<script type="importmap" nonce="abc">(.*)</script>', html)
    assert match
    imports = json.loads(match[1])["imports"]
    assert set(imports) == {
        f"#app/{path.relative_to(MODULES).as_posix()}" for path in MODULES.rglob("*.js")
    }
    assert imports["#app/viewer/main.js"] == "/static/js/viewer/main.js"


def test_module_is_a_script_of_its_own() -> None:
    html = render('{% module "viewer/main.js" %}')
    assert html == '<script type="module" src="/static/js/viewer/main.js"></script>'


def test_texts_of_tools_follow_the_language() -> None:
    text = {"fr": "Lame floue", "en": "Blurred slide"}
    with translation.override("en"):
        assert render("{{ text|local }}", text=text) == "Blurred slide"
    with translation.override("fr"):
        assert render("{{ text|local }}", text=text) == "Lame floue"


def test_texts_of_tools_are_escaped() -> None:
    text = {"fr": "<b>", "en": "<b>"}
    assert render("{{ text|local }}", text=text) == "&lt;b&gt;"
