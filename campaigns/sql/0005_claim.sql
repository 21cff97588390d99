-- The rules of contact of one campaign as they stand at p_now: where may be called, and what a person's attempts must keep to.
-- Bound packs (CN-GEN when none is bound), block severity, in force today; a pack for the simulator counts only with the simulated telephone. Several hours
-- rules of one pack and scope are windows of one week (any of them allows); across packs and scopes all must allow.
-- A city without a known zone, and a campaign without any hours rule, may not be called.
CREATE FUNCTION campaigns_rules_judged(
    p_campaign bigint, p_city bigint, p_today date, p_now timestamptz,
    OUT cities bigint[], OUT day_starts timestamptz[], OUT need_consent boolean[], OUT one_answer boolean[],
    OUT cap_most int[], OUT cap_window interval[], OUT cap_city bigint[], OUT cap_is_gap boolean[]
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    rules customers_contactrule[];
BEGIN
    SELECT array_agg(r) INTO rules
    FROM campaigns_campaign c
    JOIN customers_rulepack k ON (NOT k.simulator_only OR c.telephony = 'simulator') AND (
        k.id IN (SELECT b.rulepack_id FROM campaigns_campaign_packs b WHERE b.campaign_id = c.id)
        OR k.code = 'CN-GEN' AND NOT EXISTS (SELECT FROM campaigns_campaign_packs b WHERE b.campaign_id = c.id))
    JOIN customers_contactrule r ON r.pack_id = k.id AND r.severity = 'block'
        AND r.valid_from <= p_today AND (r.valid_to IS NULL OR r.valid_to > p_today)
        AND (r.campaign_id IS NULL OR r.campaign_id = c.id) AND (r.product_id IS NULL OR r.product_id = c.product_id)
    WHERE c.id = p_campaign;

    -- a gap is a cap of one attempt
    SELECT array_agg(x.most), array_agg(x.span), array_agg(x.city_id), array_agg(x.is_gap)
    INTO cap_most, cap_window, cap_city, cap_is_gap
    FROM (
        SELECT CASE r.key WHEN 'gap' THEN 1 ELSE (r.value->>'most')::int END AS most,
            CASE r.key WHEN 'gap' THEN make_interval(mins => (r.value->>'minutes')::int)
                ELSE make_interval(hours => (r.value->>'hours')::int) END AS span,
            r.city_id, r.key = 'gap' AS is_gap
        FROM unnest(rules) r WHERE r.key IN ('cap', 'gap')
    ) x;

    SELECT array_agg(ci.id), array_agg(date_trunc('day', p_now, z.name)), array_agg(o.consent), array_agg(o.answered)
    INTO cities, day_starts, need_consent, one_answer
    FROM people_city ci
    JOIN people_zone z ON z.id = ci.zone_id
    CROSS JOIN LATERAL (SELECT p_now AT TIME ZONE z.name AS clock) here
    CROSS JOIN LATERAL (
        SELECT bool_and(g.allows) FILTER (WHERE g.key = 'hours') AS allows,
            coalesce(bool_or(g.needed) FILTER (WHERE g.key = 'consent'), false) AS consent,
            bool_or(g.key = 'answered_per_day') AS answered
        FROM (
            SELECT r.key,
                bool_or(r.value->'days' @> to_jsonb(extract(isodow FROM here.clock)::int)
                    AND here.clock::time >= (r.value->>'opens')::time
                    AND here.clock::time < (r.value->>'closes')::time) FILTER (WHERE r.key = 'hours') AS allows,
                bool_or((r.value->>'needed')::boolean) FILTER (WHERE r.key = 'consent') AS needed
            FROM unnest(rules) r
            WHERE r.city_id IS NULL OR r.city_id = ci.id
            GROUP BY r.key, r.pack_id, r.city_id, r.campaign_id, r.product_id
        ) g
    ) o
    WHERE ci.is_on AND (p_city IS NULL OR ci.id = p_city) AND o.allows;
END $$;

-- Rules, hours and switches of cities change rarely, and hours only at full minutes: what was judged holds for the rest of the minute,
-- unless one of the tables below changes, which moves the version on in the same transaction.
CREATE TABLE campaigns_rules_version (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), version bigint NOT NULL);
INSERT INTO campaigns_rules_version (version) VALUES (1);

