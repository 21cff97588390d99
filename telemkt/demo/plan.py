"""The demo's products, scripts and three campaigns in different stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaigns.models import Campaign, Gate
from campaigns.services import planning
from customers.models import LeadList, RulePack, Source
from people.models import User
from scripts.models import Offer, Product, Script, ScriptVersion
from scripts.services import approve_version, make_live, submit_version
from telemkt.demo import words
from telemkt.demo.accounts import People
from telemkt.demo.talk import write_talk
from telemkt.demo.treasury import make_treasury

Stage = Campaign.Stage
RUNNING_SINCE, ENDED, TRIAL_SINCE = 45, 20, 3  # days back


@dataclass
class Plan:
    """Campaigns by code, and the lists that feed each."""

    campaigns: dict[str, Campaign]
    lists: dict[str, list[LeadList]]


def make_plan(people: People, today: date, at: datetime) -> Plan:
    products = _products(today)
    make_treasury(people, products, at)
    packs = list(RulePack.objects.filter(code="DEMO"))
    facts = [
        ("HOME-500", "老客户家庭宽带提速", products[0], Stage.RUNNING, RUNNING_SINCE, None, {"target_success_percent": "6.50", "target_contact_percent": "78.00", "target_customers": 9000}),
        ("FAM-5G", "5G 家庭共享推广", products[1], Stage.WRAP_UP, 60, ENDED, {"target_success_percent": "6.00", "target_contact_percent": "76.00", "target_customers": 6000}),
        ("CARE-TRY", "手机关爱包试呼", products[2], Stage.TRIAL, TRIAL_SINCE, None, {"target_success_percent": "8.00", "target_contact_percent": "70.00"}),
    ]  # fmt: skip
    campaigns, lists = {}, {}
    for code, name, product, stage, since, until, targets in facts:
        campaign = _campaign(
            people,
            code,
            name,
            product,
            stage,
            today - timedelta(days=since),
            until and today - timedelta(days=until),
            targets,
            packs,
            at,
        )
        campaigns[code] = campaign
        lists[code] = _lists(people, campaign, at - timedelta(days=since))
    return Plan(campaigns, lists)


def _products(today: date) -> list[Product]:
    made = []
    for code, name, price, points, statements, larger in words.PRODUCTS:
        product = Product.objects.create(
            code=code,
            name=name,
            price_cents=price,
            selling_points=points,
            mandatory_statements=statements,
            is_larger_plan=larger,
        )
        Offer.objects.create(
            product=product, code=f"{code}-TEL", name=f"{name} 电话专享", price_cents=int(price * 0.9), terms="仅限电话渠道",
            valid_from=today - timedelta(days=90),
        )  # fmt: skip
        made.append(product)
    return made


def _live_script(people: People, product: Product, at: datetime) -> ScriptVersion:
    script = Script.objects.create(code=f"S-{product.code}", name=f"{product.name}话术", product=product)
    version = ScriptVersion.objects.create(script=script, number=1, created_by=people.by_role["campaign_manager"])
    write_talk(version, product)
    submit_version(version=version, by=people.by_role["campaign_manager"], at=at)
    approve_version(version=version, by=people.by_role["qa"], at=at)
    return make_live(version=version, by=people.by_role["qa"], at=at)


def _campaign(people, code, name, product, stage, starts_on, ends_on, targets, packs, at) -> Campaign:
    version = _live_script(people, product, at - timedelta(days=62))
    campaign = Campaign(
        code=code, name=name, product=product, offer=product.offers.first(), script=version.script, script_version=version,
        starts_on=starts_on, ends_on=ends_on, **targets,
    )  # fmt: skip
    planner, keeper = people.by_role["campaign_manager"], people.by_role["qa"]
    planning.plan_campaign(campaign=campaign, packs=packs, by=planner, at=at)
    teams = [team for team in people.teams if stage != Stage.TRIAL or team.code.startswith("FS")]
    planning.set_teams(campaign=campaign, teams=teams, by=planner, at=at)
    for passed in Campaign.ORDER[1 : Campaign.ORDER.index(stage) + 1]:
        _open_gate(Gate.objects.get(campaign=campaign, stage=passed), keeper, at)
        planning.enter_stage(campaign=campaign, stage=passed, by=planner, at=at)
    campaign.refresh_from_db()
    return campaign


def _open_gate(gate: Gate, keeper: User, at: datetime) -> None:
    """Reviews of checkpoints of the past are not told anew: those gates were passed once."""
    if gate.is_reviewed:
        Gate.objects.filter(pk=gate.pk).update(status=Gate.Status.PASSED, decided_by=keeper, decided_at=at)
    else:
        planning.decide_gate(gate=gate, passed=True, reason="", by=keeper, at=at)


def _lists(people: People, campaign: Campaign, at: datetime) -> list[LeadList]:
    own, _ = Source.objects.get_or_create(name="存量客户", defaults={"kind": Source.Kind.OWN})
    event, _ = Source.objects.get_or_create(name="门店活动", defaults={"kind": Source.Kind.MARKETING})
    bought, _ = Source.objects.get_or_create(
        name="合作方数据", defaults={"kind": Source.Kind.BOUGHT, "supplier": "合作方", "price_cents": 12}
    )
    sources = {"HOME-500": [own, bought], "FAM-5G": [own, event], "CARE-TRY": [event]}[campaign.code]
    data = people.by_role["data"]
    return [
        LeadList.objects.create(
            name=f"{campaign.name} {source.name}", source=source, status=LeadList.Status.COMMITTED, consent_basis="入网协议营销条款",
            consent_stated_by=data.display_name, created_by=data, created_at=at, checked_at=at, committed_at=at, committed_by=data,
        )
        for source in sources
    ]  # fmt: skip
