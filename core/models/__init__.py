from core.models.audit import AuditEvent, AuditSeal
from core.models.calendar import Holiday
from core.models.files import PrivateFile
from core.models.idempotency import IdempotencyKey
from core.models.jobs import Job, ScheduleRun

__all__ = [
    "AuditEvent",
    "AuditSeal",
    "Holiday",
    "IdempotencyKey",
    "Job",
    "PrivateFile",
    "ScheduleRun",
]
