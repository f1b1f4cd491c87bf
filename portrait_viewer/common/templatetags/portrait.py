"""Tags of every page: browser modules under their hashed names, texts of tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portrait_viewer.common import text

register = template.Library()

# The characters that could end the script element; json_script does the same.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@register.simple_tag(takes_context=True)
def import_map(context: template.Context) -> SafeString:
    """Writes the import map: `#app/viewer/main.js` is that module under its hashed URL.

    The one inline element of the site, allowed by the request's nonce.
    """
    urls = {f"#app/{name}": static(f"js/{name}") for name in _modules()}
    body = json.dumps({"imports": urls}).translate(_ESCAPES)
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>',
        context.get("csp_nonce", ""),
        mark_safe(body),  # noqa: S308 - escaped above
    )


@register.simple_tag
def module(name: str) -> SafeString:
    """Loads a module of static/js, for example `viewer/main.js`."""
    return format_html('<script type="module" src="{}"></script>', static(f"js/{name}"))


@register.filter
def local(data: Mapping[str, str] | None) -> str:
    """The text of `{"fr": …, "en": …}` in the reader's language."""
    return text.local(data)


def _modules() -> tuple[str, ...]:
    return _found() if settings.DEBUG else _remembered()


@lru_cache(maxsize=1)
def _remembered() -> tuple[str, ...]:
    return _found()


def _found() -> tuple[str, ...]:
    folder: Any = finders.find("js")
    if folder is None:
        return ()
    root = Path(str(folder))
    return tuple(sorted(path.relative_to(root).as_posix() for path in root.rglob("*.js")))
