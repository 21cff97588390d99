"""Notes of a call in hand: kept as they are given, ahead or behind, and made into facts with the result."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns import guide
from campaigns.models import Answer, AnswerUse, Call, CallPath, DeskDraft, Lead, Order, ScenarioUse
from campaigns.services import claim, desk, guide as services, leases, results
from campaigns.services.held import LeadNotYours
from campaigns.services.orders import Sale
from campaigns.tests.calling import AT, Floor, drawn
from campaigns.tests.factories import agent_of
from campaigns.tests.guiding import Guided, answer_to, scenario

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def floor():
    return Floor()


@pytest.fixture
def guided(floor):
    return Guided(floor.campaign.product).goes_live(floor.campaign)


def held(floor) -> Lead:
    floor.lead()
    return desk.next_lead(agent=floor.agent, at=AT)


def talked(floor) -> Lead:
    """Answered after 5 seconds, ended after 60 more."""
    lead = held(floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "answered", at=AT)
    return Lead.objects.get(pk=lead.pk)


def notes(at=AT, **told) -> guide.Notes:
    return guide.read({"version": 1, "writer": "a", **told}, at=at)


def record(floor, lead, code="considering", *, at=AT + 70 * SECOND, **fields) -> Call:
    return results.record_result(lead=lead, agent=floor.agent, disposition_code=code, at=at, **fields)


# ---------------------------------------------------------------- kept while the call runs


def test_what_was_noted_is_there_again(floor, guided):
    lead = held(floor)
    path = guided.path((guided.greet, 30), (guided.price, 10))

    services.save_notes(
        lead=lead,
        agent=floor.agent,
        notes=notes(answers={str(guided.agrees.pk): "Yes"}, path=path, said=["Price 149"]),
        at=AT,
    )

    found = services.notes_of(lead)
    assert found.answers == {guided.agrees.pk: "Yes"}
    assert found.said == ["Price 149"]
    assert found.as_json(AT + 5 * SECOND)["path"] == guided.path((guided.greet, 35), (guided.price, 15))


def test_the_same_post_again_changes_nothing(floor, guided):
    lead = held(floor)
    services.save_notes(lead=lead, agent=floor.agent, notes=notes(said=["x"]), at=AT)

    services.save_notes(lead=lead, agent=floor.agent, notes=notes(said=["x"]), at=AT + SECOND)

    assert DeskDraft.objects.get().saved_at == AT


def test_of_two_windows_the_one_that_is_ahead_wins_and_the_other_hears_where_it_stands(floor, guided):
    lead = held(floor)
    services.save_notes(lead=lead, agent=floor.agent, notes=notes(said=["from a"]), at=AT)

    with pytest.raises(services.NotesBehind) as refused:
        services.save_notes(lead=lead, agent=floor.agent, notes=notes(writer="b", said=["from b"]), at=AT)
    services.save_notes(lead=lead, agent=floor.agent, notes=notes(version=2, writer="b", said=["later"]), at=AT)

    assert refused.value.newer.said == ["from a"]
    assert services.notes_of(lead).said == ["later"]


def test_somebody_elses_lead_takes_no_notes(floor, guided):
    lead = held(floor)

    with pytest.raises(LeadNotYours):
        services.save_notes(lead=lead, agent=agent_of(floor.team), notes=notes(), at=AT)

    assert not DeskDraft.objects.exists()


def test_notes_go_with_the_release(floor, guided):
    lead = held(floor)
    services.save_notes(lead=lead, agent=floor.agent, notes=notes(), at=AT)

    claim.give_back(lead=lead, agent=floor.agent, at=AT, reason="I know them", is_skip=True)

    assert not DeskDraft.objects.exists()


def test_notes_of_an_earlier_hold_are_not_shown(floor, guided):
    lead = held(floor)
    services.save_notes(lead=lead, agent=floor.agent, notes=notes(), at=AT)

    DeskDraft.objects.update(held_at=AT - timedelta(hours=1))

    assert services.notes_of(lead) is None


def test_what_an_interrupted_day_left_goes_the_day_after(floor, guided):
    services.save_notes(lead=held(floor), agent=floor.agent, notes=notes(), at=AT)

    assert services.forget_old_notes(at=AT + timedelta(hours=23)) == 0
    assert services.forget_old_notes(at=AT + timedelta(hours=25)) == 1


def test_notes_that_were_left_over_do_not_keep_a_list_from_being_taken_back(floor, guided):
    from django.db import connection

    lead = held(floor)
    services.save_notes(lead=lead, agent=floor.agent, notes=notes(), at=AT)

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_lead WHERE id = %s", [lead.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert services.forget_old_notes(at=AT + timedelta(days=2)) == 1


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"answers": 5},
        {"path": [["x", 1]]},
        {"path": [[1]]},
        {"answers": {"1": "x" * 2001}},
        {"version": -1},
        {"answers": {"1": float("nan")}},
        {"answers": {"1": [float("inf")]}},
        {"version": float("inf")},
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(told):
    with pytest.raises(guide.NotesUnreadable):
        guide.read(told, at=AT)


def test_what_no_text_can_keep_is_taken_out_of_it(floor, guided):
    lead = held(floor)
    told = notes(answers={str(guided.day.pk): "on\x00 \ud83d Monday"}, said=["\udc00Price 149"], writer="\ud800w")

    services.save_notes(lead=lead, agent=floor.agent, notes=told, at=AT)

    found = services.notes_of(lead)
    assert (found.answers, found.said, found.writer) == ({guided.day.pk: "on  Monday"}, ["Price 149"], "w")


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("choice", "Yes", "Yes"), ("choice", ["Yes"], "Yes"), ("choice", "Maybe", None), ("choice", ["Yes", "No"], None),
        ("several", ["Yes", "No"], ["Yes", "No"]), ("several", "Yes", ["Yes"]), ("several", ["Yes", "Maybe"], None),
        ("number", "199", "199"), ("number", "1,299.50", "1,299.50"), ("number", "１９９", "１９９"), ("number", 7.5, 7.5),
        ("number", "about 50", None), ("number", "NaN", None), ("number", True, None),
        ("date", "2026-12-01", "2026-12-01"), ("date", "2026-02-30", None), ("date", "tomorrow", None),
        ("text", "anything", "anything"), ("text", ["a", "b"], None),
    ],
)  # fmt: skip
def test_an_answer_fits_its_question_or_is_none(kind, value, kept):
    choices = ["Yes", "No"] if kind in ("choice", "several") else []

    assert guide.fitting(kind, choices, value) == kept


def test_the_way_leaves_out_what_was_gone_back():
    found = guide.read({"path": [[1, 50], [2, 40], [3, 30], [2, 20, 1], [4, 10], [0, 5]]}, at=AT)

    assert found.walked == [1, 2, 4]


# ---------------------------------------------------------------- with the result


def test_answers_and_the_path_become_facts_of_the_call(floor, guided):
    lead = talked(floor)
    # greeted 5 s before the answer, at the price 25 s into the talk, gone after 60
    path = guided.path((guided.greet, 70), (guided.price, 40))
    services.save_notes(
        lead=lead,
        agent=floor.agent,
        notes=notes(at=AT + 70 * SECOND, answers={str(guided.agrees.pk): "Yes"}, path=path),
        at=AT + 70 * SECOND,
    )

    call = record(floor, lead)

    assert [(row.question_id, row.value) for row in Answer.objects.all()] == [(guided.agrees.pk, "Yes")]
    way = CallPath.objects.get()
    assert (way.call_id, way.step_ids, way.seconds) == (call.pk, [guided.greet.pk, guided.price.pk], [25, 35])
    assert (way.left_step_id, way.end, way.script_version_id) == (guided.price.pk, "other", guided.version.pk)
    assert not DeskDraft.objects.exists()


def test_what_came_with_the_result_goes_before_older_notes_and_behind_newer_ones(floor, guided):
    lead = talked(floor)
    kept = notes(version=3, said=[], answers={str(guided.agrees.pk): "Yes"})
    services.save_notes(lead=lead, agent=floor.agent, notes=kept, at=AT)

    record(floor, lead, notes=notes(version=2, answers={str(guided.agrees.pk): "No"}))

    assert Answer.objects.get().value == "Yes"


def test_a_way_read_before_the_talk_is_no_part_of_it(floor, guided):
    lead = talked(floor)
    path = guided.path((guided.greet, 200), (guided.price, 120), (guided.greet, 100), (guided.thanks, 30))

    record(floor, lead, notes=notes(at=AT + 70 * SECOND, path=path))

    assert CallPath.objects.get().step_ids == [guided.greet.pk, guided.thanks.pk]
    assert CallPath.objects.get().seconds == [35, 25]


def test_a_sale_needs_the_required_answers_of_the_steps_that_were_spoken(floor, guided):
    lead = talked(floor)
    told = notes(at=AT + 70 * SECOND, path=guided.path((guided.greet, 60), (guided.price, 30), (None, 10)))

    with pytest.raises(services.AnswerMissing, match=r"Step 4\.1: the question “What about dear\?”"):
        record(floor, lead, "sold", order=Sale(), notes=told)
    assert not Call.objects.exists()
    call = record(floor, lead, "sold", order=Sale(), notes=told, answers={guided.dear.pk: "Fair"})

    assert CallPath.objects.get().end == "sold"
    assert Answer.objects.get(call_id=call.pk).value == "Fair"


def test_a_sale_needs_a_required_answer_that_fits_its_question(floor, guided):
    lead = talked(floor)
    path = guided.path((guided.greet, 60), (guided.price, 30), (None, 10))
    told = notes(at=AT + 70 * SECOND, path=path, answers={str(guided.dear.pk): "so so"})

    with pytest.raises(services.AnswerMissing, match=r"Step 4\.1: .*“What about dear\?” does not fit. Choose among"):
        record(floor, lead, "sold", order=Sale(), notes=told)

    assert not Call.objects.exists()


def test_an_answer_that_fits_no_question_stands_in_the_note_and_holds_up_no_other_result(floor, guided):
    lead = talked(floor)
    told = notes(path=guided.path((guided.price, 30)), answers={str(guided.dear.pk): "so so"})

    call = record(floor, lead, "refused_price", notes=told, note="angry")

    assert (call.note, Answer.objects.count()) == ("angry\nWhat about dear?: so so", 0)
    assert call.left_out == [
        "What was answered to “What about dear?” does not fit the question. It stands in the note of the call."
    ]


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("refused_price", {}),
        ("considering", {}),
        ("refused_mid_call", {"step": True}),
        ("callback", {"callback_at": AT + timedelta(days=1)}),
        ("wrong_person", {}),
    ],
)
def test_who_refuses_or_asks_for_another_time_leaves_no_required_question_behind(floor, guided, code, more):
    lead = talked(floor)
    fields = {"step_id": guided.price.pk} if more.pop("step", False) else {}

    record(floor, lead, code, notes=notes(path=guided.path((guided.price, 0))), **fields, **more)

    assert Call.objects.count() == 1


def test_where_the_agent_says_it_broke_off_is_where_it_ended(floor, guided):
    lead = talked(floor)

    told = notes(at=AT + 70 * SECOND, path=guided.path((guided.greet, 60)))
    record(floor, lead, "refused_mid_call", step_id=guided.price.pk, notes=told)

    way = CallPath.objects.get()
    assert (way.left_step_id, way.end, way.step_ids) == (
        guided.price.pk,
        "mid_call",
        [guided.greet.pk, guided.price.pk],
    )


def test_a_call_without_a_connection_walked_nowhere(floor, guided):
    lead = held(floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "busy", at=AT)

    record(floor, lead, "busy", notes=notes(path=guided.path((guided.greet, 30))))

    assert not CallPath.objects.exists()


def test_answers_that_were_shown_and_scenarios_that_were_used_are_kept_with_what_the_call_came_to(floor, guided):
    lead = talked(floor)
    answer = answer_to("Too dear", by=floor.agent)
    used, unused = (scenario(floor.campaign.product, name, by=floor.agent) for name in ("a", "b"))

    told = notes(
        shown={str(answer.pk): {"step": guided.price.pk, "helped": True}, "99999": {"step": None, "helped": None}},
        scenarios={str(used.pk): True, str(unused.pk): False},
    )
    record(floor, lead, "sold", order=Sale(), notes=told)

    use = AnswerUse.objects.get()
    assert (use.answer_id, use.step_id, use.helped, use.sale) == (answer.pk, guided.price.pk, True, True)
    assert {row.scenario_id: row.used for row in ScenarioUse.objects.all()} == {used.pk: True, unused.pk: False}


def test_the_order_keeps_what_was_read_back(floor, guided):
    product = floor.campaign.product
    product.mandatory_statements = "May cancel within 7 days\nPrice 149"
    product.save()
    lead = talked(floor)

    record(floor, lead, "sold", order=Sale(), notes=notes(said=["Price 149", "never asked for"]))

    assert Order.objects.get().read_back == [
        {"text": "Calls are recorded", "said": False},
        {"text": "Contract 24 months", "said": False},
        {"text": "Price 149", "said": True},
        {"text": "May cancel within 7 days", "said": False},
    ]


def test_a_call_keeps_the_version_that_was_spoken_when_another_came_into_force_meanwhile(floor, guided):
    lead = talked(floor)
    told = notes(script=guided.version.pk, answers={str(guided.agrees.pk): "Yes"})
    newer = Guided(floor.campaign.product)
    newer.version.script_id, newer.version.number = guided.version.script_id, 2
    newer.version.save()
    type(guided.version).objects.filter(pk=guided.version.pk).update(status="retired")
    newer.goes_live(floor.campaign)

    call = record(floor, lead, notes=told)

    assert call.script_version_id == guided.version.pk
    assert Answer.objects.get().question_id == guided.agrees.pk


def test_a_version_of_another_script_is_not_believed(floor, guided):
    other = Guided(floor.campaign.product)
    lead = talked(floor)

    assert record(floor, lead, notes=notes(script=other.version.pk)).script_version_id == guided.version.pk


@pytest.mark.parametrize("visits", [2, 12])
def test_a_result_costs_the_same_however_long_the_path(floor, guided, visits, django_assert_max_num_queries):
    lead = talked(floor)
    path = guided.path(*[((guided.greet, guided.price)[n % 2], 60 - n) for n in range(visits)])

    # one of them asks for the numbers alone, so that suppressions are found by an index
    with django_assert_max_num_queries(54):
        record(floor, lead, notes=notes(at=AT + 70 * SECOND, path=path))

    assert len(CallPath.objects.get().step_ids) == visits


def test_a_late_sale_is_kept_also_when_a_required_answer_is_missing(floor, guided):
    lead = talked(floor)
    told = notes(at=AT + 70 * SECOND, path=guided.path((guided.greet, 60), (guided.price, 30), (None, 10)))
    Lead.objects.filter(pk=lead.pk).update(lease_until=AT)
    leases.release_stale_claims(at=AT + 3600 * SECOND)
    assert Lead.objects.get(pk=lead.pk).state == "open"

    call = record(floor, lead, "sold", order=Sale(), notes=told, at=AT + 7200 * SECOND, waited=timedelta(seconds=7130))

    assert (call.sale, CallPath.objects.get().end) == (True, "sold")
    assert any("“What about dear?” still needs its answer" in sentence for sentence in call.left_out)
