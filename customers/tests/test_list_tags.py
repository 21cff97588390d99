"""A list with a column of tags sets them on its customers."""

import pytest

from core.clock import database_now
from customers.models import Customer, CustomerTag, Tag
from customers.services import list_tags, persons
from customers.tests.factories import SourceFactory
from customers.tests.test_lists import A, B, C, check, commit, rows_file
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
