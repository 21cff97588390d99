from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class MetricsConfig(AppConfig):
    name = "metrics"
    verbose_name = _("Metrics")

    def ready(self) -> None:
        """The indicators of the house, and the measures that every app brings along."""
        from metrics import indicators  # noqa: F401

        autodiscover_modules("measures", "ledgers")
