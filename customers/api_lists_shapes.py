"""What the API of lead lists takes and answers."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from customers import list_queries
from customers.models import LeadList, RowVerdict, Source
from customers.models.lists import FIELDS_OF_KNOWN
from customers.wording import file_fault_sentence
from people.models import City


class LeadListSerializer(serializers.ModelSerializer[LeadList]):
    counts = serializers.SerializerMethodField(help_text="Rows per verdict.")
    fault = serializers.SerializerMethodField(
        help_text="Why the file could not be read, in the language of the request."
    )
    job = serializers.IntegerField(source="job_id", read_only=True)
    rows = serializers.IntegerField(source="row_count", read_only=True)
    left_campaign = serializers.IntegerField(source="left_campaign_id", allow_null=True, read_only=True)

    class Meta:
        model = LeadList
        fields = (
            "id", "name", "source", "city", "status", "fault", "counts", "rows", "job", "consent_basis", "consent_stated_by", "created_at", "checked_at",
            "committed_at", "undone_at", "undo_reason", "known", "known_fields", "known_days", "left_list", "left_campaign",
            "left_campaign_days",
        )  # fmt: skip
        read_only_fields = fields

    def get_counts(self, lead_list: LeadList) -> dict[str, int]:
        return list_queries.counts_for(lead_list, self.context["request"].user)

    def get_fault(self, lead_list: LeadList) -> str:
        return file_fault_sentence(lead_list.fault, lead_list.fault_detail) if lead_list.fault else ""


class EarlierList(serializers.PrimaryKeyRelatedField):
    """A list that the caller sees; any other does not exist."""

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().visible_to(self.context["request"].user)


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="Excel workbook (.xlsx) or CSV.")
    name = serializers.CharField(max_length=120, required=False, default="")
    source = serializers.PrimaryKeyRelatedField(queryset=Source.objects.all())
    city = serializers.PrimaryKeyRelatedField(
        queryset=City.objects.all(), required=False, allow_null=True, default=None
    )
    consent_basis = serializers.CharField(max_length=200)
    known = serializers.ChoiceField(
        choices=LeadList.Known.choices,
        required=False,
        default=LeadList.Known.UPDATE,
        help_text="Customers who are known already: take what the file says, only known_fields, or leave them out.",
    )
    known_fields = serializers.MultipleChoiceField(choices=FIELDS_OF_KNOWN, required=False, default=list)
    known_days = serializers.IntegerField(
        min_value=1,
        max_value=3650,
        required=False,
        allow_null=True,
        default=None,
        help_text="Leave out customers who came within so many days.",
    )
    left_list = EarlierList(
        queryset=LeadList.objects.all(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Leave out who is on this earlier list; for the list of a city, one of the same city.",
    )
    left_campaign = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        allow_null=True,
        default=None,
        help_text="Leave out who is or was in this campaign. Only for lists of the whole region.",
    )
    left_campaign_days = serializers.IntegerField(
        min_value=1,
        max_value=3650,
        required=False,
        allow_null=True,
        default=None,
        help_text="Only who came into that campaign within so many days.",
    )
    map_first = serializers.BooleanField(
        required=False, default=False, help_text="Wait for the columns (mapping) instead of checking at once."
    )


class SheetSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    rows = serializers.IntegerField()
    hidden = serializers.BooleanField()


class LookedColumnSerializer(serializers.Serializer[Any]):
    heading = serializers.CharField()
    field = serializers.CharField(help_text="A known field, attribute, or empty: left out.")
    name = serializers.CharField(help_text="Of an attribute.")
    known = serializers.CharField(help_text="The field that the heading names by itself.")
    seen = serializers.ListField(child=serializers.CharField(), help_text="First values, numbers masked.")


class LookSerializer(serializers.Serializer[Any]):
    sheets = SheetSerializer(many=True)
    lists = serializers.ListField(
        child=serializers.CharField(),
        help_text="Visible sheets that hold a list, and the one looked at: of several name one.",
    )
    sheet = serializers.CharField()
    row_no = serializers.IntegerField(help_text="Row of the headings; 0: there are none.")
    saved = serializers.BooleanField(help_text="The mapping was saved for the source.")
    columns = LookedColumnSerializer(many=True)


class ChosenColumnSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(allow_blank=True, max_length=20)
    name = serializers.CharField(required=False, default="", allow_blank=True, max_length=60)


class MappingSerializer(serializers.Serializer[Any]):
    sheet = serializers.CharField(required=False, default="", allow_blank=True, max_length=100)
    row_no = serializers.IntegerField(min_value=0, max_value=100)
    columns = ChosenColumnSerializer(many=True)
    remember = serializers.BooleanField(required=False, default=False, help_text="Keep it for the source's next file.")


class ChangeSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()
    old = serializers.CharField()
    new = serializers.CharField()


class RowSerializer(serializers.Serializer[Any]):
    row_no = serializers.IntegerField()
    verdict = serializers.ChoiceField(choices=RowVerdict.Verdict.choices)
    reason = serializers.CharField()
    reason_code = serializers.CharField()
    detail = serializers.CharField()
    external_id = serializers.CharField()
    name = serializers.CharField()
    phone = serializers.CharField(help_text="Masked.")
    city = serializers.CharField()
    customer_id = serializers.IntegerField(allow_null=True)
    stays = serializers.CharField(help_text="Of a list taken back: why what the row brought stays.")
    stays_code = serializers.CharField()
    changes = ChangeSerializer(many=True)


class DecisionSerializer(serializers.Serializer[Any]):
    accept = serializers.BooleanField()
    reason = serializers.CharField(required=False, default="")
    rows = serializers.ListField(
        child=serializers.IntegerField(min_value=1), required=False, default=None, allow_null=True
    )


class TakeBackSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200)


class SpellingSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Names this spelling in a correction.")
    seen = serializers.CharField()
    count = serializers.IntegerField()


class FaultSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()
    count = serializers.IntegerField()
    field = serializers.CharField(source="column", help_text="The column that the correction changes.")
    kind = serializers.CharField(
        help_text="prefix: digits before the number; value: one value for all; cut, empty: no value."
    )
    spellings = SpellingSerializer(many=True)


class CorrectionSerializer(serializers.Serializer[Any]):
    fault = serializers.CharField(max_length=40)
    value = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=20, help_text="A city by its id."
    )
    spelling = serializers.CharField(required=False, default="", allow_blank=True, max_length=16)
    preview = serializers.BooleanField(
        required=False, default=False, help_text="Say what it would do, and change nothing."
    )


class OutcomeSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    good = serializers.IntegerField()
    next_fault = serializers.IntegerField(help_text="Rows whose next fault comes to light.")
    no_help = serializers.IntegerField(help_text="Rows that keep their fault.")
    of = serializers.IntegerField(
        help_text="Rows with the fault; more than `rows` when a preview looked at the first only."
    )
    job = serializers.IntegerField(allow_null=True, help_text="Of very many rows: the job that corrects them.")


class RepairSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is; an empty phone too."""

    name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    phone = serializers.CharField(required=False, allow_blank=True, max_length=160)
    city = serializers.IntegerField(required=False, min_value=1)
    type = serializers.CharField(required=False, allow_blank=True, max_length=20)
    gender = serializers.CharField(required=False, allow_blank=True, max_length=20)
    age = serializers.CharField(required=False, allow_blank=True, max_length=10)
    external_id = serializers.CharField(required=False, allow_blank=True, max_length=64)


class JobAnswerSerializer(serializers.Serializer[Any]):
    job = serializers.IntegerField()
