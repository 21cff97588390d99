"""Recordings of calls, what is said about them, forms, and evaluations."""

from .clips import Clip
from .complaints import Complaint, ComplaintCategory, ComplaintDeadline, ComplaintStep, Severity
from .evaluations import Appeal, Evaluation, EvaluationAnswer
from .forms import FormItem, FormStage, FormVersion, QualityForm
from .recordings import KeepRule, Listening, Recording, RecordingNote, Sound

__all__ = [
    "Appeal",
    "Clip",
    "Complaint",
    "ComplaintCategory",
    "ComplaintDeadline",
    "ComplaintStep",
    "Evaluation",
    "EvaluationAnswer",
    "FormItem",
    "FormStage",
    "FormVersion",
    "KeepRule",
    "Listening",
    "QualityForm",
    "Recording",
    "RecordingNote",
    "Severity",
    "Sound",
]
