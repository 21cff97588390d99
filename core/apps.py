from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


def _settle_keys(**_more: Any) -> None:
    """The keys are there before anything is sealed, and the database knows them: their check is committed here first."""
    from core.sealed import key_ring

    key_ring()


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = _("Core")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find what every app says about itself: its jobs, its retention of personal data, its words of the audit trail."""
        autodiscover_modules("jobs", "retention", "deeds")
        post_migrate.connect(_settle_keys, sender=self)
