"""Who works here and where they belong: region, cities, teams, users, dated memberships."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy as _

from core.kept import Seen


class Region(models.Model):
    """The one region this installation serves. Its time zone is `settings.TIME_ZONE`: partitions are cut by it."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True, default="")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    country = models.CharField(_("country"), max_length=2, default="CN")

    class Meta:
        verbose_name = _("region")
        constraints = [models.CheckConstraint(name="region_only_one", condition=Q(id=1))]

    def __str__(self) -> str:
        """The name in the reader's language, as far as there is one."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Zone(models.Model):
    """A time zone in which customers live, by its IANA name."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("time zone")

    def __str__(self) -> str:
        return self.name


class CityQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CityQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(pk__in=scope.city_ids)

    def named(self, text: str) -> CityQuerySet:
        """Cities that a file may mean by `text`: code, English or Chinese name, with or without 市."""
        text = text.strip()
        bare = text.removesuffix("市")
        return self.filter(
            Q(name__iexact=text) | Q(code__iexact=text) | (~Q(name_zh="") & Q(name_zh__in=[text, bare, f"{bare}市"]))
        )


class City(models.Model):
    """A city of the region. `is_on` off stops every campaign there at once."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=80, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True, default="")
    zone = models.ForeignKey(
        Zone,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("time zone"),
        help_text=_("Nobody is called in a city whose time zone is unknown."),
    )
    is_on = models.BooleanField(_("may be called"), default=True)

    objects = CityQuerySet.as_manager()

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class TeamQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> TeamQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(Q(city__in=scope.city_ids) | Q(pk__in=scope.team_ids))


class Team(models.Model):
    """A team of agents, in a city or regional (no city)."""

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=80)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"), related_name="teams")
    is_active = models.BooleanField(_("active"), default=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("team")

    def __str__(self) -> str:
        return self.name or self.code


@dataclass(frozen=True)
class Scope:
    """What a user's memberships cover at one moment. `city_ids` are cities seen whole; `team_ids` teams seen whole,
    those of the cities included.

    Facts about customers go by `city_ids` (the customer's city) and `led_team_ids`: the teams to which a role is bound,
    whichever it is but agent. A city's own teams call elsewhere too, and those calls are not the city's.
    """

    is_region: bool
    city_ids: frozenset[int]
    team_ids: frozenset[int]
    roles: frozenset[str]
    led_team_ids: frozenset[int] = frozenset()


class PersonQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> PersonQuerySet:
        """Oneself, and whoever belongs today to a city or team that one's role covers."""
        scope = user.scope()
        if scope.is_region:
            return self
        today = Membership.objects.valid_on(timezone.localdate())
        covered = today.filter(Q(city__in=scope.city_ids) | Q(team__in=scope.team_ids))
        return self.filter(Q(pk=user.pk) | Q(pk__in=covered.values("user")))


class PersonManager(UserManager.from_queryset(PersonQuerySet)):
    """Users, with Django's own ways of making them."""


class User(AbstractUser):
    """Somebody who signs in; agents also carry the code by which dialers and reports know them."""

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        CHINESE = "zh-hans", "简体中文"

    class Theme(models.TextChoices):
        AUTO = "auto", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    display_name = models.CharField(_("name"), max_length=80, blank=True, default="")
    code = models.CharField(_("agent code"), max_length=30, unique=True, null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=Language.choices, default=Language.ENGLISH)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme.choices, default=Theme.AUTO)

    objects = PersonManager()

    class Meta:
        verbose_name = _("user")

    def __str__(self) -> str:
        return self.display_name or self.username

    def scope(self, at: datetime | None = None) -> Scope:
        """What this user may see today (or at `at`); kept on the instance, which lives for one request."""
        day = timezone.localdate(at) if at else timezone.localdate()
        cache: dict[date, Scope] = self.__dict__.setdefault("_scopes", {})
        if day not in cache:
            cache[day] = self._with_superpowers(scope_of(self._memberships_on(day)))
        return cache[day]

    def _memberships_on(self, day: date) -> list[Membership]:
        """Kept on the instance like the scope: a page asks for the team several times."""
        cache: dict[date, list[Membership]] = self.__dict__.setdefault("_memberships", {})
        if day not in cache:
            cache[day] = list(self.memberships.valid_on(day).select_related("team__city"))
        return cache[day]

    # what was seen of the rooms when the request came in (people.backends)
    seen: Seen | None = None

    def keep_memberships(self, day: date, held: list[Membership]) -> None:
        """What was read together with the person: the memberships of that day, with their teams."""
        self.__dict__.setdefault("_memberships", {})[day] = held

    def _with_superpowers(self, scope: Scope) -> Scope:
        """A superuser is an administrator, with or without a membership that says so."""
        if not self.is_superuser:
            return scope
        return replace(scope, is_region=True, roles=scope.roles | {str(Membership.Role.ADMINISTRATOR)})

    def has_role(self, *roles: str) -> bool:
        return not self.scope().roles.isdisjoint(roles)

    def covers_as(self, city_id: int | None, *roles: str) -> bool:
        """Whether memberships in one of these roles, and no others, cover the city whole; None: the region."""
        held = [m for m in self._memberships_on(timezone.localdate()) if m.role in roles and m.team_id is None]
        return self.is_superuser or any(m.city_id is None or m.city_id == city_id for m in held)

    @property
    def is_agent(self) -> bool:
        return self.scope().roles == {Membership.Role.AGENT}

    def team_at(self, at: datetime) -> Team | None:
        """The team in which the user is an agent (else leads) on the business day of `at`."""
        own = [membership for membership in self._memberships_on(timezone.localdate(at)) if membership.team_id]
        member = sorted(own, key=lambda m: m.role != Membership.Role.AGENT)[:1]
        return member[0].team if member else None


