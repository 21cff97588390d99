from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffingConfig(AppConfig):
    name = "staffing"
    verbose_name = _("Staffing")

    def ready(self) -> None:
        from metrics import own_day
        from staffing.queries_coaching import next_coaching

        own_day.offer("coaching", next_coaching)
