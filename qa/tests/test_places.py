"""A role counts where it is held: who is QA in one city and something else in another does in the other what that role does, and no more."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from campaigns.tests.factories import AT
from core.errors import PermissionRefused
from people.models import Membership, User
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa import rules
from qa.models import Appeal, Clip, ComplaintCategory, Evaluation, Recording
from qa.queries_evaluations import open_appeals
from qa.services import complaints, evaluations
from qa.services.evaluations import NotToScore
from qa.services.work import NotForThem, give, open_tasks
from qa.tests.factories import call_of, recording_of, wav
from qa.tests.sheets import evaluated, form_of, item

pytestmark = pytest.mark.django_db
Role = Membership.Role


class Place:
    """A city with a team, one call of it with everything that is made of a call, none of it by who is asked about."""

    def __init__(self, version) -> None:
        self.team = TeamFactory(city=CityFactory())
        self.call = call_of(self.team)
        self.recording = recording_of(self.call)
        self.evaluation = evaluated(self.call, version, UserFactory(role="qa"))
        self.clip = Clip.objects.create(
            recording=self.recording, customer_id=self.call.customer_id, city_id=self.call.city_id, title="Good", stage="opening", consent="rules",
            from_ms=0, until_ms=9, made_by=UserFactory(role="qa"), made_at=AT, keep_until=AT,
        )  # fmt: skip
        self.complaint = complaints.take_complaint(
            call=self.call, category=ComplaintCategory.objects.get(code="other"), words="Unhappy", by=UserFactory(role="qa"), at=AT, severity="minor"
        )  # fmt: skip

    def deeds_of(self, user) -> set[str]:
        """What the user may do here."""
        user = User.objects.get(pk=user.pk)  # a request of its own
        found = {
            "decides": rules.can_decide(user, self.evaluation),
            "uploads": rules.can_upload(user, self.call),
            "downloads": rules.can_download(user, self.recording),
            "chooses clips": rules.can_choose_clips(user, self.recording),
            "drops clips": rules.can_drop_clip(user, self.clip),
            "suggests": rules.can_suggest(user, self.recording),
            "sees listeners": rules.can_see_listeners(user, self.recording),
            "works on complaints": rules.can_work_on_complaint(user, self.complaint),
            "weighs complaints": rules.can_weigh_complaint(user, self.complaint),
            "calibrates": rules.can_calibrate_in(user, self.call.city_id, self.call.team_id),
            **{f"scores: {pick}": rules.can_score(user, pick, self.call) for pick in Evaluation.Pick.values},
        }
        return {deed for deed, may in found.items() if may}

    def hold(self, user, role) -> None:
        if role in (Role.AGENT, Role.TEAM_LEADER):
            MembershipFactory(user=user, role=role, team=self.team)
        else:
            MembershipFactory(user=user, role=role, city=self.team.city)


@pytest.fixture
def version():
    return form_of(UserFactory(role="qa"))


@pytest.fixture
def here(version):
    return Place(version)


@pytest.fixture
def there(version):
    return Place(version)


EVERYTHING_OF_QA = {
    "decides", "uploads", "downloads", "chooses clips", "drops clips", "suggests", "sees listeners", "works on complaints", "weighs complaints",
    "calibrates", *(f"scores: {pick}" for pick in Evaluation.Pick.values),
}  # fmt: skip
THERE = {
    Role.AGENT: set(),
    Role.TEAM_LEADER: {"chooses clips", "suggests", "weighs complaints", "scores: coaching"},
    Role.SUPERVISOR: {"chooses clips", "suggests", "weighs complaints"},
    Role.TRAINER: {"chooses clips", "suggests", "scores: coaching"},
    Role.DATA: {"uploads"},
    Role.CAMPAIGN_MANAGER: {"weighs complaints"},
    Role.CITY_MANAGER: {"sees listeners", "weighs complaints"},
}


@pytest.mark.parametrize("role", THERE)
def test_qa_of_one_city_does_in_another_what_the_role_held_there_does(here, there, role):
    user = UserFactory()
    here.hold(user, Role.QA)
    there.hold(user, role)

    assert here.deeds_of(user) == EVERYTHING_OF_QA
    assert there.deeds_of(user) == THERE[role]


def test_qa_of_the_region_does_it_everywhere_and_of_a_team_for_its_calls(here, there):
    region, of_team = UserFactory(role="qa"), UserFactory()
    MembershipFactory(user=of_team, role="qa", team=here.team)

    assert here.deeds_of(region) == there.deeds_of(region) == EVERYTHING_OF_QA
    assert here.deeds_of(of_team) == EVERYTHING_OF_QA
    assert there.deeds_of(of_team) == set()


def test_nobody_scores_or_decides_about_an_own_call_whatever_the_role(version):
    team = TeamFactory()
    agent = UserFactory(agent=team)
    MembershipFactory(user=agent, role="qa", city=None)
    call = call_of(team, agent=agent)
    row = evaluated(call, version, UserFactory(role="qa"))

    assert [pick for pick in Evaluation.Pick.values if rules.can_score(agent, pick, call)] == []
    assert rules.picks_of(agent, call) == []
    assert rules.can_decide(agent, row) is False
    with pytest.raises(NotToScore, match="Nobody scores an own call"):
        evaluations.begin(call=call, version=version, scorer=agent, pick="requested", at=AT)
    with pytest.raises(NotForThem):
        give(call=call, form=version.form, pick="requested", source="plan", at=AT, scorer=agent)


def _appeal(row) -> Appeal:
    answer = row.answers.get(item=item(row.version, "Asks for the order"))
    return evaluations.appeal(answer=answer, reason="I asked", by=User.objects.get(pk=row.agent_id), at=AT)


def test_a_scorer_does_not_decide_the_appeal_against_the_own_evaluation_and_another_appeals_for_nobody(here):
    made, scorer = _appeal(here.evaluation), here.evaluation.scorer
    greets = here.evaluation.answers.get(item=item(here.evaluation.version, "Greets"))

    with pytest.raises(PermissionRefused):
        evaluations.decide(appeal=made, right_answer="no", ground="It was not asked", by=scorer, at=AT)
    with pytest.raises(PermissionRefused):
        evaluations.appeal(answer=greets, reason="I greeted", by=scorer, at=AT)

    assert Appeal.objects.get().decision == ""


# -- the same by page --------------------------------------------------------------------------------------------------


@pytest.fixture
def trainer_there(client, here, there):
    """QA here, trainer there, signed in: reads everything of both."""
    user = UserFactory()
    here.hold(user, Role.QA)
    there.hold(user, Role.TRAINER)
    client.force_login(user)
    return user


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def _posts(client, place) -> dict[str, int]:
    made = Appeal.objects.get(answer__evaluation=place.evaluation)
    version = place.evaluation.version
    files = {"file": SimpleUploadedFile("a.wav", wav(1, tone=500))}
    answers = {
        "download": client.get(url("recording-download", place.recording.pk)),
        "clip-drop": client.post(url("clip-drop", place.clip.pk)),
        "decide": client.post(url("appeal-decide", place.evaluation.pk, made.pk), {"right_answer": "no", "ground": "Heard it"}),
        "begin": client.post(url("evaluation-begin", place.call.pk), {"version": version.pk, "pick": "requested"}),
        "upload": client.post(url("call-upload", place.call.pk), files),
    }  # fmt: skip
    if answers["download"].streaming:
        answers["download"].getvalue()  # read to its end, the file is closed
    return {name: answer.status_code for name, answer in answers.items()}


def test_pages_refuse_there_what_they_do_here(client, here, there, trainer_there):
    _appeal(here.evaluation), _appeal(there.evaluation)

    assert _posts(client, there) == {"download": 403, "clip-drop": 403, "decide": 403, "begin": 403, "upload": 403}
    assert Evaluation.objects.filter(scorer=trainer_there).count() == 0
    assert Recording.objects.filter(call_id=there.call.pk).count() == 1
    assert Appeal.objects.get(answer__evaluation=there.evaluation).decision == ""
    assert _posts(client, here) == {"download": 200, "clip-drop": 302, "decide": 302, "begin": 302, "upload": 302}
    assert Evaluation.objects.get(scorer=trainer_there).call_id == here.call.pk
    assert Recording.objects.filter(call_id=here.call.pk).count() == 2


def test_pages_offer_there_only_what_may_be_done(client, here, there, trainer_there):
    _appeal(here.evaluation), _appeal(there.evaluation)

    mine, theirs = (client.get(url("recording", place.recording.pk)).content.decode() for place in (here, there))

    assert 'value="requested"' in mine
    assert 'value="requested"' not in theirs
    assert 'value="coaching"' in theirs
    assert url("recording-download", here.recording.pk) in mine
    assert url("recording-download", there.recording.pk) not in theirs
    assert [row.answer.evaluation for row in open_appeals(trainer_there)] == [here.evaluation]


def test_a_task_there_is_not_done_by_who_is_qa_here_alone(here, there, trainer_there):
    for place in (here, there):
        give(
            call=place.call, form=place.evaluation.version.form, pick="risk", source="plan", at=AT, scorer=trainer_there
        )

    found = [
        open_tasks(call_id=place.call.pk, form_id=place.evaluation.version.form_id, scorer=trainer_there)
        for place in (here, there)
    ]

    assert [len(tasks) for tasks in found] == [1, 0]


def test_the_api_takes_recordings_of_the_own_place_alone(client, here, there, trainer_there):
    answers = [
        client.post("/api/v1/recordings/", {"call": place.call.pk, "file": io.BytesIO(wav(1, tone=700))}) for place in (there, here)
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403, 201]
