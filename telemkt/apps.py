from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "telemkt"

    def ready(self) -> None:
        from telemkt import (
            celery,  # noqa: F401  (tasks declared with shared_task find their app)
            receivers,  # noqa: F401
        )
