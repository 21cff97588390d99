"""Tables of the customer data centre."""

from .canaries import Canary, CanaryCall, CanaryExport
from .duplicates import Merge, SamePerson
from .greylist import GreyEntry
from .list_rows import HeldRow, ListRepair, RepairedRow, RowVerdict, StagedRow
from .lists import ColumnMapping, LeadList, Source
from .people import Consent, ConsentFile, Contact, Customer, CustomerTag, Phone, Tag
from .quiet_times import QuietTime
from .quotas import NumberUse
from .registers import Register, RegisterNumber, RegisterRetirement
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
    "GreyEntry",
    "HeldRow",
    "LeadList",
    "ListRepair",
    "Merge",
    "NumberUse",
    "PersonRequest",
    "Phone",
    "QuietTime",
    "Register",
    "RegisterNumber",
    "RegisterRetirement",
    "RepairedRow",
    "RowVerdict",
    "RuleChange",
    "RulePack",
    "SamePerson",
    "Segment",
    "SegmentMembers",
    "Source",
    "StagedRow",
    "Suppression",
    "Tag",
]
