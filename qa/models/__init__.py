"""Recordings of calls, what is said about them, forms, and evaluations."""

from .bulletins import Bulletin, BulletinSeen, Suggestion
from .calibration import CalibrationDecision, CalibrationSeat, CalibrationSession, DoubleDraw, DoubleShare
from .clips import Clip
from .complaints import Complaint, ComplaintCategory, ComplaintDeadline, ComplaintStep, Severity
from .evaluations import Appeal, Evaluation, EvaluationAnswer, FirstRuling
from .forms import FormItem, FormStage, FormVersion, QualityForm
from .full_run import FullRun, FullRunLimit, FullRunSheet
from .previews import FormPreview, PreviewMoves
from .recordings import KeepRule, Listening, Recording, RecordingNote, Sound
from .reviews import GateReview, GateReviewItem
from .risks import ComplaintRisk
from .sampling import SampleDraw, SampleGap, SamplePick, SamplingPlan
from .survey_messages import SurveyMessage
from .surveys import Questionnaire, SurveyAnswer, SurveyAsk, SurveyRule
from .work import ScoringTask
from .wrap_ups import WrapUp

__all__ = [
    "Appeal",
    "Bulletin",
    "BulletinSeen",
    "CalibrationDecision",
    "CalibrationSeat",
    "CalibrationSession",
    "Clip",
    "Complaint",
    "ComplaintCategory",
    "ComplaintDeadline",
    "ComplaintRisk",
    "ComplaintStep",
    "DoubleDraw",
    "DoubleShare",
    "Evaluation",
    "EvaluationAnswer",
    "FirstRuling",
    "FormItem",
    "FormPreview",
    "FormStage",
    "FormVersion",
    "FullRun",
    "FullRunLimit",
    "FullRunSheet",
    "GateReview",
    "GateReviewItem",
    "KeepRule",
    "Listening",
    "PreviewMoves",
    "QualityForm",
    "Questionnaire",
    "Recording",
    "RecordingNote",
    "SampleDraw",
    "SampleGap",
    "SamplePick",
    "SamplingPlan",
    "ScoringTask",
    "Severity",
    "Sound",
    "Suggestion",
    "SurveyAnswer",
    "SurveyAsk",
    "SurveyMessage",
    "SurveyRule",
    "WrapUp",
]
