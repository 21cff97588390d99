"""Checkpoints 1 and 2: what the machine fills, what QA must answer, what keeps a gate closed, and what stays for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns import rules as campaign_rules
from campaigns.models import Campaign, Gate
from campaigns.services import planning
from campaigns.tests.factories import AT
from core.errors import PermissionRefused
from core.models import AuditEvent, Job
from people.models import Membership
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa import checkpoints, rules
from qa.models import GateReview, GateReviewItem, ScoringTask
from qa.services import reviews, risks, work
from qa.tests.factories import call_of, recording_of, work_off
from qa.tests.sheets import evaluated, form_of
from scripts.models import GuidanceMap, ProhibitedWord, Script, ScriptStep
from scripts.tests.factories import ArticleFactory, ProductFactory, ScriptVersionFactory, live_version, moved

pytestmark = pytest.mark.django_db
Role = Membership.Role
STATES = list(Campaign.ORDER)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def planner(team):
    return UserFactory(role=Role.CAMPAIGN_MANAGER, city=team.city)


def standing(team, planner, stage, version="live"):
    """A campaign of the team's city in this stage, its earlier gates passed; with a script in force unless told otherwise."""
    version = live_version() if version == "live" else version
    product = version.script.product if version else ProductFactory()
    campaign = Campaign(
        code=f"K-{stage}", name="Campaign of gates", product=product, city=team.city, script_version=version,
        script=version and version.script,
    )  # fmt: skip
    planning.plan_campaign(campaign=campaign, packs=[], by=planner, at=AT)
    for passed in STATES[1 : STATES.index(stage) + 1]:
        Gate.objects.filter(campaign=campaign, stage=passed).update(status="passed", decided_by=planner, decided_at=AT)
        Campaign.objects.filter(pk=campaign.pk).update(stage=passed)
    campaign.refresh_from_db()
    return campaign


def gate_of(campaign, stage):
    return Gate.objects.get(campaign=campaign, stage=stage)


@pytest.fixture
def first(team, planner):
    """The gate before the trial call."""
    return gate_of(standing(team, planner, "script_review"), "trial")


@pytest.fixture
def second(team, planner):
    """The gate before the full run."""
    return gate_of(standing(team, planner, "trial"), "running")


@pytest.fixture
def form(qa):
    return form_of(UserFactory(role=Role.QA)).form


def answered(review, qa):
    """QA finds every item of its own in order."""
    for item in review.items.filter(kind="qa"):
        reviews.answer(review=review, key=item.key, result="ok", remark="", by=qa, at=AT)
    return review


def opened(gate, qa, form=None):
    return reviews.open_review(gate=gate, by=qa, at=AT, form=form)


def closed(review, qa, verdict="pass", reason=""):
    return reviews.close(review=review, verdict=verdict, reason=reason, by=qa, at=AT + timedelta(minutes=1))


def results(review):
    return dict(review.items.values_list("key", "result"))


# -- checkpoint 1 -------------------------------------------------------------------------------------------------------


def test_the_machine_fills_what_it_can_and_leaves_the_rest_to_qa(first, qa):
    review = opened(first, qa)

    assert results(review) == {
        "script": "ok", "parts": "ok", "must_say": "ok", "prohibited": "ok", "knowledge": "ok",
        "request": "open", "product_text": "open", "risks_listed": "open",
    }  # fmt: skip
    assert opened(first, qa) == review  # one open review of a gate


def test_a_gate_is_passed_by_its_review_once_everything_is_in_order(first, qa, planner):
    review = closed(answered(opened(first, qa), qa), qa, reason="Read and heard")

    first.refresh_from_db()
    assert (first.status, first.decided_by, first.reason) == ("passed", qa, "Read and heard")
    assert review.evidence["script"]["version"] == first.campaign.script_version_id
    assert {item["key"]: item["result"] for item in review.evidence["items"]} == results(review)
    assert review.evidence["risks"] == {"open": 0, "cleared": 0}
    said = AuditEvent.objects.filter(action__startswith="qa.gate_review").values_list("action", flat=True)
    assert sorted(set(said)) == ["qa.gate_review.answered", "qa.gate_review.closed", "qa.gate_review.opened"]


