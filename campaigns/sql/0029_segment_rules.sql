-- What the rules of a person's segments (p_segments, the mark in the person's row) say of a call of this campaign now, by the person's attempts:
-- whether a consent is missing; when caps, and the gap and the answered call of the day, have passed; when the next calling hour begins that
-- all of them allow. The rules for everybody are judged besides, by campaigns_rules_now(): of both, the strictest counts. Packs, scopes and
-- windows of hours as there. A promise overrides the gap and the answered call.
CREATE FUNCTION campaigns_segment_rules(
    p_segments bigint[], p_attempts timestamptz[], p_answered_at timestamptz, p_customer bigint, p_campaign bigint, p_city bigint,
    p_callback boolean, p_today date, p_now timestamptz,
    OUT unconsented boolean, OUT capped timestamptz, OUT cooling timestamptz, OUT closed timestamptz
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    rules customers_contactrule[];
    v_zone text;
    v_opens timestamptz;
BEGIN
    unconsented := false;
    SELECT array_agg(r) INTO rules
    FROM campaigns_campaign c
    JOIN customers_contactrule r ON r.segment_id = ANY (p_segments) AND r.severity = 'block'
        AND r.valid_from <= p_today AND (r.valid_to IS NULL OR r.valid_to > p_today)
        AND (r.city_id IS NULL OR r.city_id = p_city)
        AND (r.campaign_id IS NULL OR r.campaign_id = c.id) AND (r.product_id IS NULL OR r.product_id = c.product_id)
    JOIN customers_rulepack k ON k.id = r.pack_id AND (NOT k.simulator_only OR c.telephony = 'simulator') AND (
        k.id IN (SELECT b.rulepack_id FROM campaigns_campaign_packs b WHERE b.campaign_id = c.id)
        OR k.code = 'CN-GEN' AND NOT EXISTS (SELECT FROM campaigns_campaign_packs b WHERE b.campaign_id = c.id))
    WHERE c.id = p_campaign;
    IF rules IS NULL THEN RETURN; END IF;
    SELECT z.name INTO v_zone FROM people_city ci JOIN people_zone z ON z.id = ci.zone_id WHERE ci.id = p_city;

    SELECT coalesce(bool_or((r.value->>'needed')::boolean), false) INTO unconsented FROM unnest(rules) r WHERE r.key = 'consent';
    IF unconsented THEN
        unconsented := NOT EXISTS (
            SELECT FROM customers_consent o
            WHERE o.customer_id = p_customer AND o.given_at <= p_now AND o.withdrawn_at IS NULL AND (o.expires_at IS NULL OR o.expires_at > p_now));
    END IF;

    SELECT max(x.until) INTO capped
    FROM unnest(rules) r
    CROSS JOIN LATERAL (SELECT p_attempts[(r.value->>'most')::int] + make_interval(hours => (r.value->>'hours')::int) AS until) x
    WHERE r.key = 'cap' AND x.until > p_now;

    IF NOT p_callback THEN
        SELECT max(x.until) INTO cooling
        FROM unnest(rules) r
        CROSS JOIN LATERAL (SELECT CASE r.key
            WHEN 'gap' THEN p_attempts[1] + make_interval(mins => (r.value->>'minutes')::int)
            WHEN 'answered_per_day' THEN CASE WHEN p_answered_at >= date_trunc('day', p_now, v_zone)
                THEN ((p_now AT TIME ZONE v_zone)::date + 1)::timestamp AT TIME ZONE v_zone END END AS until) x
        WHERE x.until > p_now;
    END IF;

    IF EXISTS (SELECT FROM unnest(rules) r WHERE r.key = 'hours') THEN
        SELECT min(m.moment) INTO v_opens
        FROM (
            SELECT p_now AS moment
            UNION ALL
            SELECT ((p_now AT TIME ZONE v_zone)::date + n + (r.value->>'opens')::interval) AT TIME ZONE v_zone
            FROM unnest(rules) r CROSS JOIN generate_series(0, 7) n WHERE r.key = 'hours'
        ) m
        CROSS JOIN LATERAL (SELECT m.moment AT TIME ZONE v_zone AS clock) here
        WHERE m.moment >= p_now AND (
            SELECT bool_and(w.allows) FROM (
                SELECT bool_or(h.value->'days' @> to_jsonb(extract(isodow FROM here.clock)::int)
                    AND here.clock::time >= (h.value->>'opens')::time AND here.clock::time < (h.value->>'closes')::time) AS allows
                FROM unnest(rules) h WHERE h.key = 'hours'
                GROUP BY h.pack_id, h.city_id, h.campaign_id, h.product_id, h.segment_id) w);
        -- hours that are never open are looked at again in a week
        closed := CASE WHEN v_opens IS DISTINCT FROM p_now THEN coalesce(v_opens, p_now + interval '168 hours') END;
    END IF;
END $$;

-- Whether they let the call pass. Not STABLE: asked again of a row that was waited for, it sees the rules and consents of that moment.
CREATE FUNCTION campaigns_segment_allows(
    p_segments bigint[], p_attempts timestamptz[], p_answered_at timestamptz, p_customer bigint, p_campaign bigint, p_city bigint,
    p_callback boolean, p_today date, p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    s := campaigns_segment_rules(p_segments, p_attempts, p_answered_at, p_customer, p_campaign, p_city, p_callback, p_today, p_now);
    RETURN NOT s.unconsented AND s.capped IS NULL AND s.cooling IS NULL AND s.closed IS NULL;
END $$;
