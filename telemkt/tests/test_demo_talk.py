"""The demo's scripts hold what the checks ask of every script."""

import pytest

from people.tests.factories import UserFactory
from scripts import queries_versions
from scripts.models import Objection, StepObjection
from scripts.tests.factories import ProductFactory, ScriptFactory, ScriptVersionFactory
from telemkt.demo import words
from telemkt.demo.talk import STEPS, write_talk

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("facts", words.PRODUCTS, ids=[facts[0] for facts in words.PRODUCTS])
def test_no_check_finds_an_error_in_a_script_of_the_demo(facts):
    product = ProductFactory(name=facts[1], mandatory_statements=facts[4])
    version = ScriptVersionFactory(script=ScriptFactory(product=product))

    write_talk(version, product)

    assert version.steps.count() == len(STEPS)
    assert [finding.sentence for finding in queries_versions.findings(version) if finding.is_error] == []


def test_two_objections_stand_at_hand_where_doubts_are_asked_for():
    for text in ("太贵了", "不需要", "再说吧"):
        Objection.objects.create(text=text, created_by=UserFactory())
    version = ScriptVersionFactory()

    write_talk(version, version.script.product)

    links = StepObjection.objects.filter(step__version=version).values_list("step__title", "objection__text")
    assert sorted(links) == [("问清顾虑", "不需要"), ("问清顾虑", "太贵了")]
