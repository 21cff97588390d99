"""A small region for tests: cities, teams, people in roles, customers with numbers, campaigns, leads in somebody's hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import factory

from campaigns.models import Campaign, Disposition, Lead
from core.phones import mask_phone, phone_prefix
from core.sealed import blind_index, seal
from customers.models import Customer, Phone, Source
from people.models import City, Membership, Team, User, Zone
from scripts.tests.factories import ProductFactory

# a Thursday morning in China; every test that needs a clock passes this one
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)


def zone(name: str = "Asia/Shanghai") -> Zone:
    return Zone.objects.get_or_create(name=name)[0]


class CityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = City

    code = factory.Sequence(lambda n: f"C{n}")
    name = factory.Sequence(lambda n: f"City {n}")
    zone = factory.LazyFunction(zone)


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    code = factory.Sequence(lambda n: f"T{n}")
    name = factory.Sequence(lambda n: f"Team {n}")
    city = factory.SubFactory(CityFactory)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    code = factory.Sequence(lambda n: f"U{n}")
    display_name = factory.Sequence(lambda n: f"Person {n}")


def person(
    role: str, *, city: City | None = None, team: Team | None = None, since: date = date(2020, 1, 1), **fields
) -> User:
    """Somebody in one role: of a team, a city, or (neither) the region."""
    user = UserFactory(**fields)
    Membership.objects.create(user=user, role=role, city=city, team=team, valid_from=since)
    return user


def agent_of(team: Team, **fields) -> User:
    return person(Membership.Role.AGENT, team=team, **fields)


class SourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Source

    name = factory.Sequence(lambda n: f"Source {n}")


class CustomerFactory(factory.django.DjangoModelFactory):
    """A person with one number ("phone=..." for a certain one, None for none)."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    city = factory.SubFactory(CityFactory)
    source = factory.SubFactory(SourceFactory)
    name = factory.Sequence(lambda n: f"客户{n}")

    @factory.post_generation
    def phone(self, create, extracted, **kwargs):
        if extracted is not None or "none" not in kwargs:
            add_phone(self, extracted or f"1900000{self.pk % 10000:04d}")


def add_phone(customer: Customer, digits: str, **fields) -> Phone:
    clean = f"86{digits}"
    fields.setdefault("is_primary", not customer.phones.exists())
    return Phone.objects.create(
        customer=customer,
        blind_index=blind_index(clean),
        sealed=seal(clean),
        mask=mask_phone(clean),
        prefix=phone_prefix(clean),
        **fields,
    )


class CampaignFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Campaign

    code = factory.Sequence(lambda n: f"K{n}")
    name = factory.Sequence(lambda n: f"Campaign {n}")
    product = factory.SubFactory(ProductFactory, price_cents=9_900)
    stage = Campaign.Stage.RUNNING


class LeadFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Lead

    campaign = factory.SubFactory(CampaignFactory)
    customer = factory.SubFactory(CustomerFactory)
    city = factory.SelfAttribute("customer.city")
    source = factory.SelfAttribute("customer.source")
    due_at = AT - timedelta(days=1)
    ready_at = AT - timedelta(days=1)


def hold(lead: Lead, agent: User, at: datetime = AT) -> Lead:
    """Put a lead into an agent's hand as a claim does, without the ledger."""
    lead.state, lead.agent, lead.held_at, lead.lease_until = (
        Lead.State.HELD,
        agent,
        at - timedelta(minutes=5),
        at + timedelta(minutes=10),
    )
    lead.save()
    Customer.objects.filter(pk=lead.customer_id).update(held_lead_id=lead.pk)
    return lead


def held_lead(agent: User | None = None, **fields) -> Lead:
    """A lead in the hand of an agent of a team in the customer's city."""
    lead = LeadFactory(**fields)
    return hold(lead, agent or agent_of(TeamFactory(city=lead.city)))


def result(code: str) -> Disposition:
    return Disposition.objects.get(code=code, campaign=None)