def test_an_open_item_keeps_the_gate_closed_and_is_named(first, qa):
    review = opened(first, qa)
    for key in ("request", "risks_listed"):
        reviews.answer(review=review, key=key, result="ok", remark="", by=qa, at=AT)

    with pytest.raises(reviews.NotInOrder, match=r"product text agrees with the knowledge base \(open\)\.$"):
        closed(review, qa)
    first.refresh_from_db()
    review.refresh_from_db()
    assert (first.status, review.closed_at) == ("pending", None)


def test_an_uncleared_risk_keeps_the_gate_closed_until_somebody_clears_it(first, qa):
    review = answered(opened(first, qa), qa)
    risk = risks.add(campaign=first.campaign, words="The price rises after a year", at=AT, by=qa)

    with pytest.raises(reviews.NotInOrder, match="1 complaint risk is not cleared"):
        closed(review, qa)
    risks.clear(risk=risk, why="The script says so in step 3", by=qa, at=AT)
    assert closed(review, qa).evidence["risks"] == {"open": 0, "cleared": 1}


def test_what_is_wrong_with_the_script_fails_its_items(team, planner, qa):
    version = ScriptVersionFactory(script__product__mandatory_statements="Two years at least", six_parts=True)
    article = ArticleFactory()
    step = version.steps.get(part="introduction")
    step.quotes.create(article=article, article_version=article.number)
    version.steps.filter(part="closing").delete()
    ScriptStep.objects.filter(version=version, part="opening").update(text="The cheapest of all")
    ProhibitedWord.objects.create(word="cheapest", why="law on advertising")
    type(article).objects.filter(pk=article.pk).update(number=article.number + 1)
    gate = gate_of(standing(team, planner, "script_review", version), "trial")

    review = opened(gate, qa)

    assert results(review) == {
        "script": "failed", "parts": "failed", "must_say": "failed", "prohibited": "failed", "knowledge": "failed",
        "request": "open", "product_text": "open", "risks_listed": "open",
    }  # fmt: skip
    items = {item.key: checkpoints.sentences(item.key, item.found) for item in review.items.all()}
    assert items["must_say"] == ["“Two years at least” must be said of this product, and no step says it."]
    assert "cheapest (law on advertising)" in items["prohibited"][0]
    assert items["script"] == [f"{version.script}, version 1: Draft."]


def test_a_campaign_without_a_script_fails_every_item_of_the_script_and_says_why(team, planner, qa):
    gate = gate_of(standing(team, planner, "script_review", None), "trial")

    review = answered(opened(gate, qa), qa)

    assert {item.key for item in review.items.filter(result="failed")} == {
        "script",
        "parts",
        "must_say",
        "prohibited",
        "knowledge",
    }
    assert checkpoints.sentences("parts", review.items.get(key="parts").found) == ["No script version is chosen."]
    with pytest.raises(reviews.NotInOrder):
        closed(review, qa)
    assert closed(review, qa, "back", "Write a script").evidence["script"] is None


def test_the_machine_looks_again_at_the_verdict(first, qa):
    review = answered(opened(first, qa), qa)
    Campaign.objects.filter(pk=first.campaign_id).update(script_version=None)

    with pytest.raises(reviews.NotInOrder, match="A script version is chosen"):
        closed(review, qa)


def test_sending_back_needs_a_reason_and_the_next_round_begins_anew(first, qa):
    review = opened(first, qa)
    with pytest.raises(reviews.NotInOrder, match="what has to be changed"):
        closed(review, qa, "back", " ")
    closed(review, qa, "back", "Say the price")

    first.refresh_from_db()
    again = opened(first, qa)
    assert (first.status, first.reason) == ("refused", "Say the price")
    assert again != review
    assert results(again)["request"] == "open"


def test_the_verdict_of_rates_belongs_to_the_trial(first, qa):
    with pytest.raises(reviews.NotInOrder, match="Before the trial call"):
        closed(opened(first, qa), qa, "early")


