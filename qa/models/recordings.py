"""Recordings: the bytes once, the calls that have them, who listened and what was noted at which second.

A recording keeps who, where and what as they were at its call (plain ids), and points to the call by its number and start.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models import PrivateFile
from people.models import Membership, Scope, User
from people.scopes import scope_in
from scripts.models import Product

Role = Membership.Role
# Roles that listen. The data team brings recordings in and hears none; neither do administrators.
HEARERS = (
    Role.AGENT,
    Role.TEAM_LEADER,
    Role.SUPERVISOR,
    Role.QA,
    Role.TRAINER,
    Role.CAMPAIGN_MANAGER,
    Role.CITY_MANAGER,
    Role.REGIONAL_MANAGER,
)


def hearing_scope(user: User) -> Scope:
    """What the user's listening roles cover today: a wide role that does not listen widens nothing here."""
    return scope_in(user, HEARERS)


class Sound(models.Model):
    """Bytes of sound, stored once by their sha256, however many calls have them; gone with the last of these.

    `peaks`: one byte for each part and channel, the channels one after the other; 255 is full scale.
    """

    class Format(models.TextChoices):
        WAV = "wav", "WAV"
        MP3 = "mp3", "MP3"
        OPUS = "opus", "Opus"

    class State(models.TextChoices):
        CHECKED = "checked", _("Waveform is being drawn")
        READY = "ready", _("Ready")
        BROKEN = "broken", _("Broken")

    sha256 = models.CharField(max_length=64, unique=True)
    file = models.ForeignKey(PrivateFile, models.PROTECT, related_name="+", verbose_name=_("file"))
    format = models.CharField(_("format"), max_length=4, choices=Format.choices)
    channels = models.PositiveSmallIntegerField(_("channels"))
    milliseconds = models.PositiveIntegerField(_("length, milliseconds"))
    size_bytes = models.PositiveBigIntegerField(_("size, bytes"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.CHECKED)
    fault = models.CharField(_("what is broken"), max_length=20, blank=True, default="")
    peaks = models.BinaryField(_("waveform"), null=True)
    stored_at = models.DateTimeField(_("stored"), db_default=Now())

    class Meta:
        verbose_name = _("sound")
        constraints = [
            models.CheckConstraint(name="sound_channels", condition=Q(channels__in=[1, 2])),
            models.CheckConstraint(name="sound_has_length", condition=Q(milliseconds__gt=0)),
            models.CheckConstraint(
                name="sound_fault_is_whole",
                condition=Q(state="broken") & ~Q(fault="") | ~Q(state="broken") & Q(fault=""),
            ),
            models.CheckConstraint(name="sound_ready_has_peaks", condition=~Q(state="ready") | Q(peaks__isnull=False)),
        ]

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000


class RecordingQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> RecordingQuerySet:
        """Whom the user may hear: a city's are the calls to its customers, a team's those of the team, an agent's the own ones."""
        scope = hearing_scope(user)
        if scope.is_region:
            return self
        own = Q(agent_id=user.pk) if Role.AGENT in scope.roles else Q(pk__in=[])
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids) | own)

    def kept(self) -> RecordingQuerySet:
        """Those that are still there to be heard."""
        return self.filter(destroyed_at=None)

    def overdue(self, at: object) -> RecordingQuerySet:
        return self.filter(destroyed_at=None, keep_until__lte=at)


