"""Tests: everything of base, with fast password hashing and a home folder of its own."""

import atexit
import os
import shutil
import tempfile

if "PORTRAIT_HOME" not in os.environ:
    # Processes that a test starts inherit this home; the process that made it removes it.
    os.environ["PORTRAIT_HOME"] = HOME = tempfile.mkdtemp(prefix="portrait-test-")
    atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ.setdefault("PORTRAIT_SECRET_KEY", "test-" * 12)

from portrait_viewer.config.settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file, as in the product: connections of an in-memory database share one cache, whose locks
    # fail at once instead of waiting, so that tests of two workers at once would prove nothing.
    DATABASES["default"]["TEST"] = {"NAME": PORTRAIT_HOME / "test.sqlite3"}  # noqa: F405
