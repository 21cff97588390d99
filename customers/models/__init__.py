"""Tables of the customer data centre."""

from .canaries import Canary, CanaryCall, CanaryExport
from .lists import ColumnMapping, HeldRow, LeadList, ListRepair, RepairedRow, RowVerdict, Source, StagedRow
from .people import Consent, ConsentFile, Contact, Customer, CustomerTag, Phone, Tag
from .quotas import NumberUse
from .registers import Register, RegisterNumber
from .requests import PersonRequest
from .rules import ContactRule, RuleChange, RulePack, Suppression
from .segments import Segment, SegmentMembers

__all__ = [
    "Canary",
    "CanaryCall",
    "CanaryExport",
    "ColumnMapping",
    "Consent",
    "ConsentFile",
    "Contact",
    "ContactRule",
    "Customer",
    "CustomerTag",
    "HeldRow",
    "LeadList",
    "ListRepair",
    "NumberUse",
    "PersonRequest",
    "Phone",
    "Register",
    "RegisterNumber",
    "RepairedRow",
    "RowVerdict",
    "RuleChange",
    "RulePack",
    "Segment",
    "SegmentMembers",
    "Source",
    "StagedRow",
    "Suppression",
    "Tag",
]
