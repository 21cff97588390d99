"""The claim asks in fewer statements, and leaves the person's other leads where they are.

They leave the front of their queues when the customer is called (services.resting): an update of theirs goes through every index, and of a
lead that is given back it was for nothing. Until then the person's row alone keeps every campaign from calling, as it did for those
another claim held just then. A claim that has to pass over several of them moves them back, for some minutes only: the lead in hand may be
given back, and who does that does not wait for the claim.
"""

from django.db import migrations

from core.migration_operations import ChangeFunctions

DECLARED = "    v_place int;\n"
DECLARED_MORE = "    v_place int;\n    v_priority int;\n    v_ready timestamptz;\n    v_is_far_down boolean;\n"

STARTS = """    PERFORM pg_advisory_xact_lock(hashtext('campaigns.agent'), p_agent::int);
    -- only held leads have an agent
    SELECT l.id INTO v_lead FROM campaigns_lead l WHERE l.agent_id = p_agent;
    IF FOUND THEN RETURN; END IF;
    v_now := greatest(clock_timestamp(), p_at);

    -- pass 1: promises of this agent that are due; pass 2: the queues
    SELECT CASE WHEN EXISTS (
        SELECT FROM campaigns_lead l WHERE l.callback_agent_id = p_agent AND l.state = 'open' AND l.ready_at <= v_now
    ) THEN 1 ELSE 2 END INTO v_pass;
"""
# An expression costs a tenth of a statement: the lock is one.
STARTS_IN_ONE = """    IF pg_advisory_xact_lock(hashtext('campaigns.agent'), p_agent::int) IS NULL THEN RETURN; END IF;
    v_now := greatest(clock_timestamp(), p_at);
    -- only held leads have an agent; pass 1: promises of this agent that are due; pass 2: the queues
    SELECT l.id, CASE WHEN EXISTS (
        SELECT FROM campaigns_lead o WHERE o.callback_agent_id = p_agent AND o.state = 'open' AND o.ready_at <= v_now
    ) THEN 1 ELSE 2 END INTO v_lead, v_pass
    FROM (VALUES (1)) one(n) LEFT JOIN campaigns_lead l ON l.agent_id = p_agent;
    IF v_lead IS NOT NULL THEN RETURN; END IF;
"""

FOUND = """                (x.priority, x.ready_at) IS DISTINCT FROM (z.priority, z.ready_at)
            INTO v_lead, v_customer, v_city, v_attempts, v_before, v_phone, v_passed_over
"""
FOUND_WHERE = """                (x.priority, x.ready_at) IS DISTINCT FROM (z.priority, z.ready_at), x.priority, x.ready_at
            INTO v_lead, v_customer, v_city, v_attempts, v_before, v_phone, v_passed_over, v_priority, v_ready
"""

MOVES = """            -- now and then, since heads that another claim holds just now are passed over as well; every time when there is nobody at all
            IF v_lead IS NULL AND cardinality(r.cities) > 0 OR v_passed_over AND random() < 0.1 THEN
"""
MOVES_SEVERAL = """            -- now and then, when it lies behind more than five: heads that another claim holds just now are passed over as well; every time when
            -- there is nobody at all
            v_is_far_down := v_lead IS NULL AND cardinality(r.cities) > 0;
            IF v_lead IS NOT NULL AND v_passed_over AND random() < 0.1 THEN
                SELECT (-l.priority, l.ready_at) < (-v_priority, v_ready) INTO v_is_far_down
                FROM campaigns_lead l
                WHERE l.campaign_id = k.id AND l.city_id = v_city AND l.state = 'open' AND l.ready_at <= v_now AND l.callback_agent_id IS NULL
                ORDER BY l.priority DESC, l.ready_at OFFSET 5 LIMIT 1;
            END IF;
            IF v_is_far_down THEN
"""

FREE = """    SELECT greatest(v_before, v_now, max(v_attempts[c.most] + c.span)) INTO v_free
    FROM unnest(r.cap_most, r.cap_window, r.cap_city) c(most, span, city) WHERE c.city IS NULL OR c.city = v_city;
"""
FREE_BY_EXPRESSION = """    v_free := greatest(v_before, v_now);
    FOR i IN 1..coalesce(cardinality(r.cap_most), 0) LOOP
        IF r.cap_city[i] IS NULL OR r.cap_city[i] = v_city THEN v_free := greatest(v_free, v_attempts[r.cap_most[i]] + r.cap_window[i]); END IF;
    END LOOP;
"""

OTHERS = """    -- the person's other leads leave the front of their queues; SKIP LOCKED, or two claims could wait for each other
    UPDATE campaigns_lead SET ready_at = v_free
    WHERE ctid = ANY (ARRAY(
        SELECT o.ctid FROM campaigns_lead o
        WHERE o.customer_id = v_customer AND o.state = 'open' AND o.callback_agent_id IS NULL AND o.ready_at < v_free
        FOR UPDATE SKIP LOCKED));
"""

BLOCKED = """            FROM front f JOIN customers_customer p ON p.id = f.customer_id
        )
"""
BLOCKED_OR_HELD = """            FROM front f JOIN customers_customer p ON p.id = f.customer_id
            WHERE p.held_lead_id IS NULL
            UNION ALL
            SELECT f.id, p_now + interval '5 minutes' FROM front f JOIN customers_customer p ON p.id = f.customer_id
            WHERE p.held_lead_id IS NOT NULL
        )
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0041_desk_functions")]
    operations = [
        ChangeFunctions(
            [
                ("campaigns_claim_lead", DECLARED, DECLARED_MORE),
                ("campaigns_claim_lead", STARTS, STARTS_IN_ONE),
                ("campaigns_claim_lead", FOUND, FOUND_WHERE),
                ("campaigns_claim_lead", MOVES, MOVES_SEVERAL),
                ("campaigns_claim_lead", FREE, FREE_BY_EXPRESSION),
                (
                    "campaigns_claim_lead",
                    OTHERS,
                    "    -- the person's other leads leave the front of their queues when the customer is called\n",
                ),
                ("campaigns_move_blocked_back", BLOCKED, BLOCKED_OR_HELD),
            ]
        ),
    ]
