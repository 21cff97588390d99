-- Whether the person asked not to be disturbed now. Not STABLE: asked again of a row that was waited for, it sees the wish that was entered meanwhile.
CREATE FUNCTION campaigns_is_quiet(p_customer bigint, p_now timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN customers_quiet_until(p_customer, p_now) IS NOT NULL;
END $$;

-- Whether the greylist lets this campaign call the person. Not STABLE, as campaigns_is_quiet().
CREATE FUNCTION campaigns_grey_allows(p_customer bigint, p_purpose text, p_callback boolean, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    RETURN customers_grey_allows(p_customer, p_purpose, p_callback, p_now);
END $$;

-- Leads at the front of a queue whose persons may not be called for a while leave it until then: those who were spoken to today, those whom
-- another campaign of the group works on, attempts that a rule tightened today counts, whom a suppression rests, who asked not to be
-- disturbed now, whom the greylist keeps from this campaign, and, for half an hour each time, those without a number to dial or a consent. Else every claim would walk past them all day. Judged is still at the claim: this only orders the queue.
CREATE OR REPLACE FUNCTION campaigns_move_blocked_back(
    p_campaign bigint, p_product bigint, p_group text, p_city bigint, p_day_start timestamptz, p_consent boolean, p_one_answer boolean,
    p_cap_most int[], p_cap_window interval[], p_cap_city bigint[], p_now timestamptz, OUT v_moved int
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_count int;
BEGIN
    v_moved := 0;
    FOR part IN 1..10 LOOP
        WITH front AS MATERIALIZED (
            SELECT l.id, l.customer_id FROM campaigns_lead l
            WHERE l.campaign_id = p_campaign AND l.city_id = p_city AND l.state = 'open' AND l.ready_at <= p_now AND l.callback_agent_id IS NULL
            ORDER BY l.priority DESC, l.ready_at LIMIT 30
            FOR UPDATE SKIP LOCKED
        ), blocked AS (
            SELECT f.id, greatest(
                p.callable_from,
                CASE WHEN p_one_answer AND p.answered_at >= p_day_start THEN p_day_start + interval '1 day' END,
                -- what a person may put right is looked at again in two hours: a rule that was wrong, an owner, an entry that is lifted
                CASE WHEN p.owner_campaign_id <> p_campaign AND p_group <> '' AND p.owner_group = p_group
                    THEN least(p.owner_until, p_now + interval '2 hours') END,
                (SELECT least(max(p.attempts[c.most] + c.span), p_now + interval '2 hours')
                    FROM unnest(p_cap_most, p_cap_window, p_cap_city) c(most, span, city)
                    WHERE (c.city IS NULL OR c.city = p_city) AND p.attempts[c.most] + c.span > p_now
                    HAVING count(*) > 0),
                CASE WHEN p.is_greylisted AND NOT customers_grey_allows(
                    f.customer_id, (SELECT c.purpose FROM campaigns_campaign c WHERE c.id = p_campaign), false, p_now)
                    THEN p_now + interval '2 hours' END,
                CASE WHEN p.has_quiet_times THEN (
                    SELECT least(q.until, p_now + interval '2 hours') FROM customers_quiet_until(f.customer_id, p_now) q(until) WHERE q.until IS NOT NULL) END,
                CASE WHEN p_consent AND NOT EXISTS (
                    SELECT FROM customers_consent o
                    WHERE o.customer_id = f.customer_id AND o.given_at <= p_now AND o.withdrawn_at IS NULL
                        AND (o.expires_at IS NULL OR o.expires_at > p_now)) THEN p_now + interval '30 minutes' END,
                (SELECT max(least(s.valid_to, p_now + interval '2 hours')) FROM customers_suppression s
                    WHERE s.customer_id = f.customer_id AND s.lifted_at IS NULL
                        AND s.valid_from <= p_now AND (s.valid_to IS NULL OR s.valid_to > p_now)
                        AND (s.campaign_id IS NULL OR s.campaign_id = p_campaign)
                        AND (s.product_id IS NULL OR s.product_id = p_product)),
                CASE WHEN p.is_suppressed OR p.merged_into_id IS NOT NULL
                    OR campaigns_number_to_dial(f.customer_id, p_campaign, p_product, p_now) IS NULL
                    THEN p_now + interval '30 minutes' END
            ) AS until
            FROM front f JOIN customers_customer p ON p.id = f.customer_id
        )
        UPDATE campaigns_lead l SET ready_at = b.until FROM blocked b WHERE l.id = b.id AND b.until > p_now;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_moved := v_moved + v_count;
        -- somebody in this part may be called: the queue has a front again
        EXIT WHEN v_count < 30;
    END LOOP;
END $$;

-- Hand the next lead to an agent: hold it, reserve the person's budget of contacts, write the ledger, all or nothing.
-- The agent's own promises that are due come first, then the queues of the team's campaigns in turn. All rules are judged on the
-- newest version of the person's row, which stays locked; nobody ever waits. NULL when there is nothing to hand out.
CREATE OR REPLACE FUNCTION campaigns_claim_lead(
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
    v_passed_over boolean := true;
    v_place int;
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
        SELECT c.id, c.product_id, c.exclusion_group, c.purpose, c.lease_seconds, coalesce(c.city_id, p_team_city) AS city_id
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
                AND CASE WHEN p.has_quiet_times THEN NOT campaigns_is_quiet(l.customer_id, v_now) ELSE true END
                AND CASE WHEN p.is_greylisted THEN campaigns_grey_allows(l.customer_id, k.purpose, true, v_now) ELSE true END
                AND (NOT z.consent OR campaigns_has_consent(l.customer_id, v_now))
                AND n.id IS NOT NULL
            ORDER BY l.ready_at LIMIT 1
            FOR UPDATE OF l, p SKIP LOCKED;
        ELSE
            -- a promise whose agent has not kept it for half an hour may be kept by anybody
            SELECT x.id, x.customer_id, x.city_id, x.attempts, x.callable_from, x.phone_id,
                (x.priority, x.ready_at) IS DISTINCT FROM (z.priority, z.ready_at)
            INTO v_lead, v_customer, v_city, v_attempts, v_before, v_phone, v_passed_over
            -- cities by the head of their queue, so that the search stops, and locks, at the first that has somebody
            FROM (
                SELECT z.*, head.priority, head.ready_at FROM unnest(r.cities, r.day_starts, r.need_consent, r.one_answer) z(id, day_start, consent, one_answer)
                CROSS JOIN LATERAL (
                    SELECT l.priority, l.ready_at FROM campaigns_lead l
                    WHERE l.campaign_id = k.id AND l.city_id = z.id AND l.state = 'open' AND l.ready_at <= v_now
                    ORDER BY l.priority DESC, l.ready_at LIMIT 1) head
                ORDER BY head.priority DESC, head.ready_at
            ) z
            CROSS JOIN LATERAL (
                SELECT l.id, l.customer_id, l.city_id, l.priority, l.ready_at, p.attempts, p.callable_from, n.id AS phone_id
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
                    -- of most persons nothing is asked: the mark stands in the row that is locked
                    AND CASE WHEN p.has_quiet_times THEN NOT campaigns_is_quiet(l.customer_id, v_now) ELSE true END
                    AND CASE WHEN p.is_greylisted THEN campaigns_grey_allows(l.customer_id, k.purpose, l.callback_agent_id IS NOT NULL, v_now) ELSE true END
                    -- these and the number above are written out, not called: a function with a subquery is not inlined, and this is the hot place
                    AND NOT EXISTS (
                        SELECT FROM customers_suppression s
                        WHERE s.customer_id = l.customer_id AND s.lifted_at IS NULL
                            AND s.valid_from <= v_now AND (s.valid_to IS NULL OR s.valid_to > v_now)
                            AND (s.campaign_id IS NULL OR s.campaign_id = k.id)
                            AND (s.product_id IS NULL OR s.product_id = k.product_id))
                    -- a subquery with OFFSET is never turned into a hash of all consents
                    AND (NOT z.consent OR EXISTS (
                        SELECT FROM customers_consent o
                        WHERE o.customer_id = l.customer_id AND o.given_at <= v_now AND o.withdrawn_at IS NULL
                            AND (o.expires_at IS NULL OR o.expires_at > v_now) OFFSET 0))
                ORDER BY l.priority DESC, l.ready_at LIMIT 1
                FOR UPDATE OF l, p SKIP LOCKED
            ) x
            LIMIT 1;
            -- now and then, since heads that another claim holds just now are passed over as well; every time when there is nobody at all
            IF v_lead IS NULL AND cardinality(r.cities) > 0 OR v_passed_over AND random() < 0.1 THEN
                v_place := coalesce(array_position(r.cities, v_city), 1 + floor(random() * cardinality(r.cities))::int);
                PERFORM campaigns_move_blocked_back(
                    k.id, k.product_id, k.exclusion_group, r.cities[v_place], r.day_starts[v_place], r.need_consent[v_place],
                    r.one_answer[v_place], r.cap_most, r.cap_window, r.cap_city, v_now);
            END IF;
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
CREATE OR REPLACE FUNCTION campaigns_dial_refusal(p_lead bigint, p_today date, p_now timestamptz) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    l record;
    r record;
BEGIN
    SELECT x.customer_id, x.campaign_id, x.city_id, x.callback_agent_id, c.is_on, c.stage, c.product_id, d.is_on AS product_on,
        ci.is_on AS city_on, ci.zone_id, p.is_suppressed, p.merged_into_id, p.attempts, p.has_quiet_times, p.is_greylisted, c.purpose
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
    IF r.cities IS NULL AND campaigns_register_is_stale(l.campaign_id, l.city_id, p_today) THEN RETURN 'register'; END IF;
    IF r.cities IS NULL THEN RETURN 'hours'; END IF;
    IF l.is_greylisted AND NOT campaigns_grey_allows(l.customer_id, l.purpose, l.callback_agent_id IS NOT NULL, p_now) THEN RETURN 'grey'; END IF;
    IF l.has_quiet_times AND campaigns_is_quiet(l.customer_id, p_now) THEN RETURN 'quiet'; END IF;
    IF r.need_consent[1] AND NOT campaigns_has_consent(l.customer_id, p_now) THEN RETURN 'consent'; END IF;
    IF campaigns_number_to_dial(l.customer_id, l.campaign_id, l.product_id, p_now) IS NULL THEN RETURN 'number'; END IF;
    IF EXISTS (
        SELECT FROM unnest(r.cap_most, r.cap_window, r.cap_city, r.cap_is_gap) c(most, span, city, is_gap)
        WHERE NOT c.is_gap AND (c.city IS NULL OR c.city = l.city_id) AND l.attempts[c.most + 1] > p_now - c.span
    ) THEN RETURN 'cap'; END IF;
    RETURN NULL;
END $$;
