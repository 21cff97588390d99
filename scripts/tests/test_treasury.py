"""Objections with answers, best phrases, scenarios: written, voted on, put into use and out of it."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from core.models import AuditEvent
from people.tests.factories import TeamFactory, UserFactory
from scripts import queries_treasury as queries, services_objections as services, services_scenarios
from scripts.models import Objection, ObjectionAnswer, Phrase, ProhibitedWord, Scenario
from scripts.tests.factories import OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)


def writer():
    return UserFactory(role="qa")


def objection(text="太贵了", **fields):
    by = writer()
    return services.save_objection(objection=Objection(text=text, **fields), by=by, at=AT)


def test_an_objection_is_found_by_its_words_its_sound_and_its_initials():
    wanted = objection("太贵了")
    objection("没时间")

    for typed in ("太贵", "taigui", "tg"):
        assert list(queries.objections(search=typed)) == [wanted], typed


def test_objections_of_every_product_stand_with_those_of_one():
    product = ProductFactory()
    general, own = objection("想想再说"), objection("网速慢", product=product)
    objection("别的产品", product=ProductFactory())

    assert list(queries.objections(product=product)) == sorted([general, own], key=lambda row: row.text)


def test_an_answer_is_a_draft_until_it_is_put_into_use():
    row, by = objection(), writer()

    answer = services.write_answer(objection=row, text="每天不到两块钱", by=by, at=AT)
    before = queries.objections().get()
    services.set_answer_status(answer=answer, status="in_use", by=by, at=AT)
    after = queries.objections().get()

    assert (before.in_use, before.drafts) == (0, 1)
    assert (after.in_use, after.drafts) == (1, 0)


def test_a_prohibited_word_is_refused_with_its_reason_in_answer_phrase_and_scenario():
    ProhibitedWord.objects.create(word="免费", why="总有条件")
    row, by = objection(), writer()

    with pytest.raises(services.ProhibitedWords, match=r"免费 \(总有条件\)"):
        services.write_answer(objection=row, text="完全免费的", by=by, at=AT)
    with pytest.raises(services.ProhibitedWords):
        services.save_phrase(phrase=Phrase(text="免费试用"), by=by, at=AT)
    with pytest.raises(services.ProhibitedWords):
        services_scenarios.save_scenario(
            scenario=Scenario(name="夜", picture="孩子在看课", sms_text="免费！", product=ProductFactory()),
            by=by,
            at=AT,
        )


def test_a_word_prohibited_since_keeps_a_draft_from_use():
    row, by = objection(), writer()
    answer = services.write_answer(objection=row, text="保证最快", by=by, at=AT)
    ProhibitedWord.objects.create(word="保证")

    with pytest.raises(services.ProhibitedWords):
        services.set_answer_status(answer=answer, status="in_use", by=by, at=AT)

    assert ObjectionAnswer.objects.get().status == "draft"


def test_a_retired_objection_takes_no_answer_and_comes_back():
    row, by = objection(), writer()
    services.retire_objection(objection=row, by=by, at=AT)

    with pytest.raises(services.NotInUse):
        services.write_answer(objection=row, text="好的", by=by, at=AT)
    assert not queries.objections().exists()

    services.revive_objection(objection=row, by=by, at=AT)
    assert services.write_answer(objection=row, text="好的", by=by, at=AT).pk


def test_each_votes_once_and_may_take_the_vote_back():
    phrase = services.save_phrase(phrase=Phrase(text="您家里几个人上网？"), by=writer(), at=AT)
    one, other = UserFactory(role="agent", team=TeamFactory()), UserFactory(role="agent", team=TeamFactory())

    votes = [services.vote(phrase=phrase, by=by, at=AT) for by in (one, other, one)]

    assert votes == [True, True, False]
    assert [(row.vote_count, row.is_mine) for row in queries.phrases(other)] == [(1, True)]


def test_the_most_voted_phrase_stands_first():
    by = writer()
    plain = services.save_phrase(phrase=Phrase(text="一"), by=by, at=AT)
    liked = services.save_phrase(phrase=Phrase(text="二"), by=by, at=AT)
    services.vote(phrase=liked, by=by, at=AT)

    assert list(queries.phrases(by)) == [liked, plain]


def test_two_scenarios_of_a_product_have_different_names():
    product, by = ProductFactory(), writer()
    services_scenarios.save_scenario(scenario=Scenario(name="周末", picture="一家人", product=product), by=by, at=AT)

    with pytest.raises(services_scenarios.NameTaken):
        services_scenarios.save_scenario(
            scenario=Scenario(name="周末", picture="两个人", product=product), by=by, at=AT
        )


def test_drafts_of_scenarios_are_shown_to_those_who_write_them_alone():
    by = writer()
    draft = Scenario(name="夜里", picture="追剧", product=ProductFactory())
    services_scenarios.save_scenario(scenario=draft, by=by, at=AT)

    assert list(queries.scenarios(by)) == [draft]
    assert not queries.scenarios(UserFactory(role="agent", team=TeamFactory())).exists()


# ---------------------------------------------------------------- pages


def test_the_page_of_an_objection_begins_with_what_the_cluster_says(client):
    product = ProductFactory()
    client.force_login(writer())

    page = client.get(reverse("scripts:objection_new"), {"reason": "太贵", "text": "太贵", "product": product.pk})
    answer = client.post(reverse("scripts:objection_new"), {"reason": "太贵", "text": "太贵", "product": product.pk})

    assert page.context["form"].initial == {"reason": "太贵", "text": "太贵", "product": str(product.pk)}
    assert answer.url == reverse("scripts:objection", args=[Objection.objects.get().pk])


def test_a_second_without_a_call_is_refused_on_the_page(client):
    row = objection()
    client.force_login(writer())

    answer = client.post(reverse("scripts:answer_new", args=[row.pk]), {"text": "好", "second": "12"})

    assert answer.status_code == 422
    assert "Say which call this second belongs to." in answer.content.decode()
    assert not ObjectionAnswer.objects.exists()


def test_agents_read_and_vote_but_do_not_write(client):
    row = objection()
    phrase = services.save_phrase(phrase=Phrase(text="您好"), by=writer(), at=AT)
    client.force_login(UserFactory(role="agent", team=TeamFactory()))

    assert client.get(reverse("scripts:objection", args=[row.pk])).status_code == 200
    assert client.post(reverse("scripts:phrase_vote", args=[phrase.pk])).status_code == 302
    assert phrase.votes.count() == 1
    for url in (
        reverse("scripts:answer_new", args=[row.pk]),
        reverse("scripts:objection_retire", args=[row.pk]),
        reverse("scripts:phrase_retire", args=[phrase.pk]),
        reverse("scripts:scenario_new"),
    ):
        assert client.post(url, {"text": "x"}).status_code == 403, url


def test_a_scenario_is_saved_with_the_conditions_of_the_builder(client):
    product = ProductFactory()
    client.force_login(writer())
    told = {
        "name": "周末", "product": product.pk, "picture": "一家人看电影", "g:0": "and", "k:0-0": "gender", "was:0-0": "gender",
        "o:0-0": "one_of", "v:0-0": "female", "do": "save",
    }  # fmt: skip

    answer = client.post(reverse("scripts:scenario_new"), told)

    row = Scenario.objects.get()
    assert answer.url == reverse("scripts:scenario", args=[row.pk])
    assert row.conditions["root"]["parts"][0]["is"] == "gender"
    assert row.status == "draft"


def test_unfinished_conditions_are_told_and_nothing_is_saved(client):
    client.force_login(writer())
    told = {
        "name": "周末", "product": ProductFactory().pk, "picture": "一", "g:0": "and", "k:0-0": "gender", "was:0-0": "gender",
        "o:0-0": "one_of", "do": "save",
    }  # fmt: skip

    answer = client.post(reverse("scripts:scenario_new"), told)

    assert answer.status_code == 422
    assert not Scenario.objects.exists()
    assert client.post(reverse("scripts:scenario_new"), told | {"for_all": "1"}).status_code == 302
    assert Scenario.objects.get().conditions == {}


# ---------------------------------------------------------------- two at once


def typed(form, **more):
    """What a page sends when it was opened now: each field as it stands, and the stamp of what was read."""
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items()} | more


def as_seen(client, url):
    return typed(client.get(url).context["form"])


def test_another_wording_saved_meanwhile_is_told_and_what_was_typed_stays(client):
    row, colleague = objection("太贵了"), UserFactory(role="qa", display_name="Li Na")
    client.force_login(UserFactory(role="qa", language="en"))
    url = reverse("scripts:objection", args=[row.pk])
    mine = as_seen(client, url) | {"text": "我的说法"}
    row.text = "同事的说法"
    services.save_objection(objection=row, by=colleague, at=AT)

    told = client.post(url, mine)

    assert told.status_code == 422
    assert "Li Na saved another wording on" in told.content.decode()
    assert "我的说法" in told.content.decode()
    assert Objection.objects.get().text == "同事的说法"

    assert client.post(url, typed(told.context["form"])).status_code == 302
    assert Objection.objects.get().text == "我的说法"


@pytest.mark.parametrize("kind", ["phrase", "scenario", "offer"])
def test_phrases_scenarios_and_offers_are_guarded_likewise(client, kind):
    by, offer = writer(), OfferFactory(name="first")
    scenario = services_scenarios.save_scenario(
        scenario=Scenario(name="first", picture="一", product=offer.product), by=by, at=AT
    )
    phrase = services.save_phrase(phrase=Phrase(text="first"), by=by, at=AT)
    row, field, url = {
        "phrase": (phrase, "text", reverse("scripts:phrase", args=[phrase.pk])),
        "scenario": (scenario, "name", reverse("scripts:scenario", args=[scenario.pk])),
        "offer": (offer, "name", reverse("scripts:offer_edit", args=[offer.product_id, offer.pk])),
    }[kind]
    client.force_login(UserFactory(role="campaign_manager"))
    mine = as_seen(client, url) | {field: "mine", "do": "save", "for_all": "1"}
    type(row).objects.update(**{field: "a colleague's"})

    told = client.post(url, mine)

    row.refresh_from_db()
    assert (told.status_code, getattr(row, field)) == (422, "a colleague's")
    assert client.post(url, typed(told.context["form"], do="save", for_all="1")).status_code == 302
    row.refresh_from_db()
    assert getattr(row, field) == "mine"


def test_saving_the_words_does_not_undo_what_was_done_to_the_row_meanwhile(client):
    row, by = objection(), writer()
    client.force_login(by)
    url = reverse("scripts:objection", args=[row.pk])
    mine = as_seen(client, url)
    stale = Objection.objects.get()
    services.retire_objection(objection=row, by=by, at=AT)

    assert client.post(url, mine | {"text": "贵"}).status_code == 302
    services.save_objection(objection=stale, by=by, at=AT)

    assert Objection.objects.get().retired_at == AT


def test_a_button_pressed_twice_retires_once(client):
    row = objection()
    phrase = services.save_phrase(phrase=Phrase(text="您好"), by=writer(), at=AT)
    client.force_login(writer())

    for url, kind in (
        (reverse("scripts:objection_retire", args=[row.pk]), Objection),
        (reverse("scripts:phrase_retire", args=[phrase.pk]), Phrase),
    ):
        assert client.post(url).status_code == 400, "neither state is asked for"
        client.post(url, {"state": "retired"})
        first = kind.objects.get().retired_at
        client.post(url, {"state": "retired"})
        assert kind.objects.get().retired_at == first is not None
        client.post(url, {"state": "in_use"})
        assert kind.objects.get().retired_at is None
    assert AuditEvent.objects.filter(action="scripts.objection.retired").count() == 1


def test_what_is_so_already_leaves_no_trace():
    row, by = objection(), writer()
    answer = services.write_answer(objection=row, text="好", by=by, at=AT)
    scenario = services_scenarios.save_scenario(
        scenario=Scenario(name="周末", picture="一", product=ProductFactory()), by=by, at=AT
    )

    services.revive_objection(objection=row, by=by, at=AT)
    services.set_answer_status(answer=answer, status="draft", by=by, at=AT)
    services_scenarios.set_scenario_status(scenario=scenario, status="draft", by=by, at=AT)

    assert not AuditEvent.objects.filter(action__regex="revived|moved").exists()


def test_a_retired_phrase_takes_no_vote_however_long_ago_its_page_was_opened():
    by = writer()
    phrase = services.save_phrase(phrase=Phrase(text="您好"), by=by, at=AT)
    services.retire_phrase(phrase=Phrase.objects.get(), by=by, at=AT)

    with pytest.raises(services.NotInUse):
        services.vote(phrase=phrase, by=by, at=AT)