def scope_of(memberships: list[Membership]) -> Scope:
    """The union of what the memberships cover. An agent's covers nobody else's rows: own ones are asked for by name."""
    wide = [m for m in memberships if m.role != Membership.Role.AGENT]
    cities = frozenset(m.city_id for m in wide if m.city_id)
    led = frozenset(m.team_id for m in wide if m.team_id)
    teams = led
    if cities:
        teams |= frozenset(Team.objects.filter(city__in=cities).values_list("pk", flat=True))
    return Scope(
        is_region=any(m.city_id is None and m.team_id is None for m in wide),
        city_ids=cities,
        team_ids=teams,
        led_team_ids=led,
        roles=frozenset(str(m.role) for m in memberships),
    )


class MembershipQuerySet(models.QuerySet):
    def valid_on(self, day: date) -> MembershipQuerySet:
        return self.filter(Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day)))

    def visible_to(self, user: User) -> MembershipQuerySet:
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(Q(user=user) | Q(city__in=scope.city_ids) | Q(team__in=scope.team_ids))


class Membership(models.Model):
    """A role of a user from a day until (not including) another, in a team, a city or the whole region."""

    class Role(models.TextChoices):
        AGENT = "agent", _("Agent")
        TEAM_LEADER = "team_leader", _("Team leader")
        SUPERVISOR = "supervisor", _("Supervisor")
        DATA = "data", _("Data team")
        CAMPAIGN_MANAGER = "campaign_manager", _("Campaign manager")
        QA = "qa", _("QA")
        TRAINER = "trainer", _("Trainer")
        CITY_MANAGER = "city_manager", _("City manager")
        REGIONAL_MANAGER = "regional_manager", _("Regional manager")
        ADMINISTRATOR = "administrator", _("Administrator")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, verbose_name=_("team"), related_name="memberships"
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until"), null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        constraints = [
            models.CheckConstraint(name="membership_city_or_team", condition=Q(city=None) | Q(team=None)),
            models.CheckConstraint(
                name="membership_place_fits_role",
                condition=Q(role__in=["agent", "team_leader"], team__isnull=False)
                | Q(role="city_manager", city__isnull=False)
                | Q(role__in=["regional_manager", "administrator"], city=None, team=None)
                | Q(role__in=["supervisor", "data", "campaign_manager", "qa", "trainer"]),
            ),
            models.CheckConstraint(
                name="membership_ends_after_start", condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from"))
            ),
            # One team at a time for an agent. int8range spares the btree_gist extension.
            ExclusionConstraint(
                name="agent_in_one_team",
                expressions=[
                    (Func(F("user"), F("user"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (Func(F("valid_from"), F("valid_to"), function="daterange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(role="agent"),
            ),
        ]
        indexes = [
            models.Index(fields=["team", "role"], name="membership_team"),
            models.Index(fields=["user"], name="membership_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"


class Qualification(models.Model):
    """A certificate a user holds; a campaign may ask for it at hand-out. Awarded by staffing."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="qualifications", verbose_name=_("user")
    )
    code = models.CharField(_("certificate"), max_length=40)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("qualification")
        constraints = [models.UniqueConstraint(fields=["user", "code", "valid_from"], name="qualification_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.code}"


class ExportRequestQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ExportRequestQuerySet:
        """Own requests, and those whose rows lie wholly within what one sees."""
        scope = user.scope()
        if scope.is_region:
            return self
        within = Q(is_region=False, city_ids__contained_by=sorted(scope.city_ids)) & ~Q(city_ids=[])
        return self.filter(Q(asked_by=user) | within)

    def waiting(self) -> ExportRequestQuerySet:
        return self.filter(state=ExportRequest.State.ASKED)


class ExportRequest(models.Model):
    """A file with personal data of many people, asked for by one person and let go by another. No file is kept: it is written at the download."""

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a second person")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        EXPIRED = "expired", _("Expired")

    PERSONAL_FIELDS = ("query",)

    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked"))
    purpose = models.CharField(_("what for"), max_length=200)
    list_name = models.CharField(max_length=60)
    title = models.CharField(_("list"), max_length=120)
    path = models.CharField(max_length=200)
    query = models.CharField(_("filters"), max_length=2000, blank=True, default="")
    row_count = models.PositiveIntegerField(_("rows"))
    is_region = models.BooleanField(default=False)
    city_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    downloaded_at = models.DateTimeField(_("downloaded"), null=True, blank=True)

    objects = ExportRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("export request")
        constraints = [
            models.CheckConstraint(
                name="export_request_decided_whole",
                condition=Q(state__in=["asked", "expired"], decided_by=None, decided_at=None)
                | Q(state__in=["approved", "refused"], decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="export_request_two_persons", condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by"))
            ),
            models.UniqueConstraint(
                fields=["asked_by", "list_name", "query"], condition=Q(state="asked"), name="export_request_asked_once"
            ),
        ]
        indexes = [models.Index(fields=["asked_by", "list_name", "decided_at"], name="export_request_of_person")]

    def __str__(self) -> str:
        return f"{self.title} {self.asked_at:%Y-%m-%d}"
