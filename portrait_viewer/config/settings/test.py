"""Tests: everything of base, with fast password hashing and a home folder of its own."""

import os
import tempfile
from pathlib import Path

HOME = Path(tempfile.gettempdir()) / f"portrait-test-{os.getpid()}"
os.environ.setdefault("PORTRAIT_HOME", str(HOME))
os.environ.setdefault("PORTRAIT_SECRET_KEY", "test-" * 12)

from portrait_viewer.config.settings.base import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
