"""Recordings of calls, what is said about them, forms, and evaluations."""

from .clips import Clip
from .evaluations import Appeal, Evaluation, EvaluationAnswer
from .forms import FormItem, FormStage, FormVersion, QualityForm
from .recordings import KeepRule, Listening, Recording, RecordingNote, Sound
from .risks import ComplaintRisk

__all__ = [
    "Appeal",
    "Clip",
    "ComplaintRisk",
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
    "Sound",
]
