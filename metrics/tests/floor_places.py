"""Work on a floor, for its tests: agents, calls and states at a moment of an ordinary Thursday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from campaigns.models import AgentState, Call, Campaign, CampaignTeam
from campaigns.tests.factories import CampaignFactory, result
from metrics.floor.addresses import Look
from metrics.floor.board import Board, read_board
from metrics.floor.places import find_place
from metrics.models import Partition, Watermark
from metrics.services import rollup
from people.models import City, Team, User

AT = datetime(2026, 11, 19, 7, 30, tzinfo=UTC)  # 15:30 in China
DAY = date(2026, 11, 19)


def board_for(user: User, at: datetime = AT, look: Look | None = None, **asked: object) -> Board:
    place = find_place(user, {name: str(value) for name, value in asked.items()})
    return read_board(user=user, place=place, look=look or Look(), at=at)


def running(*teams: Team, **fields: object) -> Campaign:
    """A campaign in full run on which these teams work."""
    campaign = CampaignFactory(**fields)
    CampaignTeam.objects.bulk_create(CampaignTeam(campaign=campaign, team=team) for team in teams)
    return campaign


def call(
    agent: User, team: Team, campaign: Campaign, customer: int, code: str, at: datetime = AT, after_call: int = 0
) -> Call:
    disposition = result(code)
    return Call.objects.create(
        started_at=at, recorded_at=at, customer_id=customer, city_id=team.city_id, agent_id=agent.pk, team_id=team.pk, team_city_id=team.city_id,
        campaign_id=campaign.pk, disposition_id=disposition.pk, connected=disposition.connected, sale=disposition.sale,
        talk_seconds=60 if disposition.connected else 0, after_call_seconds=after_call,
    )  # fmt: skip


def state(
    agent: User, team: Team, kind: str, seconds: int, campaign: Campaign | None = None, reason: str = ""
) -> AgentState:
    """What the agent has been doing for so many seconds at AT."""
    return AgentState.objects.create(
        agent=agent,
        team=team,
        state=kind,
        reason=reason,
        began_at=AT - timedelta(seconds=seconds),
        campaign_id=campaign and campaign.pk,
    )


def rolled_up(day: date, city: City, until: datetime) -> None:
    """Build the day of a city as the rollup would have at `until`."""
    rollup.build(day, city.pk)
    Partition.objects.filter(day=day, city_id=city.pk).update(
        built_at=until,
        recorded_until=until - timedelta(seconds=1),
        calls_counted_at=until,
        calls_recorded_until=until - timedelta(seconds=1),
    )
    Watermark.objects.update_or_create(pk=1, defaults={"scanned_until": until})
