"""Who finds what in the side navigation, and where each role starts.

Pages are named by URL name. A page that is not mounted is left out, so the navigation never holds a dead link.
"""

from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from people.models import City, Team

AGENT = "agent"
LEADERS = ("team_leader", "supervisor")
MANAGERS = ("city_manager", "regional_manager")


@dataclass(frozen=True)
class Page:
    """One entry: the URL name decides whether it exists, the roles decide who sees it.

    The badge is the URL name of a fragment that answers with <span class="count">9</span>, or with nothing.
    """

    name: str
    icon: str
    label: object
    roles: tuple[str, ...]
    badge: str = ""


@dataclass(frozen=True)
class Item:
    url: str
    icon: str
    label: str
    badge_url: str
    current: bool


@dataclass(frozen=True)
class Group:
    label: str
    items: list[Item]


GROUPS: list[tuple[object, list[Page]]] = [
    (
        "",
        [
            Page("campaigns:desk", "phone", _("Desk"), (AGENT,)),
            Page("metrics:floor", "floor", _("Floor"), (*LEADERS, *MANAGERS, "campaign_manager")),
            Page(
                "metrics:indicators",
                "chart",
                _("Indicators"),
                (*LEADERS, *MANAGERS, "campaign_manager", "data", "qa", "trainer"),
            ),
            Page("campaigns:callbacks", "clock", _("Callbacks"), (AGENT, *LEADERS), badge="campaigns:callbacks-badge"),
            Page("campaigns:skips", "swap", _("Skips"), (*LEADERS, *MANAGERS)),
            Page(
                "campaigns:calls",
                "headset",
                _("Calls"),
                (*LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer", "data"),
            ),
            Page(
                "qa:recordings",
                "ear",
                _("Recordings"),
                (AGENT, *LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer"),
            ),
            Page(
                "qa:evaluations",
                "list",
                _("Evaluations"),
                (AGENT, *LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer"),
            ),
            Page("qa:work", "check", _("My queue"), ("qa",), badge="qa:work-badge"),
            Page("qa:plans", "swap", _("Sampling plans"), (*LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer")),
            Page(
                "qa:gates",
                "check",
                _("Gates"),
                ("supervisor", *MANAGERS, "campaign_manager", "qa", "administrator"),
                badge="qa:gates-badge",
            ),
            Page("qa:full-runs", "clock", _("First hours"), ("supervisor", *MANAGERS, "campaign_manager", "qa")),
            Page("qa:surveys", "star", _("Satisfaction"), (*LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer")),
            Page("qa:surveys-mine", "chat", _("Survey answers"), (AGENT,)),
            Page("qa:wrap-ups", "flag", _("Wrap-ups"), ("supervisor", *MANAGERS, "campaign_manager", "qa")),
            Page("qa:bulletins", "chat", _("Bulletins"), ("supervisor", *MANAGERS, "campaign_manager", "qa")),
            Page("qa:calibrations", "scale", _("Calibration"), ("qa",)),
            Page("qa:agreement", "chart", _("Agreement of scorers"), ("qa", *MANAGERS)),
            Page("qa:appeals", "chat", _("Appeals"), ("qa", *MANAGERS), badge="qa:appeals-badge"),
            Page(
                "qa:complaints",
                "alert",
                _("Complaints"),
                (AGENT, *LEADERS, *MANAGERS, "campaign_manager", "qa"),
                badge="qa:complaints-badge",
            ),
            Page(
                "staffing:growth",
                "chart",
                _("Competency growth"),
                (AGENT, *LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer"),
            ),
            Page("staffing:coaching", "people", _("Coaching"), (AGENT, "team_leader", "city_manager", "trainer")),
            Page("campaigns:orders", "cart", _("Orders"), (*LEADERS, *MANAGERS, "campaign_manager")),
            Page(
                "campaigns:opportunities",
                "right",
                _("Opportunities"),
                (AGENT, *LEADERS, *MANAGERS, "campaign_manager"),
            ),
        ],
    ),
    (
        _("Campaigns"),
        [
            # QA passes the gates of campaigns.
            Page(
                "campaigns:campaigns", "flag", _("Campaigns"), (*LEADERS, *MANAGERS, "campaign_manager", "data", "qa")
            ),
            Page(
                "campaigns:costs",
                "db",
                _("Costs"),
                ("campaign_manager", *MANAGERS, "administrator"),
            ),
            Page("scripts:scripts", "chat", _("Scripts"), (*LEADERS, "campaign_manager", "qa", "trainer")),
            Page("campaigns:refusals", "ear", _("Refusals"), ("supervisor", "campaign_manager", "qa", "trainer")),
            Page("scripts:objections", "scale", _("Objections"), ("team_leader", "campaign_manager", "qa", "trainer")),
            Page("scripts:phrases", "star", _("Best phrases"), ("agent", "team_leader", "qa", "trainer")),
            Page("qa:clips", "star", _("Best calls"), (AGENT, *LEADERS, "qa", "trainer")),
            Page("scripts:scenarios", "book", _("Scenarios"), ("campaign_manager", "qa", "trainer")),
            Page("scripts:maps", "map", _("Guidance maps"), ("campaign_manager", "qa", "trainer")),
            Page(
                "scripts:outdated",
                "refresh",
                _("Scripts to look at again"),
                ("campaign_manager", "qa", "trainer"),
                badge="scripts:outdated-badge",
            ),
            Page(
                "scripts:products",
                "box",
                _("Products"),
                ("campaign_manager", "regional_manager", "trainer", "qa", AGENT),
            ),
            Page(
                "scripts:articles",
                "book",
                _("Knowledge"),
                (AGENT, *LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer", "data", "administrator"),
                badge="scripts:articles-badge",
            ),
        ],
    ),
    (
        _("Data"),
        [
            Page("customers:lists", "upload", _("Lists"), ("data", "campaign_manager")),
            Page("customers:customers", "people", _("Customers"), ("data", "campaign_manager", "supervisor")),
            Page("customers:same-persons", "swap", _("Same person?"), ("data",)),
            Page("customers:merges", "link", _("Merged customers"), ("data",)),
            Page(
                "customers:segments",
                "filter",
                _("Segments"),
                ("data", "campaign_manager", "city_manager", "regional_manager", "administrator"),
            ),
            Page(
                "campaigns:data-requests",
                "form",
                _("Data requests"),
                ("data", "campaign_manager", *MANAGERS, "administrator"),
                badge="campaigns:data-requests-badge",
            ),
            Page(
                "customers:requests",
                "chat",
                _("Requests of persons"),
                ("data", "campaign_manager", "supervisor", *MANAGERS, "qa", "administrator"),
                badge="customers:requests-badge",
            ),
            Page("customers:sources", "scale", _("Sources"), ("data",)),
            Page("campaigns:call_import", "download", _("Call import"), ("data", "administrator")),
            # whoever exports lists of persons may have to wait for a second person
            Page(
                "people:exports",
                "shield",
                _("Export requests"),
                (*LEADERS, *MANAGERS, "campaign_manager", "data", "qa", "trainer", "administrator"),
                badge="people:exports-badge",
            ),
        ],
    ),
    (
        _("Standards"),
        [
            Page(
                "customers:rules",
                "shield",
                _("Rules of contact"),
                ("data", "campaign_manager", "regional_manager", "administrator"),
                badge="customers:rule-changes-badge",
            ),
            Page("qa:forms", "form", _("Forms"), (*LEADERS, *MANAGERS, "campaign_manager", "qa", "trainer")),
            Page("scripts:words", "close", _("Prohibited words"), ("campaign_manager", "qa")),
            Page("customers:suppressions", "lock", _("Do not call"), ("data", "campaign_manager", "supervisor")),
            Page(
                "metrics:definitions",
                "book",
                _("Definitions"),
                (*LEADERS, *MANAGERS, "campaign_manager", "data", "qa", "trainer"),
            ),
            Page(
                "qa:keep-rules",
                "clock",
                _("Keeping recordings"),
                ("qa", "regional_manager", "administrator"),
            ),
            Page("core:calendar", "calendar", _("Calendar"), ("administrator", "campaign_manager", "regional_manager")),
        ],
    ),
    (
        _("Administration"),
        [
            Page("people:users", "user", _("People"), ("administrator",)),
            Page("people:teams", "people", _("Teams"), ("administrator",)),
            Page("people:cities", "map", _("Cities"), ("administrator",)),
            Page("campaigns:protected_attributes", "shield", _("Protected attributes"), ("administrator",)),
            Page("core:jobs", "db", _("Jobs"), ("administrator", "data"), badge="core:jobs-badge"),
            Page("core:audit", "list", _("Audit trail"), ("administrator",)),
            Page(
                "customers:canaries",
                "alert",
                _("Canary customers"),
                ("administrator",),
                badge="customers:canaries-badge",
            ),
        ],
    ),
]

# The first role a person has decides where the day starts.
HOMES: list[tuple[str, tuple[str, ...]]] = [
    (AGENT, ("campaigns:desk",)),
    ("team_leader", ("metrics:floor",)),
    ("supervisor", ("metrics:floor",)),
    ("regional_manager", ("metrics:indicators",)),
    ("city_manager", ("metrics:indicators",)),
    ("campaign_manager", ("campaigns:campaigns",)),
    ("data", ("customers:lists",)),
    ("qa", ("campaigns:calls", "metrics:indicators")),
    ("trainer", ("scripts:scripts", "metrics:indicators")),
    ("administrator", ("people:users", "core:audit")),
]


def url_of(name: str) -> str:
    """The URL of a page, or "" when it is not mounted."""
    if not name:
        return ""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def roles_of(user) -> frozenset[str]:
    """Every role that is in force now; a superuser without one counts as administrator."""
    roles = frozenset(user.scope().roles) if user.is_authenticated else frozenset()
    if not roles and getattr(user, "is_superuser", False):
        return frozenset({"administrator"})
    return roles


def home_for(user) -> str:
    """Where the day of this user starts: the first page of their first role, the account page when they have none."""
    roles = roles_of(user)
    for role, names in HOMES:
        if role in roles:
            for url in map(url_of, names):
                if url:
                    return url
    return url_of("people:account") or url_of("people:login") or "/login/"


def _current_url(path: str, urls: list[str]) -> str:
    """The longest entry that the path lies under, so that /calls/import/ does not light up /calls/ as well."""
    under = [url for url in urls if path.startswith(url)]
    return max(under, key=len, default="")


def groups_for(user, path: str) -> list[Group]:
    """The navigation of this user with the entry of `path` marked."""
    roles = roles_of(user)
    seen = [
        (label, [(page, url) for page in pages if roles & set(page.roles) and (url := url_of(page.name))])
        for label, pages in GROUPS
    ]
    current = _current_url(path, [url for _label, pages in seen for _page, url in pages])
    return [
        Group(
            label=str(label),
            items=[
                Item(
                    url=url, icon=page.icon, label=str(page.label), badge_url=url_of(page.badge), current=url == current
                )
                for page, url in pages
            ],
        )
        for label, pages in seen
        if pages
    ]


def _one_or_many(model: type[City] | type[Team], ids: frozenset[int], many: str) -> str:
    if len(ids) == 1:
        return str(model._default_manager.filter(pk__in=ids).first() or "")
    return many % {"count": len(ids)} if ids else ""


class Navigation:
    """What the shell shows of the user; worked out only when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def user(self):
        return getattr(self.request, "user", None)

    @cached_property
    def groups(self) -> list[Group]:
        if self.user is None or not self.user.is_authenticated:
            return []
        return groups_for(self.user, self.request.path)

    @cached_property
    def alerts_url(self) -> str:
        """Where the first page of an administrator asks for what must not be overlooked; "" elsewhere."""
        if self.user is None or not self.user.is_authenticated or "administrator" not in roles_of(self.user):
            return ""
        return url_of("customers:canary-alerts") if self.request.path == home_for(self.user) else ""

    @cached_property
    def role(self) -> str:
        """The role that comes first in the day of this user, in words."""
        if self.user is None or not self.user.is_authenticated:
            return ""
        roles = roles_of(self.user)
        return next((str(ROLE_NAMES[role]) for role, _names in HOMES if role in roles), "")

    @cached_property
    def place(self) -> str:
        """What the role covers: an agent's team, the region, the one city or team by name, else how many."""
        if self.user is None or not self.user.is_authenticated:
            return ""
        scope = self.user.scope()
        if scope.roles == {AGENT}:
            return str(self.user.team_at(timezone.now()) or "")
        if scope.is_region:
            return gettext("Whole region")
        if scope.city_ids:
            return _one_or_many(
                City, scope.city_ids, ngettext("%(count)d city", "%(count)d cities", len(scope.city_ids))
            )
        return _one_or_many(Team, scope.team_ids, ngettext("%(count)d team", "%(count)d teams", len(scope.team_ids)))


ROLE_NAMES = {
    AGENT: _("Agent"),
    "team_leader": _("Team leader"),
    "supervisor": _("Supervisor"),
    "data": _("Data team"),
    "campaign_manager": _("Campaign manager"),
    "qa": _("Quality assurance"),
    "trainer": _("Trainer"),
    "city_manager": _("City manager"),
    "regional_manager": _("Regional manager"),
    "administrator": _("Administrator"),
}


def navigation(request: HttpRequest) -> dict[str, Navigation]:
    """Context processor."""
    return {"navigation": Navigation(request)}
