"""Tables of campaigns: what is planned, who is to be called, what was said, sold and cost."""

from .calls import Answer, Call, CallKey
from .campaigns import Campaign, CampaignTeam, Gate, RetryRule
from .costs import Cost
from .data_requests import DataRequest, DataRequestDraw
from .dispositions import Disposition
from .experiments import Experiment, ExperimentArm, ExperimentPerson
from .floor import AgentState, LeadSkip
from .guide import AnswerUse, CallPath, DeskDraft, ScenarioUse
from .history import CallImport, CallVerdict, StagedCall
from .leads import Callback, Lead, ListAllocation, ListSample, SegmentAllocation, SegmentDraw
from .likeness import LikenessModel, LikenessUse, ProtectedAttribute
from .live import InboundCall, LiveCall
from .opportunities import Opportunity
from .orders import Order, OrderEvent

__all__ = [
    "AgentState",
    "Answer",
    "AnswerUse",
    "Call",
    "CallImport",
    "CallKey",
    "CallPath",
    "CallVerdict",
    "Callback",
    "Campaign",
    "CampaignTeam",
    "Cost",
    "DataRequest",
    "DataRequestDraw",
    "DeskDraft",
    "Disposition",
    "Experiment",
    "ExperimentArm",
    "ExperimentPerson",
    "Gate",
    "InboundCall",
    "Lead",
    "LeadSkip",
    "LikenessModel",
    "LikenessUse",
    "ListAllocation",
    "ListSample",
    "LiveCall",
    "Opportunity",
    "Order",
    "OrderEvent",
    "ProtectedAttribute",
    "RetryRule",
    "ScenarioUse",
    "SegmentAllocation",
    "SegmentDraw",
    "StagedCall",
]
