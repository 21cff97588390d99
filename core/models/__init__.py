from core.models.audit import AuditEvent, AuditSeal
from core.models.calendar import Holiday
from core.models.files import PrivateFile
from core.models.idempotency import IdempotencyKey
from core.models.jobs import Job, ScheduleRun
from core.models.kept import RoomChange
from core.models.keys import RingCheck

__all__ = [
    "AuditEvent",
    "AuditSeal",
    "Holiday",
    "IdempotencyKey",
    "Job",
    "PrivateFile",
    "RingCheck",
    "RoomChange",
    "ScheduleRun",
]
