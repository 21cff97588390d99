"""Conditions: each operator against a few customers counted by hand, groups, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import database_now
from customers.conditions import BadConditions, matching, parse
from customers.models import Customer, RowVerdict
from customers.tests.factories import CustomerFactory, LeadListFactory, SourceFactory, TagFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


def tree(*parts, group="and"):
    return {"version": 1, "root": {"group": group, "parts": list(parts)}}


def found(*parts, group="and", user=None, city=None):
    """The names that meet the conditions, in their order."""
    checked = parse(tree(*parts, group=group), user=user)
    rows = matching(checked, at=database_now(), user=user, city_id=city)
    return "".join(rows.order_by("name").values_list("name", flat=True))


@pytest.fixture
def people():
    """Four customers: A young in the first city, B and C older, D of whom nothing is known."""
    near, far = CityFactory(), CityFactory()
    own, bought = SourceFactory(kind="own"), SourceFactory(kind="bought")
    return {
        "A": CustomerFactory(
            name="A", city=near, type="consumer", gender="female", age=20, source=own,
            attributes={"ARPU": 30, "plan": "Light 5G", "vip": True}, number="19100000001",
        ),
        "B": CustomerFactory(
            name="B", city=near, type="consumer", gender="male", age=40, source=bought,
            attributes={"ARPU": "80.5", "plan": "Full 100%"}, number="19900000002",
        ),
        "C": CustomerFactory(
            name="C", city=far, type="business", age=60, source=bought, attributes={"ARPU": "much", "plan": "light"},
            number="19100000003",
        ),
        "D": CustomerFactory(name="D", city=far, number=None, consent=False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({"is": "type", "op": "one_of", "value": ["consumer"]}, "AB"),
        ({"is": "type", "op": "none_of", "value": ["consumer"]}, "CD"),
        ({"is": "type", "op": "one_of", "value": ["business", "unknown"]}, "CD"),
        ({"is": "gender", "op": "one_of", "value": ["female"]}, "A"),
        ({"is": "gender", "op": "none_of", "value": ["unknown"]}, "AB"),
        ({"is": "age", "op": "equals", "value": 40}, "B"),
        ({"is": "age", "op": "at_least", "value": 40}, "BC"),
        ({"is": "age", "op": "at_most", "value": 40}, "AB"),
        ({"is": "age", "op": "between", "value": [30, 60]}, "BC"),
        ({"is": "age", "op": "between", "value": [39.5, 59.5]}, "B"),
        ({"is": "age", "op": "equals", "value": 40.5}, ""),
        ({"is": "age", "op": "at_least", "value": 20.5}, "BC"),
        ({"is": "age", "op": "at_most", "value": 10**15}, "ABC"),
        ({"is": "age", "op": "known"}, "ABC"),
        ({"is": "age", "op": "unknown"}, "D"),
        ({"is": "source_kind", "op": "one_of", "value": ["bought"]}, "BC"),
        ({"is": "source_kind", "op": "none_of", "value": ["bought"]}, "AD"),
        ({"is": "prefix", "op": "one_of", "value": ["191"]}, "AC"),
        ({"is": "prefix", "op": "none_of", "value": ["191", "188"]}, "BD"),
        ({"is": "consent", "op": "yes"}, "ABC"),
        ({"is": "consent", "op": "no"}, "D"),
        ({"is": "attribute", "name": "plan", "op": "equals", "value": "light"}, "C"),
        ({"is": "attribute", "name": "ARPU", "op": "equals", "value": "30"}, "A"),
        ({"is": "attribute", "name": "vip", "op": "equals", "value": "true"}, "A"),
        ({"is": "attribute", "name": "plan", "op": "one_of", "value": ["light", "Full 100%"]}, "BC"),
        ({"is": "attribute", "name": "plan", "op": "contains", "value": "LIGHT"}, "AC"),
        ({"is": "attribute", "name": "plan", "op": "contains", "value": "0%"}, "B"),
        ({"is": "attribute", "name": "plan", "op": "contains", "value": "%"}, "B"),
        ({"is": "attribute", "name": "ARPU", "op": "at_least", "value": 30}, "AB"),
        ({"is": "attribute", "name": "ARPU", "op": "at_most", "value": 80.5}, "AB"),
        ({"is": "attribute", "name": "ARPU", "op": "between", "value": [31, 100]}, "B"),
        ({"is": "attribute", "name": "vip", "op": "known"}, "A"),
        ({"is": "attribute", "name": "vip", "op": "unknown"}, "BCD"),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{value['is']} {value['op']}",
)
def test_an_operator_finds_whom_it_names_and_its_opposite_all_others(people, condition, names):
    others = "".join(name for name in "ABCD" if name not in names)

    assert found(condition) == names
    assert found(condition, group="not") == others


def test_city_source_list_tag_and_suppression_find_their_rows(people):
    tag = TagFactory()
    people["A"].tags.create(tag=tag)
    Customer.objects.filter(pk=people["D"].pk).update(is_suppressed=True)
    came = LeadListFactory(status="committed", committed_at=database_now(), committed_by=UserFactory())
    for row, (name, verdict) in enumerate([("A", "new"), ("B", "unchanged"), ("C", "undecided")]):
        RowVerdict.objects.create(lead_list=came, row_no=row, verdict=verdict, customer_id=people[name].pk)

    def one_of(key, pk):
        return {"is": key, "op": "one_of", "value": [str(pk)]}

    assert found(one_of("city", people["A"].city_id)) == "AB"
    assert found(one_of("source", people["A"].source_id)) == "A"
    assert found({**one_of("source", people["A"].source_id), "op": "none_of"}) == "BCD"
    assert found(one_of("tag", tag.pk)) == "A"
    assert found({**one_of("tag", tag.pk), "op": "none_of"}) == "BCD"
    assert found(one_of("list", came.pk)) == "AB"
    assert found({**one_of("list", came.pk), "op": "none_of"}) == "CD"
    assert found({"is": "suppressed", "op": "yes"}) == "D"
    assert found({"is": "suppressed", "op": "no"}) == "ABC"


def test_who_was_merged_counts_as_on_the_lists_of_both_through_several_merges(people):
    one, other = (
        LeadListFactory(status="committed", committed_at=database_now(), committed_by=UserFactory()) for _n in range(2)
    )
    for came, name in ((one, "A"), (other, "B"), (other, "D")):
        RowVerdict.objects.create(lead_list=came, row_no=1 + (name == "D"), verdict="new", customer_id=people[name].pk)
    Customer.objects.filter(pk=people["A"].pk).update(merged_into=people["B"])
    Customer.objects.filter(pk=people["B"].pk).update(merged_into=people["C"])

    def on(op, *lists):
        return found({"is": "list", "op": op, "value": [str(row.pk) for row in lists]})

    assert (on("one_of", one), on("one_of", other), on("one_of", one, other)) == ("C", "CD", "CD")
    assert (on("none_of", one), on("none_of", other)) == ("D", "")


def test_a_day_is_the_regions_and_days_count_back_from_now(people):
    # 27 November begins in China at 16:00 of the 26th
    Customer.objects.filter(name="A").update(created_at=datetime(2026, 11, 26, 15, 59, tzinfo=UTC))
    Customer.objects.filter(name="B").update(created_at=datetime(2026, 11, 26, 16, 0, tzinfo=UTC))
    Customer.objects.filter(name__in="CD").update(created_at=database_now() - timedelta(days=900))
    Customer.objects.filter(name="D").update(created_at=database_now() - timedelta(days=9))

    day = {"is": "created", "value": "2026-11-27"}
    assert "B" in found({**day, "op": "from"})
    assert "A" not in found({**day, "op": "from"})
    assert found({**day, "op": "before"}).startswith("AC")
    assert "C" not in found({"is": "created", "op": "last_days", "value": 10})
    assert "D" in found({"is": "created", "op": "last_days", "value": 10})
    assert found({"is": "created", "op": "older_days", "value": 800}) == "C"


def test_groups_lie_within_groups_and_none_of_is_met_by_whoever_meets_nothing_of_it(people):
    old = {"is": "age", "op": "at_least", "value": 60}
    female = {"is": "gender", "op": "one_of", "value": ["female"]}
    consumer = {"is": "type", "op": "one_of", "value": ["consumer"]}

    assert found(old, female, group="or") == "AC"
    assert found(old, female, group="not") == "BD"
    assert found(consumer, {"group": "not", "parts": [female]}) == "B"
    assert found({"group": "and", "parts": [consumer, {"group": "or", "parts": [female, old]}]}, group="not") == "BCD"


def test_another_citys_customers_and_merged_ones_are_never_found(people):
    user = UserFactory(role="data", city=people["A"].city)
    Customer.objects.filter(name="B").update(merged_into=people["A"])
    anybody = {"is": "suppressed", "op": "no"}

    assert found(anybody, user=user) == "A"
    assert found(anybody, user=user, city=people["C"].city_id) == ""
    assert found(anybody, city=people["C"].city_id) == "CD"


# ---------------------------------------------------------------- refusals


AGE = {"is": "age", "op": "at_least", "value": 30}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("age > 30", "Conditions are a group with a version and a root."),
        ({"version": 2, "root": {"group": "and", "parts": [AGE]}}, "Conditions of this version"),
        ({"version": 1, "root": AGE}, "Conditions begin with a group"),
        (tree(), "The group is empty."),
        (tree(AGE, group="xor"), "A group asks for all, any or none"),
        (tree({"group": "and", "parts": []}), "Condition 1: The group is empty."),
        (tree(AGE, {"is": "shoe size", "op": "equals", "value": 1}), "Condition 2: There is no such condition"),
        (tree(AGE, ["x"]), "Condition 2: There is no such condition"),
        (tree({**AGE, "op": "; DROP TABLE"}), "Condition 1: Age: choose how it is compared."),
        (tree({**AGE, "value": "old"}), "Condition 1: Write a number"),
        (tree({**AGE, "value": True}), "Write a number"),
        (tree({**AGE, "value": "inf"}), "Write a number"),
        (tree({**AGE, "value": 10**400}), "Write a number"),
        (tree({**AGE, "value": float("nan")}), "Write a number"),
        (tree({**AGE, "op": "between", "value": [60, 30]}), "The first number is greater"),
        (tree({**AGE, "op": "between", "value": 30}), "Write two numbers"),
        (tree({"is": "type", "op": "one_of", "value": []}), "Type: choose at least one."),
        (tree({"is": "type", "op": "one_of", "value": ["robot"]}), "Type: a value is not among those"),
        (tree({"is": "type", "op": "one_of", "value": ["x"] * 201}), "At most 200 values."),
        (tree({"is": "created", "op": "from", "value": "28.11.2026"}), "Write a day"),
        (tree({"is": "created", "op": "last_days", "value": 0}), "Write how many days, 1 to 1095."),
        (tree({"is": "prefix", "op": "one_of", "value": ["19"]}), "Write three digits"),
        (tree({"is": "prefix", "op": "one_of", "value": ["19\u00b2"]}), "Write three digits"),
        (tree({"is": "attribute", "op": "known"}), "Write which attribute"),
        (tree({"is": "attribute", "name": "x", "op": "equals", "value": "\x00"}), "A character cannot be stored."),
        (tree({"is": "attribute", "name": "x", "op": "equals", "value": "\ud800"}), "A character cannot be stored."),
        (tree({"is": "attribute", "name": "x" * 101, "op": "known"}), "At most 100 characters."),
        (tree({**AGE, "where": {"campaign": ["1"]}}), "Age cannot be narrowed like this."),
        (tree(*[AGE] * 41), "There are more than 40 conditions."),
        (tree({"is": "attribute", "name": "x", "op": "one_of", "value": ["y" * 100] * 170}), "The conditions are too long."),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_a_sentence_and_its_place(data, sentence):
    with pytest.raises(BadConditions) as bad:
        parse(data, user=None)

    assert str(bad.value).startswith(sentence) or f": {sentence}" in str(bad.value)


def test_groups_that_lie_too_deep_are_refused():
    deep = AGE
    for _ in range(4):
        deep = {"group": "and", "parts": [deep]}

    with pytest.raises(BadConditions, match="at most 4 deep"):
        parse(tree(deep), user=None)
    parse(tree(deep["parts"][0]), user=None)


def test_every_fault_is_told_not_only_the_first():
    with pytest.raises(BadConditions) as bad:
        parse(tree({**AGE, "value": ""}, {"group": "not", "parts": [{"is": "type", "op": "one_of"}]}), user=None)

    assert [fault.place for fault in bad.value.faults] == ["1", "2.1"]


def test_a_city_names_no_city_that_it_does_not_see():
    own, other = CityFactory(), CityFactory()
    user = UserFactory(role="data", city=own)

    parse(tree({"is": "city", "op": "one_of", "value": [str(own.pk)]}), user=user)
    with pytest.raises(BadConditions, match="not among those you may choose"):
        parse(tree({"is": "city", "op": "one_of", "value": [str(other.pk)]}), user=user)


def test_what_is_checked_is_stored_and_read_again_as_the_same_tree():
    data = tree(
        AGE,
        {"group": "not", "parts": [{"is": "attribute", "name": "ARPU", "op": "between", "value": [1, 2.5]}]},
        {"is": "age", "op": "known"},
    )

    assert parse(data, user=None).as_json() == data
    assert parse(parse(data, user=None).as_json(), user=None) == parse(data, user=None)


def test_words_of_a_condition_reach_the_database_as_values_only(people):
    for word in ("' OR 1=1 --", '"}; DROP TABLE customers_customer; --', "%s", "5"):
        for op in ("equals", "contains"):
            assert found({"is": "attribute", "name": word, "op": op, "value": word}) == ""
        assert found({"is": "attribute", "name": word, "op": "at_least", "value": 1}) == ""