class Recording(models.Model):
    """The sound of one call. Destroyed, the row stays as a trace without sound and words."""

    class Origin(models.TextChoices):
        TELEPHONY = "telephony", _("Telephone")
        UPLOAD = "upload", _("Uploaded")
        FOLDER = "folder", _("Folder of a dialer")
        API = "api", _("Another system")

    PERSONAL_FIELDS = ("transcript",)

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField(_("time of the call"))
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("customer's city"))
    agent_id = models.BigIntegerField(_("agent"))
    team_id = models.BigIntegerField(_("team"))
    campaign_id = models.BigIntegerField(_("campaign"))
    product_id = models.BigIntegerField(_("product"), null=True)
    disposition_id = models.BigIntegerField(_("result"))
    sale = models.BooleanField(_("sale"), default=False)

    sound = models.ForeignKey(Sound, models.PROTECT, null=True, related_name="recordings", verbose_name=_("sound"))
    seconds = models.PositiveIntegerField(_("length, seconds"))
    origin = models.CharField(_("origin"), max_length=9, choices=Origin.choices)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("uploaded by"),
        db_index=False,
    )
    stored_at = models.DateTimeField(_("stored"), db_default=Now())
    keep_until = models.DateTimeField(_("kept until"))
    destroyed_at = models.DateTimeField(_("destroyed"), null=True)
    transcript = models.JSONField(_("text of the call"), null=True)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        verbose_name = _("recording")
        constraints = [
            models.UniqueConstraint(fields=["call_id", "sound"], name="recording_once_per_call"),
            models.CheckConstraint(
                name="recording_is_whole",
                condition=Q(destroyed_at=None, sound__isnull=False)
                | Q(destroyed_at__isnull=False, sound=None, transcript=None),
            ),
        ]
        indexes = [
            models.Index(fields=["call_started_at", "id"], name="qa_recording_newest"),
            models.Index(fields=["city_id", "call_started_at"], name="qa_recording_city"),
            models.Index(fields=["team_id", "call_started_at"], name="qa_recording_team"),
            models.Index(fields=["agent_id", "call_started_at"], name="qa_recording_agent"),
            models.Index(fields=["campaign_id", "call_started_at"], name="qa_recording_campaign"),
            models.Index(fields=["customer_id"], name="qa_recording_customer"),
            models.Index(fields=["keep_until"], name="qa_recording_overdue", condition=Q(destroyed_at=None)),
        ]


class Listening(models.Model):
    """Somebody began to listen. What is heard again within ten minutes is one listening."""

    recording = models.ForeignKey(Recording, models.PROTECT, related_name="listenings", verbose_name=_("recording"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("heard by"), db_index=False
    )
    at = models.DateTimeField(_("heard"))

    class Meta:
        verbose_name = _("listening")
        indexes = [models.Index(fields=["by", "recording", "-at"], name="listening_of_person")]


class RecordingNote(models.Model):
    """A remark at a moment of a recording, or over a span of it; without words it is a marker."""

    PERSONAL_FIELDS = ("text",)

    recording = models.ForeignKey(Recording, models.PROTECT, related_name="notes", verbose_name=_("recording"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"), db_index=False
    )
    at = models.DateTimeField(_("written"))
    from_ms = models.PositiveIntegerField(_("from, milliseconds"))
    until_ms = models.PositiveIntegerField(_("until, milliseconds"), null=True, blank=True)
    text = models.TextField(_("remark"), max_length=1000, blank=True, default="")

    class Meta:
        verbose_name = _("remark at a recording")
        constraints = [
            models.CheckConstraint(
                name="recording_note_span", condition=Q(until_ms=None) | Q(until_ms__gt=F("from_ms"))
            )
        ]

    @property
    def from_seconds(self) -> float:
        return self.from_ms / 1000


class KeepRule(models.Model):
    """How long recordings are kept, of a product or of all, of sales alone or of all calls. The most particular rule holds:
    product and sale, product, sale, neither. `is_duty`: also when the person asks to be erased."""

    product = models.ForeignKey(
        Product,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("product"),
        help_text=_("Empty: of every product."),
    )
    of_sales = models.BooleanField(_("only calls with a sale"), default=False)
    days = models.PositiveIntegerField(_("kept for, days"))
    is_duty = models.BooleanField(_("must be kept, also when the person asks to be erased"), default=False)
    basis = models.CharField(_("basis"), max_length=200)

    class Meta:
        verbose_name = _("rule for keeping recordings")
        constraints = [
            models.UniqueConstraint(fields=["product", "of_sales"], name="keep_rule_once"),
            models.UniqueConstraint(fields=["of_sales"], name="keep_rule_of_all_once", condition=Q(product=None)),
            models.CheckConstraint(name="keep_rule_days", condition=Q(days__gte=1, days__lte=7300)),
        ]
