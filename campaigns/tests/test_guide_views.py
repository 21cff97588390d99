"""The middle of the desk as it is served: steps and branches, notes posted, what two letters find, proposals, and how heavy it is."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.urls import reverse

from campaigns.models import Answer, AnswerUse, Call, CallPath, DeskDraft, Lead, Order, ScenarioUse
from campaigns.services import guide as services
from campaigns.tests.calling import Floor
from campaigns.tests.factories import agent_of, person
from campaigns.tests.guiding import Guided, answer_to, at_hand, scenario
from campaigns.tests.test_desk_views import dialled, lead_of, post, started
from core.clock import database_now
from customers.models import Customer
from scripts.models import Article, Objection
from scripts.tests.factories import ProductFactory, unlocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    cache.clear()
    made = Floor()
    made.due = database_now() - timedelta(days=1)
    return made


@pytest.fixture
def guided(floor):
    return Guided(floor.campaign.product).goes_live(floor.campaign)


@pytest.fixture
def at_desk(client, floor):
    client.force_login(floor.agent)
    return client


def page(client) -> str:
    return client.get(reverse("campaigns:desk")).content.decode()


def send(client, lead, **told):
    body = {"lead": lead.pk, "notes": {"version": 1, "writer": "a", **told}}
    return client.post(reverse("campaigns:desk_notes"), json.dumps(body), content_type="application/json")


# ---------------------------------------------------------------- script


def test_choices_stand_as_buttons_that_say_where_they_lead(at_desk, floor, guided):
    started(at_desk, floor)

    found = page(at_desk)

    assert f'data-choice="Yes" data-to="{guided.price.pk}"' in found
    assert "to 4.1 Price" in found
    assert f'data-choice="No" data-to="{guided.thanks.pk}"' in found
    assert "to 6.1 Thanks" in found
    assert 'data-choice="Perhaps" data-to=""' in found


def test_what_was_noted_is_on_the_page_again_after_a_reload(at_desk, floor, guided):
    lead = started(at_desk, floor)

    answer = send(
        at_desk, lead, answers={guided.agrees.pk: "Yes"}, path=guided.path((guided.greet, 9), (guided.price, 4))
    )

    assert (answer.status_code, answer.json()) == (200, {"version": 1})
    told = json.loads(re.search(r'data-notes="([^"]*)"', page(at_desk))[1].replace("&quot;", '"'))
    assert told["answers"] == {str(guided.agrees.pk): "Yes"}
    assert [step for step, _ago in told["path"]] == [guided.greet.pk, guided.price.pk]


def test_the_window_that_is_behind_gets_what_stands(at_desk, floor, guided):
    lead = started(at_desk, floor)
    send(at_desk, lead, said=["Price 149"])

    behind = send(at_desk, lead, writer="b", said=[])

    assert (behind.status_code, behind.json()["code"]) == (409, "NotesBehind")
    assert behind.json()["notes"]["said"] == ["Price 149"]


def test_notes_for_a_lead_that_has_gone_change_nothing(client, floor, guided):
    client.force_login(floor.agent)
    lead = started(client, floor)
    client.force_login(agent_of(floor.team))

    answer = send(client, lead)

    assert (answer.status_code, answer.json()["code"], DeskDraft.objects.count()) == (409, "LeadNotYours", 0)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"lead": "x"}', '{"lead": 1, "notes": {"path": 3}}'])
def test_notes_that_are_none_get_a_sentence(at_desk, floor, guided, body):
    answer = at_desk.post(reverse("campaigns:desk_notes"), body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (422, "NotesUnreadable")


@pytest.mark.parametrize(
    "body",
    [
        '{"lead": Infinity, "notes": {}}', '{"lead": 1, "notes": {"answers": {"1": NaN}}}', "[" * 60_000,
        '{"lead": 1, "notes": {"answers": {"1": [[1]]}}}',
    ],
)  # fmt: skip
def test_what_no_column_can_keep_gets_a_sentence_and_no_fault(at_desk, floor, guided, body):
    answer = at_desk.post(reverse("campaigns:desk_notes"), body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (422, "NotesUnreadable")


def test_half_an_emoji_in_an_answer_is_left_out_and_the_rest_kept(at_desk, floor, guided):
    lead = started(at_desk, floor)
    body = json.dumps({"lead": lead.pk, "notes": {"version": 1, "answers": {str(guided.day.pk): "Monday \ud83d"}}})

    answer = at_desk.post(reverse("campaigns:desk_notes"), body, content_type="application/json")

    assert answer.status_code == 200
    assert services.notes_of(lead).answers == {guided.day.pk: "Monday "}


@pytest.mark.parametrize("unreadable", ["{", "[1]", '{"answers": {"1": NaN}}', "[" * 70_000])
def test_notes_that_cannot_be_read_hold_up_no_result(at_desk, floor, guided, unreadable):
    lead = dialled(at_desk, floor)

    answer = post(at_desk, "desk_result", lead=lead.pk, disposition="considering", notes=unreadable)

    assert answer.status_code == 200
    assert Call.objects.count() == 1


@pytest.mark.parametrize("field", ["answer-99999999999999999999", "answer-%s"])
def test_an_answer_that_cannot_be_kept_is_refused_with_a_sentence(at_desk, floor, guided, field):
    lead = dialled(at_desk, floor)
    fields = {field.replace("%s", str(guided.day.pk)): "x" * 2001}

    answer = post(at_desk, "desk_result", lead=lead.pk, disposition="considering", **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "BadResult")
    assert "could not be read" in answer.json()["detail"]


def test_a_field_that_only_looks_like_a_number_is_no_answer(at_desk, floor, guided):
    lead = dialled(at_desk, floor)

    answer = post(at_desk, "desk_result", lead=lead.pk, disposition="considering", **{"answer-²": "x"})

    assert answer.status_code == 200


def test_what_was_left_out_of_a_result_is_told_above_the_next_customer(at_desk, floor, guided):
    lead = dialled(at_desk, floor)
    told = json.dumps({"version": 1, "answers": {"987654": "Yes"}})

    found = post(at_desk, "desk_result", lead=lead.pk, disposition="considering", notes=told).content.decode()

    assert "The result is kept. 1 answer belongs to a script that is not the one of this call" in found


def test_the_result_takes_the_notes_of_the_window_along(at_desk, floor, guided):
    lead = dialled(at_desk, floor)
    told = {"version": 4, "answers": {guided.agrees.pk: "No"}, "path": guided.path((guided.greet, 50), (None, 5))}

    sent = {"lead": lead.pk, "disposition": "refused_price", "notes": json.dumps(told)}
    answer = at_desk.post(reverse("campaigns:desk_result"), sent)

    assert answer.status_code == 200
    assert Answer.objects.get().value == "No"
    assert CallPath.objects.get().end == "refused"


def test_a_sale_without_a_required_answer_is_refused_with_its_step(at_desk, floor, guided):
    lead = dialled(at_desk, floor)
    told = {"version": 1, "path": guided.path((guided.price, 50))}

    sent = {"lead": lead.pk, "disposition": "sold", "is_sale": "on", "notes": json.dumps(told)}
    answer = at_desk.post(reverse("campaigns:desk_result"), sent)

    assert answer.status_code == 409
    assert answer.json()["detail"] == "Step 4.1: the question “What about dear?” still needs its answer."


def test_the_order_form_reads_back_what_must_be_said_each_once(at_desk, floor, guided):
    type(floor.campaign.product).objects.update(mandatory_statements="May cancel within 7 days\nPrice 149")
    dialled(at_desk, floor)

    form = page(at_desk).partition('id="result-form"')[2]

    assert [
        form.count(f'value="{point}"') for point in ("Contract 24 months", "Price 149", "May cancel within 7 days")
    ] == [1, 1, 1]


def test_the_page_of_an_order_shows_what_was_read_back(client, floor, guided):
    client.force_login(floor.agent)
    lead = dialled(client, floor)
    told = {"version": 1, "said": ["Price 149"]}
    sent = {"lead": lead.pk, "disposition": "sold", "is_sale": "on", "notes": json.dumps(told)}
    assert client.post(reverse("campaigns:desk_result"), sent).status_code == 200

    found = client.get(reverse("campaigns:order", args=[Order.objects.get().pk])).content.decode()

    assert '<span class="good">✓</span> Price 149' in found
    assert "✗ Contract 24 months" in found


# ---------------------------------------------------------------- objections and knowledge


def find(client, text, **more) -> str:
    return client.get(reverse("campaigns:desk_find"), {"q": text, **more}).content.decode()


def test_two_letters_find_answers_of_the_step_then_of_the_product_then_of_all(at_desk, floor, guided):
    started(at_desk, floor)
    product, by = floor.campaign.product, floor.agent
    general = answer_to("太贵了 一", by=by, search="太贵了 一 tgl")
    own = answer_to("太贵了 二", by=by, product=product, search="tgl")
    here = answer_to("太贵了 三", by=by, search="tgl")
    at_hand(guided.price, here)
    answer_to("太贵了 四", by=by, product=ProductFactory(), search="tgl")
    answer_to("太贵了 五", by=by, search="tgl", status="draft")
    Objection.objects.filter(pk=answer_to("太贵了 六", by=by, search="tgl").objection_id).update(
        retired_at=database_now()
    )

    found = re.findall(r'data-answer="(\d+)"', find(at_desk, "tg", step=guided.price.pk))

    assert [int(pk) for pk in found] == [here.pk, own.pk, general.pk]


def test_an_answer_tells_how_often_calls_sold_after_it_was_shown(at_desk, floor, guided):
    started(at_desk, floor)
    answer, now = answer_to("太贵了", by=floor.agent), database_now()
    # 3 uses, 2 of them sold; the one of 31 days ago is not counted
    for n, (sale, days) in enumerate([(True, 0), (True, 1), (False, 2), (True, 31)]):
        AnswerUse.objects.create(call_id=n, call_started_at=now - timedelta(days=days), answer=answer, sale=sale)

    assert "sold 2 of 3" in find(at_desk, "太贵")


def test_one_letter_is_not_enough_but_one_character_is(at_desk, floor, guided):
    started(at_desk, floor)
    answer_to("太贵了", by=floor.agent)

    assert "data-answer" not in find(at_desk, "t")
    assert "Answer to 太贵了" in find(at_desk, "贵")


def test_what_nobody_has_an_answer_to_says_so(at_desk, floor, guided):
    started(at_desk, floor)

    assert "Nothing found for “zz”" in find(at_desk, "zz")


def test_articles_are_found_by_title_and_text_and_open_in_place(at_desk, floor, guided):
    started(at_desk, floor)
    router = Article.objects.create(title="Router exchange", text="At home, <free> of charge", owner=floor.agent)
    Article.objects.create(title="Bills", text="the router is on the bill", owner=floor.agent)
    gone = Article.objects.create(title="Router of old", owner=floor.agent, retired_at=database_now())

    found = find(at_desk, "router")
    text = at_desk.get(reverse("campaigns:desk_article", args=[router.pk]))

    assert found.index("Router exchange") < found.index("Bills")
    assert "Router of old" not in found
    assert text.content.decode().strip() == "At home, &lt;free&gt; of charge"
    assert at_desk.get(reverse("campaigns:desk_article", args=[gone.pk])).status_code == 404


def test_objections_and_articles_of_a_step_are_at_hand(at_desk, floor, guided):
    started(at_desk, floor)
    article = Article.objects.create(title="How prices are told", text="Slowly", owner=floor.agent)
    at_hand(guided.price, answer_to("Too dear for me", by=floor.agent), article)

    found = page(at_desk)

    assert "Too dear for me" in found
    assert "Answer to Too dear for me" in found
    assert reverse("campaigns:desk_article", args=[article.pk]) in found


@pytest.mark.parametrize("name", ["desk_find", "desk_notes"])
def test_who_is_no_agent_is_turned_away(client, floor, name):
    client.force_login(person("supervisor", city=floor.city))
    url = reverse(f"campaigns:{name}")

    answer = client.get(url) if name == "desk_find" else client.post(url, "{}", content_type="application/json")

    assert answer.status_code == 403


# ---------------------------------------------------------------- scenarios


def aged(least: int) -> dict:
    return {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": least}]}}


def proposed(client) -> list[int]:
    return [int(pk) for pk in re.findall(r'data-scenario="(\d+)"', page(client))]


def test_only_scenarios_whose_conditions_the_customer_meets_are_proposed(at_desk, floor, guided):
    lead = started(at_desk, floor)
    Customer.objects.filter(pk=lead.customer_id).update(age=40)
    product, by = floor.campaign.product, floor.agent
    everybody = scenario(product, "all", by=by, status="pilot")
    older = scenario(product, "older", by=by, conditions=aged(30))
    scenario(product, "too old", by=by, conditions=aged(50))
    scenario(product, "draft", by=by, status="draft")
    scenario(product, "dropped", by=by, status="dropped")
    scenario(ProductFactory(), "another product", by=by)
    scenario(
        product,
        "no longer known",
        by=by,
        conditions={"version": 1, "root": {"group": "and", "parts": [{"is": "gone"}]}},
    )

    assert proposed(at_desk) == [everybody.pk, older.pk]
    assert f"{lead.customer.name} at home" in page(at_desk)


def test_the_more_often_it_sold_the_earlier_and_never_more_than_three(at_desk, floor, guided):
    started(at_desk, floor)
    rows = [scenario(floor.campaign.product, name, by=floor.agent) for name in "abcd"]
    now = database_now()
    # a: sold 0 of 10; b: 6 of 10; c: never tried, stands as 1 of 10; d: 3 of 10
    for row, sold, uses in [(rows[0], 0, 10), (rows[1], 6, 10), (rows[3], 3, 10)]:
        ScenarioUse.objects.bulk_create(
            ScenarioUse(call_id=row.pk * 100 + n, call_started_at=now, scenario=row, used=True, sale=n < sold)
            for n in range(uses)
        )

    assert proposed(at_desk) == [rows[1].pk, rows[3].pk, rows[2].pk]
    assert "sold 6 of 10" in page(at_desk)


def test_who_came_by_a_data_request_is_proposed_nothing_that_tells_of_hidden_fields(at_desk, floor, guided):
    from campaigns.queries_guide import proposals

    lead = started(at_desk, floor)
    Customer.objects.filter(pk=lead.customer_id).update(age=40)
    scenario(floor.campaign.product, "older", by=floor.agent, conditions=aged(30))
    everybody = scenario(floor.campaign.product, "all", by=floor.agent)
    lead.data_request_id = 1

    assert [found.row for found in proposals(lead, {}, at=database_now())] == [everybody]


# ---------------------------------------------------------------- API


def test_other_clients_note_and_read_over_the_api(at_desk, floor, guided):
    lead = started(at_desk, floor)
    url = reverse("api:lead-notes", args=[lead.pk])
    assert at_desk.get(url).json()["version"] == 0

    told = {
        "version": 1,
        "writer": "crm",
        "answers": {str(guided.agrees.pk): "Yes"},
        "path": guided.path((guided.greet, 3)),
    }
    put = at_desk.put(url, told, content_type="application/json")
    again = at_desk.put(url, {**told, "writer": "other"}, content_type="application/json")

    assert put.status_code == 200
    assert at_desk.get(url).json()["answers"] == {str(guided.agrees.pk): "Yes"}
    assert (again.status_code, again.json()["code"]) == (409, "NotesBehind")


def test_the_api_takes_notes_with_the_result(at_desk, floor, guided):
    lead = dialled(at_desk, floor)
    told = {"path": guided.path((guided.greet, 40)), "answers": {str(guided.agrees.pk): "No"}}

    sent = {"result": "considering", "notes": told}
    answer = at_desk.post(reverse("api:lead-result", args=[lead.pk]), sent, content_type="application/json")

    assert answer.status_code == 201
    assert (CallPath.objects.count(), Answer.objects.get().value) == (1, "No")


def test_the_api_refuses_answers_that_cannot_be_kept(at_desk, floor, guided):
    lead = dialled(at_desk, floor)
    url = f"/api/v1/leads/{lead.pk}/result/"

    for answers in ('{"²": 1}', '{"1": NaN}', '{"1": {"a": 1}}', '{"99999999999": 1}'):
        body = f'{{"result": "considering", "answers": {answers}}}'
        assert at_desk.post(url, body, content_type="application/json").status_code == 400

    body = {"result": "considering", "answers": {str(guided.day.pk): "Monday \ud83d", "987654": "x"}}
    done = at_desk.post(url, json.dumps(body), content_type="application/json").json()
    assert (len(done["left_out"]), Answer.objects.get().value) == (1, "Monday ")


def test_the_api_shows_nobody_elses_notes(client, floor, guided):
    client.force_login(floor.agent)
    lead = started(client, floor)
    services.save_notes(lead=lead, agent=floor.agent, notes=services.Notes(version=1, said=["x"]), at=database_now())
    client.force_login(agent_of(floor.team))

    assert client.get(reverse("api:lead-notes", args=[lead.pk])).status_code == 404


# ---------------------------------------------------------------- speed and weight


def long_script(floor, guided, steps: int) -> None:
    """So many steps, each with a question, three choices and an objection at hand."""
    from scripts.models import ScriptQuestion, ScriptStep

    for n in range(steps):
        with unlocked():
            step = ScriptStep.objects.create(
                version=guided.version, part="persuasion", position=10 + n, title=f"步骤{n}",
                text=f"{{name|您}}，您好，第{n}步：我们为老客户准备了更快的宽带，每月只多{n}元，孩子上网课不再卡顿。", must_say=f"合约期{n}个月",
            )  # fmt: skip
            ScriptQuestion.objects.create(
                step=step, position=1, code="q", text=f"问题{n}？", choices=["是", "否", "再说"]
            )
        at_hand(step, answer_to(f"异议{n}：太贵", by=floor.agent))


@pytest.mark.parametrize("steps", [1, 20])
def test_the_desk_asks_the_same_however_long_the_script(at_desk, floor, guided, steps, django_assert_max_num_queries):
    long_script(floor, guided, steps)
    for n in range(steps):
        scenario(floor.campaign.product, f"s{n}", by=floor.agent, conditions=aged(n + 1))
    lead = dialled(at_desk, floor)
    Customer.objects.filter(pk=lead.customer_id).update(age=40)
    send(at_desk, lead, answers={guided.agrees.pk: "Yes"})
    page(at_desk)

    with django_assert_max_num_queries(46):
        page(at_desk)


def test_notes_cost_few_queries(at_desk, floor, guided, django_assert_max_num_queries):
    lead = started(at_desk, floor)
    send(at_desk, lead, version=1)

    with django_assert_max_num_queries(9):
        send(at_desk, lead, version=2)


def weight(body: bytes) -> int:
    return len(gzip.compress(body, 6))


def test_a_call_weighs_less_than_20_kb_and_the_first_visit_less_than_250(at_desk, floor, guided):
    long_script(floor, guided, 24)
    for n in range(3):
        scenario(floor.campaign.product, f"s{n}", by=floor.agent, picture="晚上全家一起看电影，画面不再卡顿。" * 10)
    lead_of(floor)

    first = at_desk.get(reverse("campaigns:desk")).content
    files = set(re.findall(r'(?:src|href)="/static/([^"]+\.(?:js|css))"', first.decode()))
    desk_js = [name for name in files if name.endswith("desk.js")]
    files |= {name.replace("desk.js", f"{other}.js") for name in desk_js for other in ("guide", "outbox")}
    static = sum(weight(Path(finders.find(name)).read_bytes()) for name in files)
    next_lead = post(at_desk, "desk_start").content
    lead = Lead.objects.get(state="held")
    answers = [
        next_lead,
        post(at_desk, "desk_dial", lead=lead.pk).content,
        post(at_desk, "desk_hang_up", lead=lead.pk).content,
    ]

    assert len(files) > 4
    assert weight(first) + static < 250_000
    assert sum(weight(answer) for answer in answers[:1]) < 20_000
    assert sum(weight(answer) for answer in answers) < 20_000
