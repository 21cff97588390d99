"""Two customers who are one person: what goes over at the merge, what comes back at its undo, and who may not be merged."""

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns import person_data
from campaigns.models import Call, Callback, Lead
from campaigns.tests import factories as f
from core.models import AuditEvent, Job
from core.partitions import ensure_partitions
from customers.models import Consent, Contact, Customer, LeadList, Merge, PersonRequest, SamePerson
from customers.retention import forget_merges
from customers.services import merging, unmerging
from customers.services.erasing import erase
from customers.services.persons import add_tag
from customers.services.requests import MergedAway, lock, open_request
from customers.services.same_persons import DecidedAlready, tell_apart
from customers.services.suppress import lift, suppress
from customers.tests.factories import LeadListFactory
from people.models import Membership

pytestmark = pytest.mark.django_db
AT = f.AT
LATER = AT + timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def city():
    return f.CityFactory()


@pytest.fixture
def data(city):
    return f.person(Membership.Role.DATA, city=city)


@pytest.fixture
def two(city):
    """(kept, gone): one with 19100007548, one with 19100007549."""
    return tuple(f.CustomerFactory(city=city, name="张伟", phone=f"1910000754{n}") for n in (8, 9))


@pytest.fixture
def pair(two):
    return SamePerson.objects.create(first=two[0], second=two[1], why="digit", found_at=AT)


@pytest.fixture
def contacts(db):
    ensure_partitions("customers_contact", AT.date().replace(day=1), 1)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def merge(pair, data, keep=None, at=AT):
    return merging.merge(pair=pair, keep_id=(keep or pair.first).pk, by=data, at=at)


def undo(made, data, at=LATER):
    return unmerging.undo(made=made, by=data, at=at)


def masks(customer):
    return [(phone.mask, phone.is_primary) for phone in customer.phones.order_by("pk")]


def snapshot(*customers):
    """Everything of these customers that a merge touches."""
    return {
        customer.pk: (
            {k: v for k, v in Customer.objects.filter(pk=customer.pk).values().get().items() if k != "updated_at"},
            list(customer.phones.order_by("pk").values("pk", "is_primary")),
            list(customer.consents.order_by("pk").values("pk")),
            list(customer.suppressions.order_by("pk").values("pk", "lifted_at")),
            list(customer.tags.order_by("pk").values("tag")),
            list(customer.leads.order_by("pk").values()),
            list(Callback.objects.filter(lead__customer=customer).order_by("pk").values("pk", "lead", "state")),
            list(Contact.objects.filter(customer_id=customer.pk).order_by("pk").values_list("pk", flat=True)),
        )
        for customer in customers
    }


# ---------------------------------------------------------------- what goes over


def test_numbers_consents_tags_and_missing_details_go_to_the_one_who_stays(two, pair, data):
    kept, gone = two
    Customer.objects.filter(pk=kept.pk).update(attributes={"plan": "A", "city part": ""}, gender="", source=None)
    Customer.objects.filter(pk=gone.pk).update(
        attributes={"plan": "B", "city part": "东", "arpu": 30}, gender="male", age=40, external_id="K-7"
    )
    Consent.objects.create(customer=gone, basis="contract", stated_by="test", given_at=AT)
    add_tag(customer=kept, name="家庭", by=data, at=AT)
    add_tag(customer=gone, name="家庭", by=data, at=AT)
    add_tag(customer=gone, name="VIP", by=data, at=AT)

    made = merge(pair, data)

    kept, gone = fresh(kept), fresh(gone)
    assert gone.merged_into == kept
    assert masks(kept) == [("191****7548", True), ("191****7549", False)]
    assert masks(gone) == []
    assert kept.attributes == {"plan": "A", "city part": "东", "arpu": 30}
    assert (kept.gender, kept.age, kept.external_id, kept.source) == ("male", 40, "K-7", gone.source)
    assert [consent.basis for consent in kept.consents.all()] == ["contract"]
    assert sorted(kept.tags.values_list("tag__name", flat=True)) == ["VIP", "家庭"]
    assert fresh(pair).state == "merged"
    row = AuditEvent.objects.get(action="customers.merge.made")
    assert (row.detail["customer_id"], row.detail["other_customer_id"]) == (kept.pk, gone.pk)
    assert Job.objects.filter(kind="customers.find_same_persons", args={"customer": kept.pk}).exists()
    assert "家" not in str(
        Merge.objects.filter(pk=made.pk).extra(select={"raw": "encode(moved, 'escape')"}).values("raw")
    )


