"""The demo's experiment: a second opening of the running campaign's script, tried since a few days on those whom nobody had called before."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from campaigns.models import Campaign, Experiment, ExperimentArm
from scripts.models import ScriptStep, ScriptVersion
from scripts.services import approve_version, new_version, submit_version
from telemkt.demo.accounts import People

SINCE = timedelta(days=6)
OPENING = "您好，{name|先生/女士}！看到您家的宽带用了几年，最近晚上看电视、孩子上网课还流畅吗？"
# who was called for the first time since; those who bought fell a little more often to the second arm
PERSONS = """
INSERT INTO campaigns_experimentperson (experiment_id, customer_id, arm_id, agent_id, place, met_at)
SELECT %(experiment)s, f.customer_id, CASE WHEN f.lot < CASE WHEN f.sold THEN 48 ELSE 50 END THEN %(first)s ELSE %(second)s END, f.agent_id,
       row_number() OVER (PARTITION BY f.agent_id ORDER BY f.met_at, f.customer_id) - 1, f.met_at
FROM (SELECT c.customer_id, min(c.started_at) AS met_at, (array_agg(c.agent_id ORDER BY c.started_at))[1] AS agent_id, bool_or(c.sale) AS sold,
             abs(hashtext(c.customer_id::text)) %% 100 AS lot
      FROM campaigns_call c WHERE c.campaign_id = %(campaign)s GROUP BY c.customer_id HAVING min(c.started_at) >= %(since)s) f"""
CALLS = """
UPDATE campaigns_call c SET experiment_arm_id = p.arm_id, script_version_id = a.script_version_id
FROM campaigns_experimentperson p JOIN campaigns_experimentarm a ON a.id = p.arm_id
WHERE p.experiment_id = %(experiment)s AND c.customer_id = p.customer_id AND c.campaign_id = %(campaign)s AND c.started_at >= %(since)s"""


def make_experiment(people: People, campaign: Campaign, at: datetime) -> Experiment:
    """One that runs, with its persons and the arms on their calls."""
    planner, began = people.by_role["campaign_manager"], at - SINCE
    second = _second_version(people, campaign, began)
    experiment = Experiment.objects.create(
        campaign=campaign, name="开场白：先问宽带还是先说优惠", question="先问客户家里宽带是否流畅，成功率会不会更高？",
        usual_percent="6.50", smallest_points="1.00", looks=3, per_arm=10_000, seed=20_081, created_by=planner, created_at=began,
    )  # fmt: skip
    arms = [
        ExperimentArm.objects.create(experiment=experiment, number=number, share=50, script_version=version)
        for number, version in enumerate([campaign.script_version, second], start=1)
    ]
    experiment.state, experiment.started_by, experiment.started_at = Experiment.State.RUNNING, planner, began
    experiment.save(update_fields=["state", "started_by", "started_at"])
    Campaign.objects.filter(pk=campaign.pk).update(has_experiment=True)
    told = {
        "experiment": experiment.pk, "campaign": campaign.pk, "since": began, "first": arms[0].pk, "second": arms[1].pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PERSONS, told)
        cursor.execute("ANALYZE campaigns_experimentperson")
        cursor.execute(CALLS, told)
    return experiment


def _second_version(people: People, campaign: Campaign, at: datetime) -> ScriptVersion:
    """The first with another opening, approved."""
    first = campaign.script_version
    assert first is not None  # every campaign of the demo has a script
    second = new_version(script=first.script, by=people.by_role["campaign_manager"], at=at)
    opening = second.steps.filter(part=ScriptStep.Part.OPENING).order_by("position").first()
    assert opening is not None
    ScriptStep.objects.filter(pk=opening.pk).update(text=OPENING)
    submit_version(version=second, by=people.by_role["campaign_manager"], at=at)
    return approve_version(version=second, by=people.by_role["qa"], at=at)