def test_only_what_qa_fills_is_answered_by_hand_and_what_is_wrong_is_said(first, qa):
    review = opened(first, qa)
    with pytest.raises(reviews.NotByHand, match="by the machine"):
        reviews.answer(review=review, key="parts", result="ok", remark="", by=qa, at=AT)
    with pytest.raises(reviews.NotByHand, match="what is not in order"):
        reviews.answer(review=review, key="request", result="failed", remark=" ", by=qa, at=AT)

    said = reviews.answer(review=review, key="request", result="failed", remark="Asked for a survey", by=qa, at=AT)
    assert (said.result, said.remark, said.by) == ("failed", "Asked for a survey", qa)
    reviews.answer(review=review, key="request", result="failed", remark="Asked for a survey", by=qa, at=AT)
    assert AuditEvent.objects.filter(action="qa.gate_review.answered").count() == 1
    back = reviews.answer(review=review, key="request", result="open", remark="never mind", by=qa, at=AT)
    assert (back.result, back.remark, back.by) == ("open", "", None)


def test_a_checkpoint_is_reviewed_when_it_is_the_next_one(team, planner, qa, form):
    campaign = standing(team, planner, "script_review")
    with pytest.raises(reviews.NotReviewable, match="not the next one"):
        opened(gate_of(campaign, "running"), qa, form)
    with pytest.raises(reviews.NotReviewable, match="no list"):
        opened(gate_of(campaign, "wrap_up"), qa)


def test_no_button_passes_a_gate_that_asks_for_a_review(client, first, qa):
    with pytest.raises(reviews.NotInOrder, match="by the review"):
        planning.decide_gate(gate=first, passed=True, reason="", by=qa, at=AT)
    client.force_login(qa)
    client.post(reverse("campaigns:gate_act", args=[first.campaign_id, first.pk]), {"act": "pass"})
    first.refresh_from_db()
    assert first.status == "pending"


def test_another_citys_qa_neither_opens_nor_answers_nor_closes(first, qa):
    stranger = UserFactory(role=Role.QA, city=CityFactory())
    review = opened(first, qa)

    assert not GateReview.objects.visible_to(stranger).exists()
    for deed in (
        lambda: opened(first, stranger),
        lambda: reviews.refresh(review=review, by=stranger, at=AT),
        lambda: reviews.answer(review=review, key="request", result="ok", remark="", by=stranger, at=AT),
        lambda: closed(review, stranger, "back", "No"),
    ):
        with pytest.raises(PermissionRefused):
            deed()


def test_qa_of_one_city_decides_nothing_where_the_same_person_trains(first):
    city = first.campaign.city
    both = UserFactory(role=Role.QA, city=CityFactory())
    MembershipFactory(user=both, role=Role.TRAINER, city=city)
    rules_asked = (
        lambda user: campaign_rules.can_decide_gate(user, first.campaign),
        lambda user: campaign_rules.can_confirm_override(user, Gate(campaign=first.campaign, decided_by_id=0)),
        lambda user: campaign_rules.can_plan(user, first.campaign),
        lambda user: campaign_rules.can_switch(user, first.campaign),
        lambda user: rules.can_keep_risks(user, first.campaign),
    )

    assert [may(both) for may in rules_asked] == [False] * 5
    planner = UserFactory(role=Role.CAMPAIGN_MANAGER, city=CityFactory())
    MembershipFactory(user=planner, role=Role.TRAINER, city=city)
    assert [may(planner) for may in rules_asked] == [False] * 5
    for whole in (UserFactory(role=Role.REGIONAL_MANAGER), UserFactory(is_superuser=True)):
        assert [may(whole) for may in rules_asked] == [True] * 5


