"""Claim and dial keep to the rules of a segment, and to the hours and attempts of the greylist."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql" / "0029_segment_rules.sql"
# (function, what stands there, what stands there from now on). The functions are read as they are: only these places of theirs change.
CHANGES = [
    (
        "campaigns_rules_judged",
        "JOIN customers_contactrule r ON r.pack_id = k.id AND r.severity = 'block'\n",
        "JOIN customers_contactrule r ON r.pack_id = k.id AND r.severity = 'block' AND r.segment_id IS NULL\n",
    ),
    (
        "campaigns_claim_lead",
        "                AND CASE WHEN p.is_greylisted THEN campaigns_grey_allows(l.customer_id, k.purpose, true, v_now) ELSE true END\n",
        "                AND CASE WHEN p.is_greylisted THEN campaigns_grey_allows(l.customer_id, k.purpose, true, v_now) ELSE true END\n"
        "                AND CASE WHEN p.rule_segments IS NOT NULL THEN campaigns_segment_allows(p.rule_segments, p.attempts, p.answered_at,\n"
        "                    l.customer_id, k.id, l.city_id, true, p_today, v_now) ELSE true END\n",
    ),
    (
        "campaigns_claim_lead",
        "                    -- a promise was made to the customer, whoever else wants the person\n",
        "                    AND CASE WHEN p.rule_segments IS NOT NULL THEN campaigns_segment_allows(p.rule_segments, p.attempts, p.answered_at,\n"
        "                        l.customer_id, k.id, l.city_id, l.callback_agent_id IS NOT NULL, p_today, v_now) ELSE true END\n"
        "                    -- a promise was made to the customer, whoever else wants the person\n",
    ),
    (
        "campaigns_move_blocked_back",
        "                CASE WHEN p.is_greylisted AND NOT customers_grey_allows(\n"
        "                    f.customer_id, (SELECT c.purpose FROM campaigns_campaign c WHERE c.id = p_campaign), false, p_now)\n"
        "                    THEN p_now + interval '2 hours' END,\n",
        "                CASE WHEN p.is_greylisted THEN (\n"
        "                    SELECT least(greatest(g.capped, g.closed, CASE WHEN g.stands THEN p_now + interval '2 hours' END), p_now + interval '2 hours')\n"
        "                    FROM customers_grey_judged(\n"
        "                        f.customer_id, (SELECT c.purpose FROM campaigns_campaign c WHERE c.id = p_campaign), false, p_now, false) g\n"
        "                    WHERE g.stands OR g.capped IS NOT NULL OR g.closed IS NOT NULL) END,\n"
        # noon of the place's day is on that day in every session's zone but the farthest
        "                CASE WHEN p.rule_segments IS NOT NULL THEN (\n"
        "                    SELECT least(greatest(g.capped, g.cooling, g.closed, CASE WHEN g.unconsented THEN p_now + interval '30 minutes' END),\n"
        "                        p_now + interval '2 hours')\n"
        "                    FROM campaigns_segment_rules(p.rule_segments, p.attempts, p.answered_at, f.customer_id, p_campaign, p_city, false,\n"
        "                        (p_day_start + interval '12 hours')::date, p_now) g\n"
        "                    WHERE g.unconsented OR g.capped IS NOT NULL OR g.cooling IS NOT NULL OR g.closed IS NOT NULL) END,\n",
    ),
    (
        "campaigns_wanted_first",
        "b.purpose, p.is_greylisted,\n",
        "b.purpose, p.is_greylisted,\n            p.rule_segments, p.attempts, p.answered_at,\n",
    ),
    (
        "campaigns_wanted_first",
        "        CONTINUE WHEN campaigns_number_to_dial(",
        "        CONTINUE WHEN o.rule_segments IS NOT NULL AND NOT campaigns_segment_allows(\n"
        "            o.rule_segments, o.attempts, o.answered_at, p_customer, o.id, o.city_id, o.is_promised, p_today, p_now);\n"
        "        CONTINUE WHEN campaigns_number_to_dial(",
    ),
    (
        "campaigns_dial_refusal",
        "    l record;\n",
        "    l record;\n    g record;\n",
    ),
    (
        "campaigns_dial_refusal",
        "p.is_greylisted, c.purpose\n",
        "p.is_greylisted, p.rule_segments, c.purpose\n",
    ),
    # the attempt that was reserved for this call does not count against itself
    (
        "campaigns_dial_refusal",
        "    IF l.is_greylisted AND NOT campaigns_grey_allows(l.customer_id, l.purpose, l.callback_agent_id IS NOT NULL, p_now) THEN RETURN 'grey'; END IF;\n",
        "    IF l.is_greylisted THEN\n"
        "        g := customers_grey_judged(l.customer_id, l.purpose, l.callback_agent_id IS NOT NULL, p_now, true);\n"
        "        IF g.stands OR g.capped IS NOT NULL OR g.closed IS NOT NULL THEN RETURN 'grey'; END IF;\n"
        "    END IF;\n"
        "    IF l.rule_segments IS NOT NULL THEN\n"
        "        g := campaigns_segment_rules(\n"
        "            l.rule_segments, l.attempts[2:], NULL, l.customer_id, l.campaign_id, l.city_id, true, p_today, p_now);\n"
        "        IF g.closed IS NOT NULL THEN RETURN 'segment_hours'; END IF;\n"
        "        IF g.unconsented THEN RETURN 'consent'; END IF;\n"
        "        IF g.capped IS NOT NULL THEN RETURN 'cap'; END IF;\n"
        "    END IF;\n",
    ),
]


def _execute(schema_editor, statement, *fetch):
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if fetch else None


def _change(schema_editor, changes):
    for function, old, new in changes:
        text = _execute(schema_editor, f"SELECT pg_get_functiondef('{function}'::regproc)", "one")
        if text.count(old) != 1:
            raise RuntimeError(f"{function} reads otherwise than this migration knows: {old}")
        _execute(schema_editor, text.replace(old, new))


def create(apps, schema_editor):
    _execute(schema_editor, SQL.read_text(encoding="utf-8"))
    _change(schema_editor, CHANGES)


def remove(apps, schema_editor):
    _change(schema_editor, [(function, new, old) for function, old, new in reversed(CHANGES)])
    types = "bigint[], timestamptz[], timestamptz, bigint, bigint, bigint, boolean, date, timestamptz"
    _execute(schema_editor, f"DROP FUNCTION campaigns_segment_allows({types})")
    _execute(schema_editor, f"DROP FUNCTION campaigns_segment_rules({types})")


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0028_segments_given_in_part"),
        ("customers", "0029_segment_rules_and_grey_hours"),
    ]
    operations = [migrations.RunPython(create, remove)]