CREATE UNLOGGED TABLE campaigns_rules_kept (
    campaign_id bigint, city_id bigint, today date, minute timestamptz, version bigint,
    cities bigint[], day_starts timestamptz[], need_consent boolean[], one_answer boolean[],
    cap_most int[], cap_window interval[], cap_city bigint[], cap_is_gap boolean[],
    PRIMARY KEY (campaign_id, city_id)
) WITH (fillfactor = 50);

CREATE FUNCTION campaigns_rules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns_rules_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customers_contactrule
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customers_rulepack
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON campaigns_campaign_packs
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
CREATE TRIGGER campaigns_rules_changed AFTER UPDATE OF telephony, product_id ON campaigns_campaign
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON people_city
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON people_zone
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();

-- campaigns_rules_judged(), or what it said earlier in this minute.
CREATE FUNCTION campaigns_rules_now(
    p_campaign bigint, p_city bigint, p_today date, p_now timestamptz,
    OUT cities bigint[], OUT day_starts timestamptz[], OUT need_consent boolean[], OUT one_answer boolean[],
    OUT cap_most int[], OUT cap_window interval[], OUT cap_city bigint[], OUT cap_is_gap boolean[]
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_version bigint;
    v_minute timestamptz := date_trunc('minute', p_now);
    r record;
BEGIN
    -- read before the judging, so that what is judged while the rules change is never taken for new
    SELECT v.version INTO v_version FROM campaigns_rules_version v;
    SELECT k.cities, k.day_starts, k.need_consent, k.one_answer, k.cap_most, k.cap_window, k.cap_city, k.cap_is_gap
    INTO cities, day_starts, need_consent, one_answer, cap_most, cap_window, cap_city, cap_is_gap
    FROM campaigns_rules_kept k
    WHERE k.campaign_id = p_campaign AND k.city_id = coalesce(p_city, 0)
        AND k.minute = v_minute AND k.version = v_version AND k.today = p_today;
    IF FOUND THEN RETURN; END IF;
    r := campaigns_rules_judged(p_campaign, p_city, p_today, p_now);
    cities := r.cities; day_starts := r.day_starts; need_consent := r.need_consent; one_answer := r.one_answer;
    cap_most := r.cap_most; cap_window := r.cap_window; cap_city := r.cap_city; cap_is_gap := r.cap_is_gap;
    -- one keeps it, the others do without: nobody waits
    IF pg_try_advisory_xact_lock(hashtext('campaigns.rules'), (p_campaign * 1009 + coalesce(p_city, 0))::int) THEN
        INSERT INTO campaigns_rules_kept
        VALUES (p_campaign, coalesce(p_city, 0), p_today, v_minute, v_version,
            cities, day_starts, need_consent, one_answer, cap_most, cap_window, cap_city, cap_is_gap)
        ON CONFLICT (campaign_id, city_id) DO UPDATE SET
            today = excluded.today, minute = excluded.minute, version = excluded.version, cities = excluded.cities,
            day_starts = excluded.day_starts, need_consent = excluded.need_consent, one_answer = excluded.one_answer,
            cap_most = excluded.cap_most, cap_window = excluded.cap_window, cap_city = excluded.cap_city,
            cap_is_gap = excluded.cap_is_gap;
    END IF;
END $$;

-- Whether some suppression in force forbids this campaign to call this person.
CREATE FUNCTION campaigns_is_suppressed(p_customer bigint, p_campaign bigint, p_product bigint, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM customers_suppression s
        WHERE s.customer_id = p_customer AND s.lifted_at IS NULL
            AND s.valid_from <= p_now AND (s.valid_to IS NULL OR s.valid_to > p_now)
            AND (s.campaign_id IS NULL OR s.campaign_id = p_campaign)
            AND (s.product_id IS NULL OR s.product_id = p_product))
$$;

-- The number to dial: alive and on no list of numbers not to be called; the primary one first.
CREATE FUNCTION campaigns_number_to_dial(p_customer bigint, p_campaign bigint, p_product bigint, p_now timestamptz)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT h.id FROM customers_phone h
    WHERE h.customer_id = p_customer AND NOT h.is_dead
        AND NOT EXISTS (
            SELECT FROM customers_suppression s
            WHERE s.phone_blind = h.blind_index AND s.lifted_at IS NULL
                AND s.valid_from <= p_now AND (s.valid_to IS NULL OR s.valid_to > p_now)
                AND (s.campaign_id IS NULL OR s.campaign_id = p_campaign)
                AND (s.product_id IS NULL OR s.product_id = p_product))
    ORDER BY h.is_primary DESC, h.id LIMIT 1
$$;

CREATE FUNCTION campaigns_has_consent(p_customer bigint, p_now timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM customers_consent o
        WHERE o.customer_id = p_customer AND o.given_at <= p_now AND o.withdrawn_at IS NULL
            AND (o.expires_at IS NULL OR o.expires_at > p_now))
$$;

-- Hand the next lead to an agent: hold it, reserve the person's budget of contacts, write the ledger, all or nothing.
-- The agent's own promises that are due come first, then the queues of the team's campaigns in turn. All rules are judged on the
-- newest version of the person's row, which stays locked; nobody ever waits. NULL when there is nothing to hand out.
CREATE FUNCTION campaigns_claim_lead(
    p_agent bigint, p_team bigint, p_team_city bigint, p_today date, p_at timestamptz, OUT v_lead bigint
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    v_now timestamptz;
    v_customer bigint;
    v_city bigint;
    v_before timestamptz;
    v_attempts timestamptz[];
    v_free timestamptz;
    v_phone bigint;
    v_pass int;
    k record;
    r record;
BEGIN
    -- two requests of one agent at the same moment get the same lead
    PERFORM pg_advisory_xact_lock(hashtext('campaigns.agent'), p_agent::int);
    -- only held leads have an agent
    SELECT l.id INTO v_lead FROM campaigns_lead l WHERE l.agent_id = p_agent;
    IF FOUND THEN RETURN; END IF;
    v_now := greatest(clock_timestamp(), p_at);

    -- pass 1: promises of this agent that are due; pass 2: the queues
    SELECT CASE WHEN EXISTS (
        SELECT FROM campaigns_lead l WHERE l.callback_agent_id = p_agent AND l.state = 'open' AND l.ready_at <= v_now
    ) THEN 1 ELSE 2 END INTO v_pass;
    <<search>>
    FOR pass IN v_pass..2 LOOP FOR k IN
        SELECT c.id, c.product_id, c.exclusion_group, c.lease_seconds, coalesce(c.city_id, p_team_city) AS city_id
        FROM campaigns_campaignteam t
        JOIN campaigns_campaign c ON c.id = t.campaign_id
        JOIN scripts_product d ON d.id = c.product_id
        WHERE t.team_id = p_team AND d.is_on AND c.is_on AND c.stage IN ('trial', 'running')
            AND (c.city_id IS NULL OR p_team_city IS NULL OR c.city_id = p_team_city)
        ORDER BY random()
    LOOP
        r := campaigns_rules_now(k.id, k.city_id, p_today, v_now);
        CONTINUE WHEN r.cities IS NULL;
        IF pass = 1 THEN
            -- a promise overrides the gap and the answered call of the day, nothing else
            SELECT l.id, l.customer_id, l.city_id, p.attempts, p.callable_from, n.id
            INTO v_lead, v_customer, v_city, v_attempts, v_before, v_phone
            FROM campaigns_lead l
            JOIN customers_customer p ON p.id = l.customer_id
            CROSS JOIN LATERAL (SELECT campaigns_number_to_dial(l.customer_id, k.id, k.product_id, v_now) AS id) n
            JOIN unnest(r.cities, r.need_consent) z(id, consent) ON z.id = l.city_id
            WHERE l.callback_agent_id = p_agent AND l.state = 'open' AND l.ready_at <= v_now AND l.campaign_id = k.id
                AND NOT p.is_suppressed AND p.merged_into_id IS NULL AND p.held_lead_id IS NULL
                AND NOT EXISTS (
                    SELECT FROM unnest(r.cap_most, r.cap_window, r.cap_city, r.cap_is_gap) c(most, span, city, is_gap)
                    WHERE NOT c.is_gap AND (c.city IS NULL OR c.city = l.city_id) AND p.attempts[c.most] > v_now - c.span)
                AND (p.owner_campaign_id IS NULL OR p.owner_campaign_id = k.id OR k.exclusion_group = ''
                    OR p.owner_group IS DISTINCT FROM k.exclusion_group OR p.owner_until <= v_now)
                AND NOT campaigns_is_suppressed(l.customer_id, k.id, k.product_id, v_now)
                AND (NOT z.consent OR campaigns_has_consent(l.customer_id, v_now))
                AND n.id IS NOT NULL
            ORDER BY l.ready_at LIMIT 1
            FOR UPDATE OF l, p SKIP LOCKED;
        ELSE
            -- a promise whose agent has not kept it for half an hour may be kept by anybody
            SELECT x.id, x.customer_id, x.city_id, x.attempts, x.callable_from, x.phone_id
            INTO v_lead, v_customer, v_city, v_attempts, v_before, v_phone
            -- cities by the head of their queue, so that the search stops, and locks, at the first that has somebody
            FROM (
                SELECT z.* FROM unnest(r.cities, r.day_starts, r.need_consent, r.one_answer) z(id, day_start, consent, one_answer)
                CROSS JOIN LATERAL (
                    SELECT l.priority, l.ready_at FROM campaigns_lead l
                    WHERE l.campaign_id = k.id AND l.city_id = z.id AND l.state = 'open' AND l.ready_at <= v_now
                    ORDER BY l.priority DESC, l.ready_at LIMIT 1) head
                ORDER BY head.priority DESC, head.ready_at
            ) z
            CROSS JOIN LATERAL (
                SELECT l.id, l.customer_id, l.city_id, p.attempts, p.callable_from, n.id AS phone_id
                FROM campaigns_lead l
                JOIN customers_customer p ON p.id = l.customer_id
                CROSS JOIN LATERAL (
                    SELECT h.id FROM customers_phone h
                    WHERE h.customer_id = l.customer_id AND NOT h.is_dead
                        AND NOT EXISTS (
                            SELECT FROM customers_suppression s
                            WHERE s.phone_blind = h.blind_index AND s.lifted_at IS NULL
                                AND s.valid_from <= v_now AND (s.valid_to IS NULL OR s.valid_to > v_now)
                                AND (s.campaign_id IS NULL OR s.campaign_id = k.id)
                                AND (s.product_id IS NULL OR s.product_id = k.product_id))
                    ORDER BY h.is_primary DESC, h.id LIMIT 1) n
                WHERE l.campaign_id = k.id AND l.city_id = z.id AND l.state = 'open' AND l.ready_at <= v_now
                    AND (l.callback_agent_id IS NULL OR l.callback_agent_id <> p_agent AND l.ready_at <= v_now - interval '30 minutes')
                    AND NOT p.is_suppressed AND p.merged_into_id IS NULL AND p.held_lead_id IS NULL
                    AND (l.callback_agent_id IS NOT NULL OR p.callable_from <= v_now
                        AND (NOT z.one_answer OR p.answered_at IS NULL OR p.answered_at < z.day_start))
                    AND (p.attempts = '{}' OR NOT EXISTS (
                        SELECT FROM unnest(r.cap_most, r.cap_window, r.cap_city, r.cap_is_gap) c(most, span, city, is_gap)
                        WHERE (c.city IS NULL OR c.city = l.city_id) AND p.attempts[c.most] > v_now - c.span
                            AND NOT (c.is_gap AND l.callback_agent_id IS NOT NULL)))
                    AND (p.owner_campaign_id IS NULL OR p.owner_campaign_id = k.id OR k.exclusion_group = ''
                        OR p.owner_group IS DISTINCT FROM k.exclusion_group OR p.owner_until <= v_now)
                    -- these and the number above are written out, not called: a function with a subquery is not inlined, and this is the hot place
                    AND NOT EXISTS (
                        SELECT FROM customers_suppression s
                        WHERE s.customer_id = l.customer_id AND s.lifted_at IS NULL
                            AND s.valid_from <= v_now AND (s.valid_to IS NULL OR s.valid_to > v_now)
                            AND (s.campaign_id IS NULL OR s.campaign_id = k.id)
                            AND (s.product_id IS NULL OR s.product_id = k.product_id))
                    AND (NOT z.consent OR EXISTS (
                        SELECT FROM customers_consent o
                        WHERE o.customer_id = l.customer_id AND o.given_at <= v_now AND o.withdrawn_at IS NULL
                            AND (o.expires_at IS NULL OR o.expires_at > v_now)))
                ORDER BY l.priority DESC, l.ready_at LIMIT 1
                FOR UPDATE OF l, p SKIP LOCKED
            ) x
            LIMIT 1;
        END IF;
        EXIT search WHEN v_lead IS NOT NULL;
    END LOOP; END LOOP;
    IF v_lead IS NULL THEN RETURN; END IF;

    v_attempts := (v_now || v_attempts)[1:20];
    SELECT greatest(v_before, v_now, max(v_attempts[c.most] + c.span)) INTO v_free
    FROM unnest(r.cap_most, r.cap_window, r.cap_city) c(most, span, city) WHERE c.city IS NULL OR c.city = v_city;
    UPDATE customers_customer SET attempts = v_attempts, callable_from = v_free, held_lead_id = v_lead WHERE id = v_customer;
    UPDATE campaigns_lead
    SET state = 'held', agent_id = p_agent, held_at = v_now, callable_before = v_before,
        lease_until = v_now + make_interval(secs => k.lease_seconds)
    WHERE id = v_lead;
    INSERT INTO customers_contact (at, customer_id, city_id, channel, is_inbound, state, campaign_id, lead_id, phone_id, agent_id)
    VALUES (v_now, v_customer, v_city, 'call', false, 'reserved', k.id, v_lead, v_phone, p_agent);
    -- the person's other leads leave the front of their queues; SKIP LOCKED, or two claims could wait for each other
    UPDATE campaigns_lead SET ready_at = v_free
    WHERE ctid = ANY (ARRAY(
        SELECT o.ctid FROM campaigns_lead o
        WHERE o.customer_id = v_customer AND o.state = 'open' AND o.callback_agent_id IS NULL AND o.ready_at < v_free
        FOR UPDATE SKIP LOCKED));
END $$;

-- Why a held lead must not be dialled now; NULL when it may. Asked again at the dial, since switches, rules and refusals may have
-- changed since it was handed out. The attempt that was reserved for this call does not count against itself.
CREATE FUNCTION campaigns_dial_refusal(p_lead bigint, p_today date, p_now timestamptz) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    l record;
    r record;
BEGIN
    SELECT x.customer_id, x.campaign_id, x.city_id, x.callback_agent_id, c.is_on, c.stage, c.product_id, d.is_on AS product_on,
        ci.is_on AS city_on, ci.zone_id, p.is_suppressed, p.merged_into_id, p.attempts
    INTO l
    FROM campaigns_lead x
    JOIN campaigns_campaign c ON c.id = x.campaign_id
    JOIN scripts_product d ON d.id = c.product_id
    JOIN people_city ci ON ci.id = x.city_id
    JOIN customers_customer p ON p.id = x.customer_id
    WHERE x.id = p_lead;
    IF l.is_suppressed OR l.merged_into_id IS NOT NULL
        OR campaigns_is_suppressed(l.customer_id, l.campaign_id, l.product_id, p_now) THEN RETURN 'suppressed'; END IF;
    IF NOT l.is_on THEN RETURN 'campaign_off'; END IF;
    IF l.stage NOT IN ('trial', 'running') THEN RETURN 'stage'; END IF;
    IF NOT l.product_on THEN RETURN 'product_off'; END IF;
    IF NOT l.city_on THEN RETURN 'city_off'; END IF;
    IF l.zone_id IS NULL THEN RETURN 'zone_unknown'; END IF;
    r := campaigns_rules_now(l.campaign_id, l.city_id, p_today, p_now);
    IF r.cities IS NULL THEN RETURN 'hours'; END IF;
    IF r.need_consent[1] AND NOT campaigns_has_consent(l.customer_id, p_now) THEN RETURN 'consent'; END IF;
    IF campaigns_number_to_dial(l.customer_id, l.campaign_id, l.product_id, p_now) IS NULL THEN RETURN 'number'; END IF;
    IF EXISTS (
        SELECT FROM unnest(r.cap_most, r.cap_window, r.cap_city, r.cap_is_gap) c(most, span, city, is_gap)
        WHERE NOT c.is_gap AND (c.city IS NULL OR c.city = l.city_id) AND l.attempts[c.most + 1] > p_now - c.span
    ) THEN RETURN 'cap'; END IF;
    RETURN NULL;
END $$;
