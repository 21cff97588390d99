from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QualityConfig(AppConfig):
    name = "qa"
    verbose_name = _("Quality")

    def ready(self) -> None:
        from qa import person_data, receivers, sources  # noqa: F401

        person_data.register()
