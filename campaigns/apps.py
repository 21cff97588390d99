from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        # what the floors below are told, and what is heard from them
        from campaigns import conditions, fixed, left_scopes, person_data, receivers, scopes, sources, staying  # noqa: F401

        person_data.register()