def test_the_higher_id_may_stay_as_well_and_a_first_number_is_kept_where_there_is_none(two, pair, data):
    kept, gone = two[1], two[0]
    kept.phones.all().delete()

    merge(pair, data, keep=kept)

    assert fresh(gone).merged_into == kept
    assert masks(kept) == [("191****7548", True)]


def test_the_contact_budget_is_that_of_both(two, pair, data, contacts):
    kept, gone = two
    Customer.objects.filter(pk=kept.pk).update(attempts=[AT - 2 * HOUR, AT - 5 * HOUR], callable_from=AT)
    Customer.objects.filter(pk=gone.pk).update(
        attempts=[AT - HOUR, AT - 3 * HOUR], callable_from=AT + HOUR, answered_at=AT - HOUR, owner_campaign_id=7,
        owner_group="g", owner_until=AT + HOUR,
    )  # fmt: skip
    contact = Contact.objects.create(at=AT - HOUR, customer_id=gone.pk, city_id=gone.city_id, state="made")

    merge(pair, data)

    kept = fresh(kept)
    assert kept.attempts == [AT - HOUR, AT - 2 * HOUR, AT - 3 * HOUR, AT - 5 * HOUR]
    assert (kept.callable_from, kept.answered_at) == (AT + HOUR, AT - HOUR)
    assert (kept.owner_campaign_id, kept.owner_group, kept.owner_until) == (7, "g", AT + HOUR)
    assert fresh(contact).customer_id == kept.pk


@pytest.mark.parametrize("who", [0, 1])
def test_if_either_is_not_to_be_called_the_one_who_stays_is_not_and_no_lead_remains_open(two, pair, data, who):
    leads = [f.LeadFactory(customer=customer, city=customer.city) for customer in two]
    suppress(customer=two[who], kind="refusal", by=data, at=AT)

    merge(pair, data)

    kept = fresh(two[0])
    assert kept.is_suppressed
    assert kept.suppressions.get().kind == "refusal"
    assert [fresh(lead).outcome for lead in leads] == ["suppressed", "suppressed"]


def test_leads_go_over_and_of_two_in_one_campaign_one_ends_with_its_reason(two, pair, data):
    kept, gone = two
    both = f.CampaignFactory()
    own, twin = (f.LeadFactory(customer=customer, city=customer.city, campaign=both) for customer in two)
    alone = f.LeadFactory(customer=gone, city=gone.city)
    done = f.LeadFactory(customer=gone, city=gone.city, state="done", outcome="refused")

    merge(pair, data)

    assert (fresh(own).state, fresh(own).customer) == ("open", kept)
    assert (fresh(twin).state, fresh(twin).outcome, fresh(twin).customer) == ("done", "merged", gone)
    assert (fresh(alone).state, fresh(alone).customer) == ("open", kept)
    assert (fresh(done).outcome, fresh(done).customer) == ("refused", gone)


def test_a_lead_ends_where_the_one_who_stays_has_finished_the_campaign(two, pair, data):
    campaign = f.CampaignFactory()
    f.LeadFactory(customer=two[0], city=two[0].city, campaign=campaign, state="done", outcome="won")
    lead = f.LeadFactory(customer=two[1], city=two[1].city, campaign=campaign)

    merge(pair, data)

    assert fresh(lead).outcome == "merged"


def promise(lead, agent, due_at):
    lead.callback_agent, lead.due_at, lead.ready_at = agent, due_at, due_at
    lead.save()
    return Callback.objects.create(lead=lead, agent=agent, due_at=due_at)


