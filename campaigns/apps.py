from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns import receivers, staying  # noqa: F401  (listens to the floors below, and tells them what it knows)
        from campaigns import conditions, receivers  # noqa: F401  (what customers may be asked; what is heard from below)
