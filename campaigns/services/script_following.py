"""What campaigns do when another version of their script comes into force, or one is to be retired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _, ngettext

from campaigns.models import Campaign, Experiment, ExperimentArm
from core.audit import audit
from people.models import User
from scripts.models import ScriptVersion
from scripts.services import VersionInUse

OVER = [Campaign.Stage.CLOSED, Campaign.Stage.HISTORY]  # keep for ever what they called with
NAMED = 5


@transaction.atomic
def follow_version(*, before: ScriptVersion, version: ScriptVersion, by: User, at: datetime) -> int:
    """Campaigns that call with the version before call with this one from the next lead on; how many. Who talks at this moment ends with
    the text on the screen. Raises VersionInUse while a running experiment compares the version before: its arm would be gone."""
    following = (
        Campaign.objects.select_for_update(of=("self",))
        .filter(script_version=before)
        .exclude(stage__in=OVER)
        .order_by("pk")
    )
    moved = list(following)
    _refuse_arms(before, by)  # under the locks: none of these campaigns starts an experiment meanwhile
    for campaign in moved:
        campaign.script_id, campaign.script_version = version.script_id, version
        campaign.save(update_fields=["script", "script_version"])
        audit("campaigns.campaign.script_followed", campaign, by=by, at=at, before=before.number, number=version.number)
    return len(moved)


def keep_what_is_used(*, version: ScriptVersion, by: User) -> None:
    """Raises VersionInUse when a campaign that is not over, or an arm of a running experiment, calls with the version."""
    users = Campaign.objects.filter(script_version=version).exclude(stage__in=OVER)
    if users.exists():
        raise VersionInUse(
            _("Version %(number)s is the script of %(campaigns)s. Give them another version first.")
            % {"number": version.number, "campaigns": _names(users, by)}
        )
    _refuse_arms(version, by)


def _refuse_arms(version: ScriptVersion, by: User) -> None:
    arms = ExperimentArm.objects.filter(
        script_version=version, stopped_at=None, experiment__state=Experiment.State.RUNNING
    )
    compared = Campaign.objects.filter(pk__in=arms.values("experiment__campaign"))
    if compared.exists():
        raise VersionInUse(
            _("A running experiment of %(campaigns)s compares version %(number)s. Decide or stop it first.")
            % {"number": version.number, "campaigns": _names(compared, by)}
        )


def _names(campaigns: QuerySet[Campaign], by: User) -> str:
    """Those that the user may see by their names, the others by their count."""
    seen: Sequence[str] = list(
        campaigns.filter(pk__in=Campaign.objects.visible_to(by)).order_by("name").values_list("name", flat=True)[:NAMED]
    )
    more = campaigns.count() - len(seen)
    others = (
        ngettext("%(count)s other campaign", "%(count)s other campaigns", more) if seen
        else ngettext("%(count)s campaign", "%(count)s campaigns", more)
    )  # fmt: skip
    return ", ".join([*seen, others % {"count": more}] if more else seen)