def test_a_closed_review_never_changes(first, qa):
    review = closed(answered(opened(first, qa), qa), qa)

    for deed in (
        lambda: reviews.refresh(review=review, by=qa, at=AT),
        lambda: reviews.answer(review=review, key="request", result="open", remark="", by=qa, at=AT),
        lambda: closed(review, qa, "back", "After all"),
    ):
        with pytest.raises(reviews.ReviewClosed):
            deed()
    for change in (
        lambda: GateReview.objects.filter(pk=review.pk).update(reason="Other words"),
        lambda: GateReviewItem.objects.filter(review=review, key="request").update(result="failed", remark="No"),
        lambda: GateReview.objects.filter(pk=review.pk)._raw_delete("default"),
        lambda: GateReviewItem.objects.filter(review=review)._raw_delete("default"),
        lambda: GateReviewItem.objects.create(review=review, position=99, key="more", kind="machine", at=AT),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_the_same_person_does_not_override_twice_and_the_open_review_goes_with_the_override(first, qa, planner):
    review = opened(first, qa)
    planning.ask_override(gate=first, reason="The fair opens tomorrow", by=planner, at=AT)
    with pytest.raises(planning.OverrideRefused):
        planning.confirm_override(gate=first, by=planner, at=AT)
    planning.confirm_override(gate=first, by=qa, at=AT)

    review.refresh_from_db()
    assert (review.verdict, review.reason, review.closed_by) == ("overridden", "The fair opens tomorrow", qa)
    assert [item["result"] for item in review.evidence["items"]].count("open") == 3
    with pytest.raises(reviews.NotReviewable, match="for ever"):
        opened(first, qa)


def other_version(campaign):
    """Of the same script, chosen for the campaign now."""
    new = moved(ScriptVersionFactory(script=Script.objects.get(pk=campaign.script_id), six_parts=True), "approved")
    Campaign.objects.filter(pk=campaign.pk).update(script_version=new)
    return new


def test_a_stage_begins_with_the_version_for_which_its_gate_was_passed(first, qa, planner):
    closed(answered(opened(first, qa), qa), qa)
    other_version(first.campaign)

    with pytest.raises(reviews.NotInOrder, match="another script version"):
        planning.enter_stage(campaign=first.campaign, stage="trial", by=planner, at=AT)
    closed(answered(opened(first, qa), qa), qa)
    assert not _refused_for_its_version(first.campaign, planner)


@pytest.mark.parametrize("status", ["overridden", "passed"])  # passed: before there were reviews
def test_a_gate_without_a_review_that_passed_it_holds_for_any_version(first, qa, planner, status):
    if status == "overridden":
        closed(answered(opened(first, qa), qa), qa)
    Gate.objects.filter(pk=first.pk).update(
        status=status,
        reason="Fair",
        decided_by=planner,
        second_by=qa if status == "overridden" else None,
        decided_at=AT,
    )
    other_version(first.campaign)
    assert not _refused_for_its_version(first.campaign, planner)


def _refused_for_its_version(campaign, by):
    """What calling needs besides is not prepared here."""
    try:
        planning.enter_stage(campaign=campaign, stage="trial", by=by, at=AT)
    except planning.NotReady:
        return False
    except reviews.NotInOrder:
        return True
    return False


# -- checkpoint 2 -------------------------------------------------------------------------------------------------------


def trial_calls(team, campaign, count, **fields):
    agent = UserFactory(agent=team)
    return [
        call_of(team, agent=agent, at=AT - timedelta(minutes=n + 1), campaign=campaign, **fields) for n in range(count)
    ]


def test_all_recordings_of_the_trial_are_queued_and_listening_is_counted(team, second, qa, form):
    calls = trial_calls(team, second.campaign, 3)
    for call in calls[:2]:
        recording_of(call)
    recording_of(call_of(team))  # of another campaign

    review = opened(second, qa, form)

    tasks = ScoringTask.objects.filter(source="trial")
    assert {task.call_id for task in tasks} == {call.pk for call in calls[:2]}
    listened = review.items.get(key="listened")
    assert (listened.result, listened.found) == ("open", {"calls": 3, "recordings": 2, "done": 0, "unqueued": 0})
    scorer = UserFactory(role=Role.QA, city=team.city)
    for call in calls[:2]:
        evaluated(call, form.versions.get(), scorer)
    reviews.refresh(review=review, by=qa, at=AT)
    assert results(review)["listened"] == "ok"


def test_a_recording_that_comes_later_is_queued_when_the_machine_looks_again(team, second, qa, form):
    calls = trial_calls(team, second.campaign, 2)
    recording_of(calls[0])
    review = opened(second, qa, form)
    recording_of(calls[1])

    reviews.refresh(review=review, by=qa, at=AT)

    assert ScoringTask.objects.filter(source="trial", source_id=second.pk).count() == 2


def test_a_second_round_does_not_have_the_same_recordings_scored_again(team, second, qa, form):
    call = trial_calls(team, second.campaign, 1)[0]
    recording_of(call)
    review = opened(second, qa, form)
    evaluated(call, form.versions.get(), UserFactory(role=Role.QA, city=team.city))
    closed(review, qa, "back", "Draw the map")

    again = opened(second, qa, form)

    assert (ScoringTask.objects.filter(source="trial").count(), results(again)["listened"]) == (1, "ok")


def test_many_recordings_are_queued_by_a_job(monkeypatch, team, second, qa, form):
    monkeypatch.setattr(reviews, "AT_ONCE", 1)
    monkeypatch.setattr(reviews, "BATCH", 2)
    for call in trial_calls(team, second.campaign, 3):
        recording_of(call)

    review = opened(second, qa, form)
    assert (ScoringTask.objects.count(), review.items.get(key="listened").found["unqueued"]) == (0, 3)
    assert Job.objects.filter(kind="qa.queue_trial").count() == 1
    work_off()
    assert ScoringTask.objects.filter(source="trial").count() == 3


def test_a_dropped_recording_is_not_waited_for(team, second, qa, form):
    calls = trial_calls(team, second.campaign, 2)
    for call in calls:
        recording_of(call)
    review = opened(second, qa, form)
    evaluated(calls[0], form.versions.get(), UserFactory(role=Role.QA, city=team.city))
    work.drop(task=ScoringTask.objects.get(call_id=calls[1].pk), why="sound lost", at=AT)

    reviews.refresh(review=review, by=qa, at=AT)

    assert results(review)["listened"] == "ok"


def test_the_trial_asks_for_recordings_map_and_answers(team, second, qa, form):
    with pytest.raises(reviews.NotReviewable, match="Choose the form"):
        opened(second, qa)
    step = second.campaign.script_version.steps.get(part="persuasion")
    refusal = {"refuses_offer": True, "result": "refused_price", "reason": "Too dear", "step_id": step.pk}
    trial_calls(team, second.campaign, 2, **refusal)

    review = opened(second, qa, form)

    assert {key: results(review)[key] for key in ("script", "listened", "knowledge", "map", "answers")} == {
        "script": "ok", "listened": "failed", "knowledge": "ok", "map": "failed", "answers": "failed",
    }  # fmt: skip
    drawn = GuidanceMap.objects.create(
        product=second.campaign.product, campaign_id=second.campaign_id, title="Map", made_by=qa, made_at=AT
    )
    drawn.cards.create(quadrant="strength", text="Two hours by phone")
    reviews.refresh(review=review, by=qa, at=AT)
    assert results(review)["map"] == "ok"


def test_refusals_are_counted_by_step_and_frozen_with_the_verdict(team, second, qa, form):
    step = second.campaign.script_version.steps.get(part="persuasion")
    trial_calls(team, second.campaign, 2, refuses_offer=True, result="refused_price", step_id=step.pk)
    trial_calls(team, second.campaign, 1, mid_call=True, step_id=step.pk)
    trial_calls(team, second.campaign, 1, mid_call=True)

    review = closed(opened(second, qa, form), qa, "back", "Shorten step 4")

    assert [(row["refused"], row["broken"]) for row in review.evidence["steps"]] == [(2, 1), (0, 1)]
    assert review.evidence["steps"][0]["step"].startswith("4.1 ")


def test_too_early_for_rates_says_about_how_many_more_calls_and_leaves_the_gate(team, second, qa, form):
    trial_calls(team, second.campaign, 10)  # ten customers reached; thirty are wanted before anything is said

    review = closed(opened(second, qa, form), qa, "early")

    second.refresh_from_db()
    assert (review.verdict, review.more_calls, second.status) == ("early", 20, "pending")


def test_rates_are_held_against_what_the_campaign_expects(team, second, qa, form):
    Campaign.objects.filter(pk=second.campaign_id).update(target_success_percent="10.00")
    trial_calls(team, second.campaign, 30, result="considering", sale=False)
    for call in trial_calls(team, second.campaign, 30, result="sold", sale=True):
        assert call.sale

    with pytest.raises(reviews.NotInOrder, match="enough to judge"):
        closed(opened(second, qa, form), qa, "early")


def test_knowledge_changed_since_checkpoint_one_is_named(team, planner, qa, form):
    version = ScriptVersionFactory(six_parts=True)
    article = ArticleFactory(title="Prices")
    quote = version.steps.get(part="introduction").quotes.create(article=article, article_version=article.number)
    gate = gate_of(standing(team, planner, "trial", moved(version, "live")), "running")
    type(article).objects.filter(pk=article.pk).update(number=article.number + 1, changed_at=AT + timedelta(hours=1))

    review = opened(gate, qa, form)
    assert (results(review)["knowledge"], review.items.get(key="knowledge").found["changed"]) == ("failed", ["Prices"])

    quote.checks.create(article_version=article.number + 1, by=qa, at=AT)
    reviews.refresh(review=review, by=qa, at=AT)
    item = review.items.get(key="knowledge")
    assert item.result == "ok"
    assert checkpoints.sentences("knowledge", item.found)[-1] == "Changed since checkpoint 1 and looked at: “Prices”."


# -- pages --------------------------------------------------------------------------------------------------------------


def test_the_page_says_for_which_version_the_gate_was_passed_when_it_has_changed(client, first, qa):
    closed(answered(opened(first, qa), qa), qa)
    client.force_login(qa)
    assert "Passed for version" not in client.get(reverse("qa:gate", args=[first.pk])).content.decode()

    old = first.campaign.script_version
    new = other_version(first.campaign)

    page = client.get(reverse("qa:gate", args=[first.pk])).content.decode()
    assert f"Passed for version {old}, now {new}." in page
    again = closed(answered(opened(first, qa), qa), qa)  # looked at again for the new one
    assert again.script_version == new
    assert "Passed for version" not in client.get(reverse("qa:gate", args=[first.pk])).content.decode()


def test_qa_takes_a_gate_from_the_list_to_the_verdict_by_the_pages(client, first, qa):
    client.force_login(qa)
    url = reverse("qa:gate", args=[first.pk])
    assert "Campaign of gates" in client.get(reverse("qa:gates")).content.decode()
    assert "1" in client.get(reverse("qa:gates-badge")).content.decode()
    assert url in client.get(reverse("campaigns:campaign", args=[first.campaign_id])).content.decode()

    client.post(reverse("qa:gate-open", args=[first.pk]))
    review = GateReview.objects.get()
    refused = client.post(reverse("qa:gate-close", args=[first.pk]), {"verdict": "pass"})
    assert (refused.status_code, "The gate is not passed yet" in refused.content.decode()) == (409, True)
    for item in review.items.filter(kind="qa"):
        client.post(reverse("qa:gate-answer", args=[first.pk, item.pk]), {"result": "ok"})
    client.post(reverse("qa:risk-add", args=[first.pk]), {"words": "Price rises"})
    risk = first.campaign.complaint_risks.get()
    client.post(reverse("qa:risk-hand", args=[first.pk, risk.pk]), {"owner": qa.pk})
    client.post(reverse("qa:risk-clear", args=[first.pk, risk.pk]), {"why": "Said in step 3"})
    client.post(reverse("qa:gate-look", args=[first.pk]))
    done = client.post(reverse("qa:gate-close", args=[first.pk]), {"verdict": "pass"})

    first.refresh_from_db()
    risk.refresh_from_db()
    assert (done.status_code, first.status, risk.owner) == (302, "passed", qa)
    assert "Said in step 3" in client.get(url).content.decode()
    assert client.post(reverse("qa:gate-close", args=[first.pk]), {"verdict": "pass"}).status_code == 404


def test_an_override_is_shown_for_ever_with_both_names_and_the_reason(client, first, qa, planner):
    planning.ask_override(gate=first, reason="The fair opens tomorrow", by=planner, at=AT)
    client.force_login(qa)
    url = reverse("qa:gate", args=[first.pk])
    assert "asks to override" in client.get(url).content.decode()
    planning.confirm_override(gate=first, by=qa, at=AT)

    page = client.get(url).content.decode()

    assert all(words in page for words in ("Overridden", str(planner), str(qa), "The fair opens tomorrow"))


def test_another_citys_qa_sees_nothing_of_the_gate(client, first, qa):
    opened(first, qa)
    client.force_login(UserFactory(role=Role.QA, city=CityFactory()))

    assert "Campaign of gates" not in client.get(reverse("qa:gates")).content.decode()
    assert client.get(reverse("qa:gate", args=[first.pk])).status_code == 404
    for name in ("gate-open", "gate-look", "gate-close", "risk-add"):
        assert client.post(reverse(f"qa:{name}", args=[first.pk])).status_code == 404


def test_who_is_qa_of_one_city_and_trains_in_another_reads_no_gate_of_that_one(client, first, qa):
    review = opened(first, qa)
    both = UserFactory(role=Role.QA, city=CityFactory())
    MembershipFactory(user=both, role=Role.TRAINER, city=first.campaign.city)
    client.force_login(both)

    assert "Campaign of gates" not in client.get(reverse("qa:gates")).content.decode()
    assert client.get(reverse("qa:gate", args=[first.pk])).status_code == 404
    for kind, pk in (("gates", first.pk), ("gate-reviews", review.pk)):
        assert client.get(f"/api/v1/{kind}/").json()["results"] == []
        assert client.get(f"/api/v1/{kind}/{pk}/").status_code == 404


def test_who_trains_the_region_and_is_qa_of_a_city_sees_no_figures_of_a_regional_campaign(client, team, second, form):
    Campaign.objects.filter(pk=second.campaign_id).update(city=None)
    second = gate_of(second.campaign, "running")
    trial_calls(team, second.campaign, 2)
    review = opened(second, UserFactory(role=Role.QA), form)
    both = UserFactory(role=Role.QA, city=team.city)
    MembershipFactory(user=both, role=Role.TRAINER, city=None)
    client.force_login(both)

    page = client.get(reverse("qa:gate", args=[second.pk])).content.decode()
    told = client.get(f"/api/v1/gate-reviews/{review.pk}/").json()

    assert ("List of checkpoint 2" in page, "more calls" in page) == (True, False)
    assert {
        item["key"]: item["said"] for item in told["items"] if item["key"] in checkpoints.OF_CALLS and item["said"]
    } == {}


def test_who_only_plans_reads_the_gate_and_does_not_decide_it(client, first, qa, planner):
    opened(first, qa)
    client.force_login(planner)

    page = client.get(reverse("qa:gate", args=[first.pk]))

    assert "Give the verdict" not in page.content.decode()
    assert client.post(reverse("qa:gate-close", args=[first.pk]), {"verdict": "pass"}).status_code == 403


def test_a_citys_reader_of_a_regional_campaign_sees_no_figures_and_no_words_of_the_whole(client, team, second, form):
    Campaign.objects.filter(pk=second.campaign_id).update(city=None)
    second = gate_of(second.campaign, "running")
    step = second.campaign.script_version.steps.get(part="persuasion")
    refusal = {"refuses_offer": True, "result": "refused_price", "reason": "Too dear for Mrs Wu", "step_id": step.pk}
    trial_calls(team, second.campaign, 2, **refusal)
    opened(second, UserFactory(role=Role.QA), form)
    figures = ("Too dear for Mrs Wu", "clusters of refusals", "No trial call has a recording yet", "more calls")

    client.force_login(UserFactory(role=Role.QA))
    whole = client.get(reverse("qa:gate", args=[second.pk])).content.decode()
    client.force_login(UserFactory(role=Role.QA, city=team.city))
    part = client.get(reverse("qa:gate", args=[second.pk])).content.decode()

    assert [words in whole for words in figures] == [True] * 4
    assert [words in part for words in figures] == [False] * 4
    assert "List of checkpoint 2" in part


def test_the_trial_page_shows_rates_steps_and_earlier_rounds(client, team, second, qa, form):
    trial_calls(team, second.campaign, 2, mid_call=True)
    client.force_login(qa)
    client.post(reverse("qa:gate-open", args=[second.pk]), {"form": form.pk})
    client.post(reverse("qa:gate-close", args=[second.pk]), {"verdict": "early"})
    old = GateReview.objects.get()
    client.post(reverse("qa:gate-open", args=[second.pk]), {"form": form.pk})

    now, then = (
        client.get(reverse("qa:gate", args=[second.pk]), query).content.decode() for query in ({}, {"review": old.pk})
    )

    assert "Too early: about 28 more calls" in now
    assert "step not known" in now
    assert "About 28 more calls until rates can be judged." in then
