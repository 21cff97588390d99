"""Every table that a kept answer is made of notes its changes in a room of that answer: else something old would be shown."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import queries_script, queries_set_up
from campaigns.queries_guide import Success
from campaigns.services import desk_script
from campaigns.tests.calling import Floor
from campaigns.tests.guiding import Guided, answer_to, at_hand, scenario
from core import kept
from customers.services import combined_rules
from people import backends
from scripts.tests.factories import OfferFactory

pytestmark = pytest.mark.django_db
TABLE = re.compile(r'(?:FROM|JOIN) "?(\w+)')


def noted() -> dict[str, set[str]]:
    """Tables by room, as their triggers say."""
    found = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgrelid::regclass::text, t.tgargs, t.tgtype FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgenabled = 'A' AND p.proname = 'core_note_change'"
        )
        for table, argument, kind in cursor.fetchall():
            assert kind & 0b111100 == 0b111100, f"{table} does not tell of insert, update, delete and truncate"
            found[bytes(argument).rstrip(b"\0").decode()].add(table)
    return found


def questions(floor, answer) -> dict[str, tuple]:
    campaign, version = floor.campaign, floor.campaign.script_version
    return {
        "_person": (floor.agent.pk, date(2026, 6, 1)),
        "_of_campaign": (campaign, date(2026, 6, 1), floor.city.pk, ()),
        "campaign": (campaign.pk,),
        "city": (floor.city.pk,),
        "source": (1,),
        "campaign_names": (),
        "has_tried": (campaign.pk,),
        "results": (campaign.pk,),
        "all_results": (),
        "retry_rules": (campaign.pk,),
        "steps": (version.pk,),
        "questions": (version.pk,),
        "products_to_sell": (date(2026, 6, 1),),
        "scenarios": (campaign.product_id,),
        "outline": (version.pk,),
        "_drawn": (version.pk, "en", ((answer.pk, Success()),)),
    }


def test_what_is_kept_is_made_of_tables_that_tell_of_their_changes():
    floor = Floor()
    script, answer = Guided(floor.campaign.product), answer_to("Too dear", by=floor.agent)
    at_hand(script.greet, answer)
    scenario(floor.campaign.product, "At home", by=floor.agent)
    OfferFactory(product=floor.campaign.product)
    script.goes_live(floor.campaign)
    asked, rooms = questions(floor, answer), noted()
    ours = [entry for entry in kept.KEPT if ".tests." not in entry[0].__module__]
    assert {read.__module__ for read, _rooms in ours} >= {
        module.__name__ for module in (queries_script, queries_set_up, desk_script, combined_rules, backends)
    }

    for read, named in ours:
        with CaptureQueriesContext(connection) as ran:
            read(*asked[read.__name__])
        tables = {table for query in ran.captured_queries for table in TABLE.findall(query["sql"])}
        told = set().union(*(rooms[room] for room in named))
        assert tables, read.__name__
        assert tables <= told, f"{read.__name__} reads {tables - told}, whose changes nobody notes in {named}"