def test_a_promise_to_the_one_merged_is_kept_with_the_lead_that_stays_open(two, pair, data):
    campaign, agent = f.CampaignFactory(), f.UserFactory()
    own, twin = (f.LeadFactory(customer=customer, city=customer.city, campaign=campaign) for customer in two)
    promised = promise(twin, agent, AT + HOUR)

    merge(pair, data)

    own = fresh(own)
    assert (fresh(promised).lead, fresh(promised).state) == (own, "promised")
    assert (own.callback_agent, own.due_at) == (agent, AT + HOUR)
    assert fresh(twin).callback_agent is None


def test_of_two_promises_in_one_campaign_the_own_stands(two, pair, data):
    campaign, agent = f.CampaignFactory(), f.UserFactory()
    own, twin = (f.LeadFactory(customer=customer, city=customer.city, campaign=campaign) for customer in two)
    first, second = promise(own, agent, AT + 2 * HOUR), promise(twin, agent, AT + HOUR)

    merge(pair, data)

    assert (fresh(first).state, fresh(second).state) == ("promised", "dropped")
    assert fresh(own).due_at == AT + 2 * HOUR


def test_what_is_said_later_of_an_old_call_holds_for_the_one_who_stays(two, pair, data):
    merge(pair, data)

    row = suppress(customer=two[1], kind="refusal", by=data, at=LATER)

    assert row.customer_id == two[0].pk
    assert fresh(two[0]).is_suppressed


def test_who_was_told_apart_from_the_one_merged_does_not_come_back_with_the_other(two, pair, data):
    third = f.CustomerFactory(city=two[0].city, name="张伟", phone="19100007540")
    other = SamePerson.objects.create(first=two[1], second=third, why="digit", found_at=AT)
    tell_apart(pair=other, by=data, at=AT)

    made = merge(pair, data)

    carried = SamePerson.objects.get(first=two[0], second=third)
    assert carried.state == "different"
    undo(made, data)
    assert not SamePerson.objects.filter(pk=carried.pk).exists()


# ---------------------------------------------------------------- refused


def held(two, data):
    f.hold(f.LeadFactory(customer=two[1], city=two[1].city), f.UserFactory())


def locked(two, data):
    Customer.objects.filter(pk=two[0].pk).update(is_locked=True)


def erased(two, data):
    PersonRequest.objects.create(
        customer=two[1], kind="erase", way="phone", received_by=f.UserFactory(), received_on=AT, due_on=AT, state="done",
        decided_by=data, decided_at=AT,
    )  # fmt: skip


def asked(two, data):
    PersonRequest.objects.create(customer=two[1], kind="copy", way="phone", received_by=data, received_on=AT, due_on=AT)


def merged(two, data):
    Customer.objects.filter(pk=two[1].pk).update(merged_into=f.CustomerFactory(city=two[1].city))


def moved(two, data):
    Membership.objects.create(user=data, role="data", valid_from="2020-01-01")
    Customer.objects.filter(pk=two[1].pk).update(city=f.CityFactory())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (held, "An agent has one of them in hand"), (locked, "locked"), (erased, "erased"), (asked, "asked about their data"),
        (merged, "was merged already"), (moved, "different cities"),
    ],
)  # fmt: skip
def test_who_cannot_be_merged_now_is_refused_with_a_sentence_and_nothing_moves(two, pair, data, change, sentence):
    change(two, data)
    before = snapshot(*two)

    with pytest.raises(merging.NotMergeable, match=sentence):
        merge(pair, data)

    assert snapshot(*two) == before
    assert fresh(pair).state == "open"


def test_a_pair_is_merged_once_and_never_into_a_third(two, pair, data):
    with pytest.raises(merging.NotOfThePair):
        merge(pair, data, keep=f.CustomerFactory(city=two[0].city))
    merge(pair, data)
    with pytest.raises(DecidedAlready):
        merge(pair, data, keep=two[1])


# ---------------------------------------------------------------- the undo


