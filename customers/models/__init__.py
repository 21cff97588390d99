"""Tables of the customer data centre."""

from .lists import HeldRow, LeadList, RowVerdict, Source, StagedRow
from .people import Consent, Contact, Customer, CustomerTag, Phone, Tag
from .quotas import NumberUse
from .rules import ContactRule, RulePack, Suppression
from .segments import Segment, SegmentMembers

__all__ = [
    "Consent",
    "Contact",
    "ContactRule",
    "Customer",
    "CustomerTag",
    "HeldRow",
    "LeadList",
    "NumberUse",
    "Phone",
    "RowVerdict",
    "RulePack",
    "Segment",
    "SegmentMembers",
    "Source",
    "StagedRow",
    "Suppression",
    "Tag",
]
