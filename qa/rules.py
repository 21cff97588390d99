"""Who may do what with recordings, forms and evaluations. Which ones is asked of visible_to, which knows all roles that read; what a role
does is asked of the places in which it is held, so that who is QA in one city and agent in another is QA in the first alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from campaigns.models import Call, Campaign, Lead
from campaigns.rules import GATEKEEPERS, PLANNERS, covers_as
from people.models import City, Membership, User
from people.scopes import scope_in
from qa.models import Appeal, Clip, Complaint, Evaluation, Recording, RecordingNote, SurveyAsk
from qa.models.complaints import COMPLAINT_READERS
from qa.models.evaluations import READERS
from qa.models.full_run import WATCHERS
from qa.models.recordings import HEARERS
from qa.models.work import SCORERS

Role = Membership.Role
MONITORS = (Role.QA, Role.SUPERVISOR, Role.CAMPAIGN_MANAGER)
BULLETIN_WRITERS = (Role.QA, Role.SUPERVISOR)
# How well scorers agree is told by name: to those who score, and to who answers for the place.
AGREEMENT_READERS = (Role.QA, Role.CITY_MANAGER, Role.REGIONAL_MANAGER)
SHARE_SETTERS = (Role.QA, Role.REGIONAL_MANAGER)
SECOND_DECIDERS = (Role.CITY_MANAGER, Role.REGIONAL_MANAGER)
CHOOSERS = (Role.QA, Role.TRAINER, Role.TEAM_LEADER, Role.SUPERVISOR)
COACHES = (Role.QA, Role.TEAM_LEADER, Role.TRAINER)
UPLOADERS = (Role.QA, Role.DATA, Role.ADMINISTRATOR)
DOWNLOADERS = (Role.QA, Role.REGIONAL_MANAGER)
KEEP_SETTERS = (Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
LISTENERS_READERS = (Role.QA, Role.CITY_MANAGER, Role.REGIONAL_MANAGER)


class OfCall(Protocol):
    """A call, or what keeps the places of one: a recording, an evaluation, a task, a complaint."""

    @property
    def city_id(self) -> Any: ...

    @property
    def team_id(self) -> Any: ...

    @property
    def agent_id(self) -> Any: ...


def holds_for(user: User, row: OfCall, roles: Sequence[str]) -> bool:
    """Whether one of these roles, and no other of the user, covers the call's city or team."""
    scope = scope_in(user, roles)
    return scope.is_region or row.city_id in scope.city_ids or row.team_id in scope.led_team_ids


def can_hear(user: User) -> bool:
    """Listen, and write remarks: an agent to the own calls, all others to those of their teams and cities."""
    return user.has_role(*HEARERS)


def can_upload(user: User, call: OfCall | None = None) -> bool:
    """Bring recordings and texts of calls in; of this call, where one is named. Whoever brings in the calls may, and hears none of it."""
    may = user.is_superuser or user.has_role(*UPLOADERS)
    return may and (call is None or user.is_superuser or holds_for(user, call, UPLOADERS))


def can_download(user: User, recording: Recording) -> bool:
    """Take the file away."""
    return holds_for(user, recording, DOWNLOADERS)


def can_choose_clips(user: User, recording: Recording) -> bool:
    """Put a span into the library of best calls."""
    return holds_for(user, recording, CHOOSERS)


def can_see_clips(user: User) -> bool:
    return user.has_role(*HEARERS)


def can_see_listeners(user: User, recording: Recording) -> bool:
    """Who has heard it."""
    return holds_for(user, recording, LISTENERS_READERS)


