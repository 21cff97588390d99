"""Tables of the customer data centre."""

from .canaries import Canary, CanaryCall, CanaryExport
from .lists import HeldRow, LeadList, RowVerdict, Source, StagedRow
from .people import Consent, Contact, Customer, CustomerTag, Phone, Tag
from .quotas import NumberUse
from .requests import PersonRequest
from .rules import ContactRule, RulePack, Suppression

__all__ = [
    "Canary",
    "CanaryCall",
    "CanaryExport",
    "Consent",
    "Contact",
    "ContactRule",
    "Customer",
    "CustomerTag",
    "HeldRow",
    "LeadList",
    "NumberUse",
    "PersonRequest",
    "Phone",
    "RowVerdict",
    "RulePack",
    "Source",
    "StagedRow",
    "Suppression",
    "Tag",
]
