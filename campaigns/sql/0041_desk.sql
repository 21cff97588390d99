-- What was just set against calling a lead: the first rules of campaigns_dial_refusal(), those that somebody has set, not those that the clock
-- brings about. "" when there is nothing; who calls us is answered. In plpgsql, whose statements are planned once in a connection: the joins
-- take the planner longer than anything else.
CREATE FUNCTION campaigns_withdrawn(p_lead bigint, p_now timestamptz) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_why text;
BEGIN
    SELECT CASE
        WHEN c.direction = 'inbound'
            OR EXISTS (SELECT FROM campaigns_livecall v WHERE v.lead_id = x.id AND v.settled_at IS NULL AND v.is_inbound) THEN ''
        WHEN p.is_suppressed OR campaigns_is_suppressed(p.id, c.id, c.product_id, p_now) THEN 'suppressed'
        WHEN NOT c.is_on THEN 'campaign_off'
        WHEN c.stage NOT IN ('trial', 'running') THEN 'stage'
        WHEN NOT d.is_on THEN 'product_off'
        WHEN NOT ci.is_on THEN 'city_off' ELSE '' END
    INTO v_why
    FROM campaigns_lead x
    JOIN campaigns_campaign c ON c.id = x.campaign_id
    JOIN scripts_product d ON d.id = c.product_id
    JOIN people_city ci ON ci.id = x.city_id
    JOIN customers_customer p ON p.id = x.customer_id
    WHERE x.id = p_lead;
    RETURN coalesce(v_why, '');
END $$;

-- How an agent's desk stands, for the page that asks each second: the clock, the open state and its last sign of life, the lead in hand, what
-- was set against it, and its call. Always one row.
CREATE FUNCTION campaigns_pulse(p_agent bigint) RETURNS TABLE (
    now timestamptz, state text, seen_at timestamptz, lead_id bigint, withdrawn text, call campaigns_livecall)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_held timestamptz;
BEGIN
    now := clock_timestamp();
    SELECT s.state, s.seen_at INTO state, seen_at FROM campaigns_agentstate s WHERE s.agent_id = p_agent AND s.ended_at IS NULL;
    SELECT l.id, l.held_at INTO lead_id, v_held FROM campaigns_lead l WHERE l.agent_id = p_agent AND l.state = 'held';
    IF lead_id IS NOT NULL THEN
        SELECT v.* INTO call FROM campaigns_livecall v
        WHERE v.lead_id = campaigns_pulse.lead_id AND v.settled_at IS NULL AND v.placed_at >= v_held;
        withdrawn := campaigns_withdrawn(lead_id, now);
    END IF;
    RETURN NEXT;
END $$;

-- One stretch of an agent's log ends and another begins; the same state, reason and campaign again goes on. NULL: another would begin, and the
-- agent belongs to no team. A stretch never ends before it began: clocks of two requests may cross.
CREATE FUNCTION campaigns_enter_state(p_agent bigint, p_team bigint, p_state text, p_reason text, p_campaign bigint, p_at timestamptz)
RETURNS campaigns_agentstate
LANGUAGE plpgsql AS $$
DECLARE
    v_current campaigns_agentstate;
    v_begins timestamptz := p_at;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('campaigns.agent_state'), p_agent::int);
    SELECT * INTO v_current FROM campaigns_agentstate WHERE agent_id = p_agent AND ended_at IS NULL;
    IF v_current.id IS NOT NULL AND (v_current.state, v_current.reason, v_current.campaign_id) IS NOT DISTINCT FROM (p_state, p_reason, p_campaign) THEN
        RETURN v_current;
    END IF;
    IF p_team IS NULL THEN
        RETURN NULL;
    END IF;
    IF v_current.id IS NOT NULL THEN
        v_begins := greatest(p_at, v_current.began_at);
        UPDATE campaigns_agentstate SET ended_at = v_begins WHERE id = v_current.id;
    END IF;
    INSERT INTO campaigns_agentstate (agent_id, team_id, campaign_id, state, reason, began_at, seen_at)
    VALUES (p_agent, p_team, p_campaign, p_state, p_reason, v_begins, p_at) RETURNING * INTO v_current;
    RETURN v_current;
END $$;

-- The last calls of a person, newest first, those of who was merged into the person with them.
CREATE FUNCTION campaigns_history(p_customer bigint, p_most int) RETURNS TABLE (
    started_at timestamptz, disposition_id bigint, campaign_id bigint, connected boolean, direction text, note text, reason text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_persons bigint[];
BEGIN
    WITH RECURSIVE person (id) AS (
        SELECT p_customer
        UNION SELECT c.id FROM customers_customer c JOIN person ON c.merged_into_id = person.id
    )
    SELECT array_agg(person.id) INTO v_persons FROM person;
    RETURN QUERY SELECT k.started_at, k.disposition_id, k.campaign_id, k.connected, k.direction::text, k.note, k.reason::text
    FROM campaigns_call k WHERE k.customer_id = ANY(v_persons) ORDER BY k.started_at DESC LIMIT p_most;
END $$;

-- An agent's calls between two moments: all, connected, different customers who bought, average seconds of after-call work of the connected.
CREATE FUNCTION campaigns_own_day(p_agent bigint, p_from timestamptz, p_to timestamptz) RETURNS TABLE (
    calls bigint, reached bigint, deals bigint, after_call numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT count(*), count(*) FILTER (WHERE k.connected), count(DISTINCT k.customer_id) FILTER (WHERE k.sale),
        avg(k.after_call_seconds) FILTER (WHERE k.connected)
    FROM campaigns_call k WHERE k.agent_id = p_agent AND k.started_at >= p_from AND k.started_at < p_to;
END $$;

-- The next open promises of an agent, with what a board shows of the customer: a number, and what a data request lets agents see.
CREATE FUNCTION campaigns_own_promises(p_agent bigint, p_most int) RETURNS TABLE (
    due_at timestamptz, note text, customer_id bigint, name text, is_locked boolean, mask text, fields jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT b.due_at, b.note::text, c.id, c.name::text, c.is_locked,
        (SELECT h.mask::text FROM customers_phone h WHERE h.customer_id = c.id ORDER BY h.is_primary DESC, h.id LIMIT 1), d.fields
    FROM (
        SELECT x.id, x.due_at, x.note, x.lead_id FROM campaigns_callback x
        WHERE x.agent_id = p_agent AND x.state = 'promised' ORDER BY x.due_at, x.id LIMIT p_most) b
    JOIN campaigns_lead l ON l.id = b.lead_id
    JOIN customers_customer c ON c.id = l.customer_id
    LEFT JOIN campaigns_datarequest d ON d.id = l.data_request_id
    ORDER BY b.due_at, b.id;
END $$;