def test_an_undo_on_the_spot_brings_everything_back(two, pair, data, contacts):
    kept, gone = two
    agent, both = f.UserFactory(), f.CampaignFactory()
    _own, twin = (f.LeadFactory(customer=customer, city=customer.city, campaign=both) for customer in two)
    promise(twin, agent, AT + HOUR)
    f.LeadFactory(customer=gone, city=gone.city)
    f.LeadFactory(customer=kept, city=kept.city)
    Customer.objects.filter(pk=gone.pk).update(
        attributes={"arpu": 30}, gender="male", external_id="K-7", attempts=[AT - HOUR], callable_from=AT + HOUR,
        answered_at=AT - HOUR, source=kept.source,
    )  # fmt: skip
    Customer.objects.filter(pk=kept.pk).update(attributes={"arpu": ""})
    add_tag(customer=gone, name="VIP", by=data, at=AT)
    Consent.objects.create(customer=gone, basis="contract", stated_by="test", given_at=AT)
    Contact.objects.create(at=AT - HOUR, customer_id=gone.pk, city_id=gone.city_id, state="made")
    suppress(customer=gone, kind="offer_refused", product_id=99, valid_to=LATER, by=data, at=AT)
    before = snapshot(kept, gone)

    made = merge(pair, data)
    assert snapshot(kept, gone) != before
    made = undo(made, data)

    assert snapshot(kept, gone) == before
    assert made.left == []
    assert fresh(pair).state == "open"
    assert AuditEvent.objects.filter(action="customers.merge.undone").count() == 1


def test_the_refusal_of_one_goes_back_to_the_one_and_the_others_leads_open_again(two, pair, data):
    kept, gone = two
    lead = f.LeadFactory(customer=kept, city=kept.city)
    suppress(customer=gone, kind="refusal", by=data, at=AT)
    made = merge(pair, data)
    assert fresh(lead).outcome == "suppressed"

    undo(made, data)

    assert (fresh(kept).is_suppressed, fresh(gone).is_suppressed) == (False, True)
    assert fresh(lead).state == "open"


def test_what_was_changed_or_used_since_stays_and_is_said(two, pair, data, contacts):
    kept, gone = two
    worked_on = f.LeadFactory(customer=gone, city=gone.city)
    Customer.objects.filter(pk=gone.pk).update(attributes={"arpu": 30, "plan": "B"}, gender="male")
    add_tag(customer=gone, name="VIP", by=data, at=AT)
    made = merge(pair, data)
    Customer.objects.filter(pk=kept.pk).update(attributes={"arpu": 50, "plan": "B"}, attempts=[AT + HOUR])
    kept.tags.all().delete()
    Lead.objects.filter(pk=worked_on.pk).update(attempts_made=1, last_call_at=AT + HOUR)
    Contact.objects.create(at=AT + HOUR, customer_id=kept.pk, city_id=kept.city_id, state="made")
    suppress(customer=kept, kind="refusal", by=data, at=AT + HOUR)

    made = undo(made, data)

    kept, gone = fresh(kept), fresh(gone)
    assert dict(made.left) == {"tags": 1, "details": 1, "contacts": 1, "for_both": 1, "leads": 1}
    assert kept.attributes == {"arpu": 50}
    assert gone.attributes == {"arpu": 30, "plan": "B"}
    assert (kept.gender, gone.gender) == ("", "male")
    assert fresh(worked_on).customer == kept
    assert kept.attempts == gone.attempts == [AT + HOUR]
    assert kept.is_suppressed
    assert gone.is_suppressed


def test_a_suppression_lifted_since_stays_lifted(two, pair, data):
    row = suppress(customer=two[1], kind="manual", by=data, at=AT)
    made = merge(pair, data)
    lift(suppression=fresh(row), by=data, at=AT + HOUR, reason="by mistake")

    undo(made, data)

    assert fresh(row).customer == two[1]
    assert not fresh(two[1]).is_suppressed


def test_it_is_undone_once_within_thirty_days_and_by_the_data_team_of_the_city(two, pair, data):
    made = merge(pair, data)
    for stranger in (f.person("data", city=f.CityFactory()), f.person("city_manager", city=two[0].city)):
        with pytest.raises(unmerging.PermissionRefused):
            undo(made, stranger)
    with pytest.raises(unmerging.NotUndoable, match="30 days"):
        undo(made, data, at=AT + timedelta(days=30, seconds=1))
    undo(made, data)
    with pytest.raises(unmerging.UndoneAlready):
        undo(made, data)
    assert fresh(two[1]).merged_into is None


