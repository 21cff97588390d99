-- The rules of contact of one campaign as they stand at p_now: where may be called, and what a person's attempts must keep to.
-- Bound packs (CN-GEN when none is bound), block severity, in force today; a pack for the simulator counts only with the simulated telephone. Several hours
-- rules of one pack and scope are windows of one week (any of them allows); across packs and scopes all must allow.
-- A city without a known zone, and a campaign without any hours rule, may not be called; nor anybody where the do-not-call register is
-- older than a rule allows, or absent.
CREATE OR REPLACE FUNCTION campaigns_rules_judged(
    p_campaign bigint, p_city bigint, p_today date, p_now timestamptz,
    OUT cities bigint[], OUT day_starts timestamptz[], OUT need_consent boolean[], OUT one_answer boolean[],
    OUT cap_most int[], OUT cap_window interval[], OUT cap_city bigint[], OUT cap_is_gap boolean[]
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    rules customers_contactrule[];
    v_register date;
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

    SELECT max(g.dated_on) INTO v_register FROM customers_register g WHERE g.status = 'applied' AND g.is_whole;

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
            bool_or(g.key = 'answered_per_day') AS answered,
            coalesce(bool_and(g.fresh) FILTER (WHERE g.key = 'register_age'), true) AS fresh
        FROM (
            SELECT r.key,
                bool_or(r.value->'days' @> to_jsonb(extract(isodow FROM here.clock)::int)
                    AND here.clock::time >= (r.value->>'opens')::time
                    AND here.clock::time < (r.value->>'closes')::time) FILTER (WHERE r.key = 'hours') AS allows,
                bool_or((r.value->>'needed')::boolean) FILTER (WHERE r.key = 'consent') AS needed,
                bool_and(coalesce(v_register >= p_today - (r.value->>'days')::int, false)) FILTER (WHERE r.key = 'register_age') AS fresh
            FROM unnest(rules) r
            WHERE r.city_id IS NULL OR r.city_id = ci.id
            GROUP BY r.key, r.pack_id, r.city_id, r.campaign_id, r.product_id
        ) g
    ) o
    WHERE ci.is_on AND (p_city IS NULL OR ci.id = p_city) AND o.allows AND o.fresh;
END $$;

-- Whether the do-not-call register is older than a rule of this campaign allows in this city, or absent: the word for what
-- campaigns_rules_judged() has closed.
CREATE OR REPLACE FUNCTION campaigns_register_is_stale(p_campaign bigint, p_city bigint, p_today date) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM campaigns_campaign c
        JOIN customers_rulepack k ON (NOT k.simulator_only OR c.telephony = 'simulator') AND (
            k.id IN (SELECT b.rulepack_id FROM campaigns_campaign_packs b WHERE b.campaign_id = c.id)
            OR k.code = 'CN-GEN' AND NOT EXISTS (SELECT FROM campaigns_campaign_packs b WHERE b.campaign_id = c.id))
        JOIN customers_contactrule r ON r.pack_id = k.id AND r.severity = 'block' AND r.key = 'register_age'
            AND r.valid_from <= p_today AND (r.valid_to IS NULL OR r.valid_to > p_today)
            AND (r.campaign_id IS NULL OR r.campaign_id = c.id) AND (r.product_id IS NULL OR r.product_id = c.product_id)
            AND (r.city_id IS NULL OR r.city_id = p_city)
        WHERE c.id = p_campaign AND NOT EXISTS (
            SELECT FROM customers_register g
            WHERE g.status = 'applied' AND g.is_whole AND g.dated_on >= p_today - (r.value->>'days')::int))
$$;

-- Why a held lead must not be dialled now; NULL when it may. Asked again at the dial, since switches, rules and refusals may have
-- changed since it was handed out. The attempt that was reserved for this call does not count against itself.
CREATE OR REPLACE FUNCTION campaigns_dial_refusal(p_lead bigint, p_today date, p_now timestamptz) RETURNS text LANGUAGE plpgsql
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
    IF r.cities IS NULL AND campaigns_register_is_stale(l.campaign_id, l.city_id, p_today) THEN RETURN 'register'; END IF;
    IF r.cities IS NULL THEN RETURN 'hours'; END IF;
    IF r.need_consent[1] AND NOT campaigns_has_consent(l.customer_id, p_now) THEN RETURN 'consent'; END IF;
    IF campaigns_number_to_dial(l.customer_id, l.campaign_id, l.product_id, p_now) IS NULL THEN RETURN 'number'; END IF;
    IF EXISTS (
        SELECT FROM unnest(r.cap_most, r.cap_window, r.cap_city, r.cap_is_gap) c(most, span, city, is_gap)
        WHERE NOT c.is_gap AND (c.city IS NULL OR c.city = l.city_id) AND l.attempts[c.most + 1] > p_now - c.span
    ) THEN RETURN 'cap'; END IF;
    RETURN NULL;
END $$;

-- a register that comes into force opens what its age had closed, in the same transaction
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OF status, dated_on, is_whole OR DELETE OR TRUNCATE ON customers_register
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
