from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        # what the floors below are told, and what is heard from them
        from campaigns import (  # noqa: F401
            conditions,
            fixed,
            left_scopes,
            map_owners,
            person_data,
            receivers,
            scopes,
            staying,
        )

        person_data.register()