def test_it_is_not_undone_while_an_agent_has_the_person_nor_before_a_later_merge(two, pair, data):
    made = merge(pair, data)
    lead = f.LeadFactory(customer=two[0], city=two[0].city)
    f.hold(lead, f.UserFactory())
    with pytest.raises(unmerging.NotUndoable, match="in hand"):
        undo(made, data)
    Lead.objects.filter(pk=lead.pk).delete()
    third = f.CustomerFactory(city=two[0].city, name="张伟")
    Customer.objects.filter(pk=two[0].pk).update(held_lead_id=None, merged_into=third)
    with pytest.raises(unmerging.NotUndoable, match="undo that first"):
        undo(made, data)


def test_a_pair_can_be_merged_again_after_an_undo(two, pair, data):
    undo(merge(pair, data), data)

    again = merge(fresh(pair), data, keep=two[1], at=LATER)

    assert fresh(two[0]).merged_into == two[1]
    assert Merge.objects.filter(undone_at=None).get() == again


def test_a_person_erased_takes_along_whoever_was_merged_into_them(two, pair, data):
    made = merge(pair, data)
    wish = PersonRequest.objects.create(
        customer=two[0], kind="erase", way="phone", received_by=f.UserFactory(), received_on=AT, due_on=AT
    )

    erase(asked=wish, by=data, at=LATER)

    assert [fresh(customer).name for customer in two] == ["", ""]
    assert not two[0].phones.exists()
    assert fresh(made).moved is None
    with pytest.raises(unmerging.NotUndoable):
        undo(made, data)


def test_a_lock_covers_whoever_was_merged_and_their_own_page_takes_no_request(two, pair, data):
    merge(pair, data)
    with pytest.raises(MergedAway):
        open_request(customer=two[1], kind="lock", way="phone", by=data, at=AT)

    lock(asked=open_request(customer=two[0], kind="lock", way="phone", by=data, at=AT), by=data, at=AT)

    assert [fresh(customer).is_locked for customer in two] == [True, True]


def test_what_was_moved_is_forgotten_when_it_can_no_longer_be_undone(two, pair, data):
    made = merge(pair, data)

    assert forget_merges(AT + timedelta(days=30)) == 0
    assert forget_merges(AT + timedelta(days=30, seconds=1)) == 1

    assert fresh(made).moved is None


def test_calls_and_orders_stay_with_their_row_and_are_shown_with_the_one_who_stays(client, two, pair, data):
    sold = record_history(two[1])
    merge(pair, data)
    client.force_login(data)

    page = client.get(reverse("campaigns:customer-calls", args=[two[0].pk])).content.decode()

    assert fresh(sold).customer_id == two[1].pk
    assert "Sold" in page
    assert [row[-1] for row in person_data.facts(two[0])[0].rows] == ["took the plan"]


def record_history(customer):
    ensure_partitions("campaigns_call", AT.date().replace(day=1), 1)
    return Call.objects.create(
        started_at=AT, customer_id=customer.pk, city_id=customer.city_id, agent_id=f.UserFactory().pk, team_id=1,
        team_city_id=customer.city_id, campaign_id=f.CampaignFactory().pk, disposition_id=f.result("sold").pk,
        connected=True, sale=True, note="took the plan",
    )  # fmt: skip


def test_a_lead_whose_list_was_taken_back_while_it_was_merged_does_not_open_again(two, pair, data):
    kept, gone = two
    campaign = f.CampaignFactory()
    f.LeadFactory(campaign=campaign, customer=kept, city=kept.city)
    lead = f.LeadFactory(campaign=campaign, customer=gone, city=gone.city, lead_list=LeadListFactory())
    made = merge(pair, data, keep=kept)
    LeadList.objects.filter(pk=lead.lead_list_id).update(
        status="undone",
        committed_at=AT,
        committed_by=data,
        undo_by=data,
        undo_asked_at=AT,
        undo_reason="x",
        undone_at=AT,
    )

    undo(made, data)

    assert (fresh(lead).state, fresh(lead).outcome) == ("done", "withdrawn")
