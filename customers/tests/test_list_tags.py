"""A list with a column of tags sets them on its customers."""

import pytest

from core.clock import database_now
from customers.models import Customer, CustomerTag, Tag
from customers.services import list_tags, persons
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_list_undo import take_back
from customers.tests.test_lists import A, B, C, check, commit, person, rows_file
from people.models import City
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
HEADS = ["客户编号", "姓名", "手机号码", "地市", "标签"]


@pytest.fixture
def world():
    CityFactory(name="Foshan", name_zh="佛山")
    return UserFactory(role="data"), SourceFactory(name="bank")


def bring(world, *rows, heads=HEADS):
    data, source = world
    return commit(check(rows_file(*rows, heads=heads), data, source), data)


def tags():
    links = CustomerTag.objects.order_by("customer__external_id", "tag__name")
    return list(links.values_list("customer__external_id", "tag__name"))


def test_a_column_of_tags_sets_each_name_once_and_stays_an_attribute(world):
    bring(
        world,
        ["E1", "张国", A, "Foshan", "gold; 5G，gold"],
        ["E2", "孙明", B, "Foshan", ""],
        ["E3", "李娜", C, "Foshan", " 老  客户 、gold"],
    )

    assert tags() == [("E1", "5G"), ("E1", "gold"), ("E3", "gold"), ("E3", "老 客户")]
    assert Customer.objects.get(external_id="E1").attributes == {"标签": "gold; 5G，gold"}


def test_the_next_list_adds_tags_and_takes_none_off(world):
    bring(world, ["E1", "张国", A, "Foshan", "gold"])
    persons.add_tag(customer=Customer.objects.get(), name="by hand", by=world[0], at=database_now())

    bring(world, ["E1", "张国", A, "Foshan", "5G"])
    bring(world, ["E1", "张国", A, "Foshan", "5G"], ["E2", "孙明", B, "Foshan", "5G"])

    assert tags() == [("E1", "5G"), ("E1", "by hand"), ("E1", "gold"), ("E2", "5G")]


def test_a_column_of_sentences_makes_no_more_than_so_many_tags(world, monkeypatch):
    monkeypatch.setattr(list_tags, "MAKE", list_tags.MAKE.replace("LIMIT 200", "LIMIT 2"))

    bring(
        world,
        ["E1", "张国", A, "Foshan", "often; once"],
        ["E2", "孙明", B, "Foshan", "often; twice"],
        ["E3", "李娜", C, "Foshan", "twice; never"],
    )

    assert sorted(Tag.objects.values_list("name", flat=True)) == ["often", "twice"]


def test_a_list_without_such_a_column_sets_no_tags(world):
    bring(world, ["E1", "张国", A, "Foshan", "gold"], heads=[*HEADS[:4], "套餐"])

    assert tags() == []


# ---------------------------------------------------------------- taken back


def known(number=A) -> Customer:
    return CustomerFactory(city=City.objects.get(), name="张国", number=number)


def words(customer: Customer) -> list[str]:
    return list(customer.tags.order_by("tag__name").values_list("tag__name", flat=True))


def test_a_list_taken_back_takes_the_tags_that_it_alone_has_said(world):
    customer = known()
    persons.add_tag(customer=customer, name="by hand", by=world[0], at=database_now())
    lead_list = bring(world, ["", "张国", A, "Foshan", "by hand; gold"])
    persons.add_tag(customer=customer, name="later", by=world[0], at=database_now())
    assert words(customer) == ["by hand", "gold", "later"]

    take_back(lead_list, world[0])

    assert words(customer) == ["by hand", "later"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_tag_of_two_lists_goes_with_the_last_of_them(order, world):
    customer = known()
    both = [bring(world, ["", "张国", A, "Foshan", said]) for said in ("gold; 5G", "gold; 4G")]

    take_back(both[order[0]], world[0])
    assert words(customer) == sorted(["gold", ["5G", "4G"][order[1]]])
    take_back(both[order[1]], world[0])

    assert words(customer) == []


def test_a_tag_set_by_hand_after_the_list_is_the_persons_own(world):
    customer = known()
    lead_list = bring(world, ["", "张国", A, "Foshan", "gold"])
    persons.add_tag(customer=customer, name="gold", by=world[0], at=database_now())

    take_back(lead_list, world[0])

    assert words(customer) == ["gold"]


def test_a_tag_that_follows_a_segment_goes_on_following_it(world):
    from customers.tests.test_segments import change, make, work

    customer = known()
    Customer.objects.update(age=70)
    segment = make(world[0], City.objects.get(), tag="senior")
    work()
    lead_list = bring(world, ["", "张国", A, "Foshan", "senior"])

    take_back(lead_list, world[0])
    assert words(customer) == ["senior"]
    change(segment, world[0], tag="")
    work()

    assert words(customer) == []


def test_what_a_list_says_stays_when_the_segment_lets_go(world):
    from customers.tests.test_segments import change, make, work

    customer = known()
    Customer.objects.update(age=70)
    segment = make(world[0], City.objects.get(), tag="senior")
    work()
    lead_list = bring(world, ["", "张国", A, "Foshan", "senior"])

    change(segment, world[0], tag="")
    work()
    assert words(customer) == ["senior"]
    take_back(lead_list, world[0])

    assert words(customer) == []


def test_who_came_with_the_list_and_was_called_keeps_its_tags(world):
    lead_list = bring(world, ["", "张国", A, "Foshan", "gold"])
    Customer.objects.update(attempts=[database_now()])

    take_back(lead_list, world[0])

    assert words(person(A)) == ["gold"]
