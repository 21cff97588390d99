"""The test run has servers of its own kind: the embedded ones of TELEMKT_HOME, unless URLs name others."""

import pytest
from django.conf import settings

from telemkt import celery_app
from telemkt.stack import messages, servers, urls
from telemkt.stack.trouble import Trouble


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    messages.compile_all()
    _quick_settings()
    if _only_collects(config):
        return
    try:
        servers.share_needed()
    except Trouble as trouble:
        pytest.exit(str(trouble), returncode=3)


def pytest_unconfigure(config: pytest.Config) -> None:
    servers.leave()


def _quick_settings() -> None:
    """What tests need otherwise than people: cheap passwords, plain names of static files, a broker of their own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.CHECK_KEY_RING = False  # tests without a database seal too
    # one store, cleared together; other runs of tests have none of it
    settings.CACHES["shared"] = settings.CACHES["default"]
    settings.AUDIT_HEADS_DIR = None  # each test's chain is undone, and begins again
    # Workers of a running `make run` listen on database 0 of the same server.
    settings.CELERY_BROKER_URL = celery_app.conf.broker_url = urls.broker(1)


def _only_collects(config: pytest.Config) -> bool:
    return bool(config.option.collectonly or config.option.help or config.option.version)
