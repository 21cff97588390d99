"""Recordings of calls, what is said about them, forms, and evaluations."""

from .calibration import CalibrationDecision, CalibrationSeat, CalibrationSession, DoubleDraw, DoubleShare
from .clips import Clip
from .evaluations import Appeal, Evaluation, EvaluationAnswer
from .forms import FormItem, FormStage, FormVersion, QualityForm
from .recordings import KeepRule, Listening, Recording, RecordingNote, Sound
from .sampling import SampleDraw, SampleGap, SamplePick, SamplingPlan
from .work import ScoringTask

__all__ = [
    "Appeal",
    "CalibrationDecision",
    "CalibrationSeat",
    "CalibrationSession",
    "Clip",
    "DoubleDraw",
    "DoubleShare",
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
    "SampleDraw",
    "SampleGap",
    "SamplePick",
    "SamplingPlan",
    "ScoringTask",
    "Sound",
]
