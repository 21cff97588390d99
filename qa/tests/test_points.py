"""Items in points: what they earn and when they fail a call, what the database holds, and every place where an answer is read."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from core.errors import DomainError
from core.jobs import run_inline
from people.tests.factories import UserFactory
from qa import scoring
from qa.earning import earned, is_fatal, to_tenths
from qa.models import Appeal, CalibrationDecision, EvaluationAnswer, FormItem, FormStage
from qa.services import evaluations, forms, previews
from qa.tests.factories import AT, call_of
from qa.tests.sheets import draft_in_points, scored_in_points as scored

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def version():
    writer = UserFactory(role="qa")
    return forms.publish(version=draft_in_points(writer), by=writer, at=AT)


def item(version, text) -> FormItem:
    return FormItem.objects.get(stage__version=version, text=text)


def give(made, text, answer, remark="as heard"):
    return evaluations.save_answer(
        evaluation=made, item=item(made.version, text), answer=answer, by=made.scorer, remark=remark
    )


# -- the score ---------------------------------------------------------------------------------------------------------

EXPLAINS = scoring.Item("explains", Fraction(2), competency="voice", most=5, fails_up_to=1)
SHEET = scoring.Sheet(
    [
        scoring.Stage(
            "talk",
            Fraction(100),
            [scoring.Item("greets", competency="voice"), EXPLAINS, scoring.Item("thanks", most=10)],
        )
    ]
)


def test_points_earn_their_share_of_the_weight():
    found = scoring.score(SHEET, {"greets": "yes", "explains": "3", "thanks": "na"})

    # (1 + 2 x 3/5) / (1 + 2), the third does not apply: coverage 3 of 4
    assert found.raw == Fraction(100) * Fraction(11, 5) / 3
    assert f"{float(found.raw):.2f}" == "73.33"
    assert (found.coverage, found.outcome, list(found.failed_by)) == (75, "fail", [])


@pytest.mark.parametrize(
    ("points", "raw", "outcome", "failed"),
    [
        ("5", 100, "pass", []), ("4", Fraction(260, 3), "pass", []), ("2", 60, "fail", []),
        ("1", Fraction(140, 3), "fail", ["explains"]), ("0", Fraction(100, 3), "fail", ["explains"]),
    ],
)  # fmt: skip
def test_so_few_points_as_the_item_says_fail_the_call(points, raw, outcome, failed):
    found = scoring.score(SHEET, {"greets": "yes", "explains": points})

    assert (found.raw, found.outcome, list(found.failed_by)) == (raw, outcome, failed)


def test_without_a_bound_no_points_fail_the_call():
    assert not scoring.Item("thanks", most=10).is_fatal("0")


@pytest.mark.parametrize("answer", ["6", "-1", "yes", "no", "", "03", "²", None])
def test_what_is_no_answer_of_the_item_does_not_apply(answer):
    assert EXPLAINS.earned(answer) is None
    assert not EXPLAINS.is_fatal(answer)


def test_a_skill_is_the_weighted_share_over_both_kinds():
    # voice: (1 x 0 + 2 x 4/5) / 3
    assert scoring.by_competency(SHEET, {"greets": "no", "explains": "4", "thanks": "9"}) == {"voice": Fraction(160, 3)}


def test_one_change_is_to_full_points_or_from_them_to_none():
    changes = {
        row.item: row.answer for row in scoring.one_change(SHEET, {"greets": "yes", "explains": "3", "thanks": "10"})
    }

    assert changes == {"greets": "no", "explains": "5", "thanks": "0"}


def test_the_database_reckons_every_answer_as_scoring_does():
    items = [
        scoring.Item("a"), scoring.Item("b", good="no", fails_on="yes"), scoring.Item("c", fails_on="no"),
        *[scoring.Item("d", most=most, fails_up_to=bound) for most in range(2, 11) for bound in (None, 0, most - 1)],
    ]  # fmt: skip
    for asked in items:
        for answer in asked.answers:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT qa_earned(%s, %s, %s), qa_is_fatal(%s, %s, %s)",
                    [answer, asked.good, asked.most, answer, asked.fails_on, asked.fails_up_to],
                )
                share, fatal = cursor.fetchone()
            ours = asked.earned(answer)
            assert share == (None if ours is None else pytest.approx(float(ours)))
            assert fatal is asked.is_fatal(answer)


def test_lost_points_are_told_in_tenths_and_whole_numbers_without():
    assert [to_tenths(lost) for lost in (3.0, 2.4000000000000004, 0.04)] == [3, 2.4, 0]
    assert isinstance(to_tenths(3.0), int)


# -- what the database holds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"most_points": 1}, {"most_points": 11}, {"most_points": 0}, {"most_points": 5, "good": "no"}, {"most_points": 5, "fails_on": "no"},
        {"fails_up_to": 0}, {"most_points": 5, "fails_up_to": 5}, {"most_points": 5, "fails_up_to": 6},
    ],
)  # fmt: skip
def test_an_item_is_of_one_kind_or_is_not_stored(wrong):
    stage = FormStage.objects.get(version=draft_in_points(UserFactory(role="qa")), name="Talk")

    with pytest.raises(IntegrityError, match="form_item_one_kind_of_answer"), transaction.atomic():
        FormItem.objects.create(stage=stage, text="Wrong", position=9, **wrong)


def test_an_answer_that_the_item_does_not_have_is_not_stored_by_any_way(version, call, qa):
    made = scored(call, version, qa)
    answers = {row.item.text: row for row in made.answers.select_related("item")}
    wrong = [("Greets", "3"), ("Explains", "6"), ("Explains", "yes"), ("Thanks", "11"), ("Thanks", "x")]

    for text, answer in wrong:
        with pytest.raises(IntegrityError, match="no such answer"), transaction.atomic():
            EvaluationAnswer.objects.filter(pk=answers[text].pk).update(answer=answer)
    kept = {row.item.text: row.answer for row in made.answers.select_related("item")}
    assert kept == {"Greets": "yes", "Explains": "3", "Thanks": "na"}


def test_a_published_item_keeps_its_points(version):
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        FormItem.objects.filter(pk=item(version, "Explains").pk).update(most_points=4)


# -- the builder -------------------------------------------------------------------------------------------------------


def test_points_are_set_in_the_builder_and_what_is_of_the_other_kind_is_left_out(client):
    writer = UserFactory(role="qa")
    draft = draft_in_points(writer)
    client.force_login(writer)
    address = reverse("qa:item-edit", args=[draft.pk, item(draft, "Greets").pk])
    said = {"text": "Greets", "weight": "1"}

    both = client.post(
        address, {**said, "most_points": "4", "fails_up_to": "0", "good": "no", "fails_on": "yes"}, headers=HTMX
    )
    kept = item(draft, "Greets")
    assert (both.status_code, kept.most_points, kept.fails_up_to, kept.good, kept.fails_on) == (200, 4, 0, "yes", "")
    client.post(address, {**said, "most_points": "", "fails_up_to": "0", "good": "yes", "fails_on": "no"}, headers=HTMX)
    kept = item(draft, "Greets")
    assert (kept.most_points, kept.fails_up_to, kept.good, kept.fails_on) == (None, None, "yes", "no")


@pytest.mark.parametrize("told", [{"most_points": "1"}, {"most_points": "11"}, {"fails_up_to": "4"}, {"fails_up_to": "-1"}])  # fmt: skip
def test_points_that_make_no_sense_are_refused_with_a_sentence(client, told):
    writer = UserFactory(role="qa")
    draft = draft_in_points(writer)
    client.force_login(writer)
    address = reverse("qa:item-edit", args=[draft.pk, item(draft, "Greets").pk])

    answer = client.post(
        address, {"text": "Greets", "weight": "1", "good": "yes", "most_points": "4", **told}, headers=HTMX
    )

    assert answer.status_code in (409, 422)
    assert 'role="alert"' in answer.content.decode()
    assert item(draft, "Greets").most_points is None


def test_a_new_version_keeps_points_and_the_reader_sees_them(client, version):
    reader = UserFactory(role="qa")
    following = forms.new_version(form=version.form, by=reader, at=AT)
    client.force_login(reader)

    page = client.get(reverse("qa:form-version", args=[following.pk])).content.decode()

    assert (item(following, "Explains").most_points, item(following, "Explains").fails_up_to) == (5, 1)
    assert "0 to 5 points" in page
    assert "up to 1 point fails the call" in page


# -- scoring -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "answer"), [("Explains", "6"), ("Explains", "yes"), ("Greets", "3")])
def test_the_service_refuses_what_the_item_does_not_have(version, call, qa, text, answer):
    made = evaluations.begin(call=call, version=version, scorer=qa, pick="requested", at=AT)

    with pytest.raises(evaluations.NotToScore):
        give(made, text, answer)


def test_less_than_full_points_wants_a_remark_and_full_points_do_not(version, call, qa):
    made = evaluations.begin(call=call, version=version, scorer=qa, pick="requested", at=AT)
    for text, answer in [("Greets", "yes"), ("Explains", "4"), ("Thanks", "10")]:
        give(made, text, answer, remark="")

    assert evaluations.missing(made) == ["“Explains”: say in a remark what was wrong."]


def test_points_are_given_on_the_page_kept_and_explained_in_words(client, version, call, qa):
    client.force_login(qa)
    made = evaluations.begin(call=call, version=version, scorer=qa, pick="requested", at=AT)
    page = client.get(reverse("qa:score", args=[made.pk])).content.decode()
    explains = item(version, "Explains").pk

    assert [f'id="give-{explains}-{n}"' in page for n in range(7)] == [True] * 6 + [False]
    assert "up to 1 point fails the call" in page
    give(made, "Greets", "yes")
    text = client.post(
        reverse("qa:score-item", args=[made.pk, explains]), {"answer": "3"}, headers=HTMX
    ).content.decode()

    assert '<span class="big">73.3</span>' in text
    assert "“Explains”: 3 of 5 points earn 1.20 of its weight 2." in text
    assert "“Explains” answered 5 of 5 points: 100.0 (+26.7)." in text
    refused = client.post(reverse("qa:score-item", args=[made.pk, explains]), {"answer": "6"}, headers=HTMX)
    assert refused.status_code == 422
    assert "Give 0 to 5 points" in refused.content.decode()
    assert made.answers.get(item=explains).answer == "3"


def test_few_points_fail_the_call_on_the_sheet_and_in_what_stands(version, call, qa):
    made = scored(call, version, qa, told={"Explains": "1", "Thanks": "10"})

    # (1 + 2 x 1/5 + 1) / 4
    assert (float(made.raw), made.outcome) == (60.0, "fail")


def test_what_was_submitted_is_the_worked_case(version, call, qa):
    made = scored(call, version, qa)

    assert (str(made.raw), str(made.coverage), made.definition) == ("73.333", "75.000", "qa_score.v1")


# -- the agent, appeals ------------------------------------------------------------------------------------------------


def test_the_agent_reads_points_appeals_them_and_another_decides_on_points(client, version, call, qa, agent, city):
    now = timezone.now()
    made = scored(call, version, qa, at=now)
    client.force_login(agent)
    page = client.get(reverse("qa:evaluation", args=[made.pk])).content.decode()
    assert "3 of 5 points" in page
    answer = made.answers.get(item__text="Explains")
    appeal = evaluations.appeal(answer=answer, reason="I explained all of it", by=agent, at=now)

    other = UserFactory(role="qa", city=city)
    client.force_login(other)
    assert '<option value="5">5 of 5 points</option>' in client.get(reverse("qa:evaluation", args=[made.pk])).content.decode()  # fmt: skip
    with pytest.raises(DomainError):
        evaluations.decide(appeal=appeal, right_answer="yes", ground="heard", by=other, at=now)
    with pytest.raises(DomainError, match="no answer worse"):
        evaluations.decide(appeal=appeal, right_answer="2", ground="heard", by=other, at=now)
    client.post(
        reverse("qa:appeal-decide", args=[made.pk, appeal.pk]), {"right_answer": "5", "ground": "all was explained"}
    )

    decided = Appeal.objects.get()
    assert (decided.decision, decided.right_answer) == ("overturned", "5")
    read = client.get(reverse("qa:evaluation", args=[made.pk])).content.decode()
    assert "right answer 5 of 5 points" in read
    with pytest.raises(IntegrityError, match="no such answer"), transaction.atomic():
        Appeal.objects.update(right_answer="6")


def test_the_api_tells_points_with_how_many_are_full(client, version, call, qa):
    made = scored(call, version, qa)
    client.force_login(qa)

    rows = client.get(f"/api/v1/evaluations/{made.pk}/").json()["answers"]

    found = {row["item"]: (row["answer"], row["most_points"]) for row in rows}
    assert found == {"Greets": ("yes", None), "Explains": ("3", 5), "Thanks": ("na", 10)}


# -- sums --------------------------------------------------------------------------------------------------------------


def test_sums_take_the_share_of_points(version, call, qa):
    scored(call, version, qa)

    rows = EvaluationAnswer.objects.annotate(share=earned(), fatal=is_fatal()).values_list(
        "item__text", "share", "fatal"
    )

    assert sorted(rows) == [("Explains", 0.6, False), ("Greets", 1.0, False), ("Thanks", None, False)]


def test_a_draft_is_previewed_with_points_answered_before(version, team, agent, qa):
    now = timezone.now()
    for explains in ("3", "5"):
        call = call_of(team, agent=agent)
        scored(call, version, qa, at=now - timedelta(days=1), told={"Explains": explains})  # fmt: skip
    draft = forms.new_version(form=version.form, by=qa, at=now)
    forms.set_marks(version=draft, pass_mark=70, fail_reports_zero=False, by=qa, at=now)

    found = previews.ask_preview(version=draft, by=qa, at=now)
    run_inline(found.job_id)

    # 73.3 passes a mark of 70, not of 80
    assert list(found.moves.values_list("evaluations", "up", "down")) == [(2, 1, 0)]


def test_a_session_agrees_on_points_the_item_has(version, call, qa):
    made = scored(call, version, qa)

    with pytest.raises(IntegrityError, match="no such answer"), transaction.atomic():
        CalibrationDecision.objects.create(
            session_id=1,
            item=item(made.version, "Explains"),
            right_answer="6",
            ground="x",
            decided_by=qa,
            decided_at=AT,
        )
