"""Tables of the customer data centre."""

from .lists import ColumnMapping, HeldRow, LeadList, RowVerdict, Source, StagedRow
from .people import Consent, Contact, Customer, CustomerTag, Phone, Tag
from .quotas import NumberUse
from .rules import ContactRule, RulePack, Suppression

__all__ = [
    "ColumnMapping",
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
    "Source",
    "StagedRow",
    "Suppression",
    "Tag",
]
