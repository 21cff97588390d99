-- The rules of contact of one campaign as they stand at p_now: where may be called, and what a person's attempts must keep to.
-- Bound packs (CN-GEN when none is bound), block severity, in force today; a pack for the simulator counts only with the simulated telephone. Several hours
-- rules of one pack and scope are windows of one week (any of them allows); across packs and scopes all must allow.
-- A city without a known zone, and a campaign without any hours rule, may not be called; nor anybody where the do-not-call register of a
-- source in use is older than a rule allows, or where there is none.
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

    v_register := customers_register_date();

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

-- Whether the do-not-call register of a source in use is older than a rule of this campaign allows in this city, or there is none: the word for what
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
        WHERE c.id = p_campaign AND NOT coalesce(customers_register_date() >= p_today - (r.value->>'days')::int, false))
$$;

-- a source that is retired or used again opens or closes what the age of its registers had closed or opened, in the same transaction
CREATE TRIGGER campaigns_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customers_registerretirement
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_rules_changed();