def can_see_keep_rules(user: User) -> bool:
    return user.is_superuser or user.has_role(Role.QA, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


def can_set_keep_rules(user: User) -> bool:
    """Rules hold for the whole region."""
    return user.is_superuser or scope_in(user, KEEP_SETTERS).is_region


def can_delete_note(user: User, note: RecordingNote) -> bool:
    return note.by_id == user.pk


def can_drop_clip(user: User, clip: Clip) -> bool:
    """Who chose it, and QA; as long as they choose clips of its place."""
    by_all = holds_for(user, clip.recording, (Role.QA,))
    return by_all or (clip.made_by_id == user.pk and can_choose_clips(user, clip.recording))


def can_write_forms(user: User) -> bool:
    """One quality standard for the region: QA and trainers write it."""
    return user.has_role(Role.QA, Role.TRAINER)


def can_publish_forms(user: User) -> bool:
    return user.has_role(Role.QA)


def can_see_forms(user: User) -> bool:
    return user.has_role(*READERS)


def can_score(user: User, pick: str, call: OfCall) -> bool:
    """QA of the call's place scores; who leads or trains there fills in a form for coaching. Nobody scores an own call."""
    return call.agent_id != user.pk and holds_for(user, call, _scorers_by(pick))


def _scorers_by(pick: str) -> Sequence[str]:
    return COACHES if pick == Evaluation.Pick.COACHING else SCORERS


def can_withdraw(user: User, evaluation: Evaluation) -> bool:
    return evaluation.scorer_id == user.pk


def can_decide(user: User, evaluation: Evaluation, level: int = 1) -> bool:
    """Of QA of the call's place first, of its managers when the appeal has gone further; and neither the scorer nor the agent."""
    roles = SCORERS if level == 1 else SECOND_DECIDERS
    return holds_for(user, evaluation, roles) and user.pk not in (evaluation.scorer_id, evaluation.agent_id)


def can_decide_appeal(user: User, appeal: Appeal) -> bool:
    """Nobody decides the same appeal twice."""
    first = getattr(appeal, "first", None)
    return can_decide(user, appeal.answer.evaluation, appeal.level) and (
        first is None or first.decided_by_id != user.pk
    )


def can_see_evaluations(user: User) -> bool:
    """Which ones is asked of Evaluation.visible_to: agents have their own."""
    return user.has_role(Role.AGENT, *READERS)


def can_see_appeals(user: User) -> bool:
    return user.has_role(*SCORERS, *SECOND_DECIDERS)


def decides_first(user: User) -> bool:
    """Not only what has been taken further."""
    return user.has_role(*SCORERS)


def can_work(user: User) -> bool:
    """Have a queue of calls to score."""
    return user.has_role(Role.QA)


def can_see_plans(user: User) -> bool:
    return user.has_role(*READERS)


def can_plan(user: User) -> bool:
    """Say which calls are drawn."""
    return user.has_role(Role.QA)


def can_plan_in(user: User, city: City | None) -> bool:
    """QA of a city for the city; for the region (None) only QA of the region."""
    scope = scope_in(user, (Role.QA,))
    return can_plan(user) and (scope.is_region or (city is not None and city.pk in scope.city_ids))


def can_see_runs(user: User) -> bool:
    """Which ones is asked of FullRun.visible_to."""
    return user.has_role(*WATCHERS)


def can_prepare_runs(user: User) -> bool:
    return user.has_role(*MONITORS)


def can_watch_run(user: User, campaign: Campaign) -> bool:
    """Set limits and decide at hours 2, 4 and 6: where the place covers the campaign whole, since a decision may stop it."""
    scope = scope_in(user, MONITORS)
    return can_prepare_runs(user) and (scope.is_region or campaign.city_id in scope.city_ids)


def can_see_wrap_ups(user: User) -> bool:
    """Which ones is asked of WrapUp.visible_to."""
    return user.has_role(*WATCHERS)


def can_wrap_up(user: User, campaign: Campaign) -> bool:
    """Make, write and finish the wrap-up: where the place covers the campaign whole."""
    scope = scope_in(user, MONITORS)
    return user.has_role(*MONITORS) and (scope.is_region or campaign.city_id in scope.city_ids)


def can_write_bulletin(user: User, campaign: Campaign) -> bool:
    """Compose, edit and send: QA and supervisors whose place covers the campaign whole."""
    scope = scope_in(user, BULLETIN_WRITERS)
    return can_write_bulletins(user) and (scope.is_region or campaign.city_id in scope.city_ids)


def can_write_bulletins(user: User) -> bool:
    return user.has_role(*BULLETIN_WRITERS)


def can_suggest(user: User, recording: Recording) -> bool:
    """Note words for the floor while listening to others."""
    return holds_for(user, recording, CHOOSERS)


def can_calibrate(user: User) -> bool:
    """Take part in calibration sessions and open them. Which ones is asked of CalibrationSession.visible_to."""
    return user.has_role(Role.QA)


def can_calibrate_in(user: User, city_id: int, team_id: int) -> bool:
    """Open, decide and close a session about a call of this place."""
    scope = scope_in(user, SCORERS)
    return scope.is_region or city_id in scope.city_ids or team_id in scope.led_team_ids


def can_see_agreement(user: User) -> bool:
    return user.has_role(*AGREEMENT_READERS)


def can_set_double_share(user: User) -> bool:
    """One share for the region: QA of the region, and its manager."""
    return user.has_role(*SHARE_SETTERS) and scope_in(user, SHARE_SETTERS).is_region


def picks_of(user: User, call: OfCall | None = None) -> list[str]:
    """For what reason the user may choose this call by hand, or any (None), never "random": that is drawn. None: the user does not score it."""
    by_hand = (Evaluation.Pick.RISK, Evaluation.Pick.REQUESTED, Evaluation.Pick.COACHING)
    may = [pick for pick in by_hand if user.has_role(*_scorers_by(pick))]
    return [pick.value for pick in may if call is None or can_score(user, pick, call)]


def can_keep_risks(user: User, campaign: Campaign) -> bool:
    """List, hand over and clear complaint risks: who plans the campaign, and who decides its gates."""
    roles = (*PLANNERS, *GATEKEEPERS)
    return user.has_role(*roles) and covers_as(user, campaign, roles)


def can_take_complaints(user: User) -> bool:
    """Whoever hears one takes it, agents too."""
    return user.has_role(Role.AGENT, *COMPLAINT_READERS)


def can_work_on_complaint(user: User, complaint: Complaint) -> bool:
    """QA whose place covers it, and who is in charge; nobody settles a complaint about the own call."""
    if complaint.agent_id == user.pk:
        return False
    return complaint.in_charge_id == user.pk or holds_for(user, complaint, (Role.QA,))


def can_see_surveys(user: User) -> bool:
    """Which ones is asked of SurveyAsk.visible_to."""
    return user.has_role(*READERS)


def can_write_surveys(user: User) -> bool:
    """Questionnaires and rules."""
    return user.has_role(Role.QA)


def can_survey_in(user: User, city: City | None) -> bool:
    """As sampling plans: QA of a city for the city, QA of the region for the region."""
    return can_plan_in(user, city)


def can_record_answers(user: User) -> bool:
    return user.has_role(Role.AGENT)


def can_record_answer(user: User, ask: SurveyAsk, at: datetime) -> bool:
    """Who has the customer at the desk, and who called back since the asking; nobody about the own call."""
    if not can_record_answers(user) or ask.lead_id is None or ask.agent_id == user.pk:
        return False
    if Lead.objects.filter(pk=ask.lead_id, agent=user).exists():
        return True
    calls = Call.objects.filter(started_at__gte=ask.sent_at, started_at__lte=at, agent_id=user.pk)
    return calls.filter(lead_id=ask.lead_id, connected=True).exists()


def can_see_complaints(user: User) -> bool:
    """Which ones is asked of Complaint.visible_to: an agent has those that the agent took."""
    return can_take_complaints(user)


def can_weigh_complaint(user: User, complaint: Complaint) -> bool:
    """Decide how severe it is, which may stop a campaign: who answers for its city or team, and not the agent of its call."""
    if complaint.agent_id == user.pk or not user.has_role(*COMPLAINT_READERS):
        return False
    return holds_for(user, complaint, COMPLAINT_READERS)


def can_see_complaint_rates(user: User) -> bool:
    return user.has_role(*COMPLAINT_READERS)
