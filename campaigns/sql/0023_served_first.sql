-- The calling campaigns of its exclusion group that come before a campaign with a person whom both want, and that a team calls for; NULL when
-- none does.
CREATE FUNCTION campaigns_served_first(p_campaign bigint) RETURNS bigint[] LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    found bigint[];
BEGIN
    SELECT array_agg(b.id) INTO found
    FROM campaigns_campaign c
    JOIN campaigns_campaign b ON b.exclusion_group = c.exclusion_group AND b.precedence > c.precedence
    JOIN scripts_product d ON d.id = b.product_id
    WHERE c.id = p_campaign AND c.exclusion_group <> '' AND b.is_on AND d.is_on AND b.stage IN ('trial', 'running')
        AND EXISTS (SELECT FROM campaigns_campaignteam t WHERE t.campaign_id = b.id);
    RETURN found;
END $$;

-- The first of these campaigns that waits for the person and could call: a team of it works in the place, it is open there now, neither the
-- person nor all numbers are forbidden to it, no other campaign of the group works on the person, and its lead is due within a day. Else a
-- campaign that can never call would keep the person from the others for ever. NULL: none.
CREATE FUNCTION campaigns_wanted_first(p_customer bigint, p_prior bigint[], p_today date, p_now timestamptz) RETURNS bigint LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    o record;
    r record;
BEGIN
    FOR o IN
        SELECT l.city_id, l.callback_agent_id IS NOT NULL AS is_promised, b.id, b.product_id, b.purpose, p.is_greylisted,
            p.owner_campaign_id <> b.id AND p.owner_group = b.exclusion_group AND p.owner_until > p_now AS is_owned
        FROM campaigns_lead l
        JOIN campaigns_campaign b ON b.id = l.campaign_id
        JOIN customers_customer p ON p.id = l.customer_id
        WHERE l.customer_id = p_customer AND l.state = 'open' AND l.campaign_id = ANY (p_prior) AND l.ready_at <= p_now + interval '1 day'
            AND (b.city_id IS NULL OR b.city_id = l.city_id)
            AND EXISTS (
                SELECT FROM campaigns_campaignteam t JOIN people_team m ON m.id = t.team_id
                WHERE t.campaign_id = b.id AND (m.city_id IS NULL OR m.city_id = l.city_id))
        ORDER BY b.precedence DESC, b.id
    LOOP
        CONTINUE WHEN o.is_owned OR campaigns_is_suppressed(p_customer, o.id, o.product_id, p_now);
        CONTINUE WHEN o.is_greylisted AND NOT campaigns_grey_allows(p_customer, o.purpose, o.is_promised, p_now);
        CONTINUE WHEN campaigns_number_to_dial(p_customer, o.id, o.product_id, p_now) IS NULL;
        r := campaigns_rules_now(o.id, o.city_id, p_today, p_now);
        CONTINUE WHEN r.cities IS NULL OR r.need_consent[1] AND NOT campaigns_has_consent(p_customer, p_now);
        RETURN o.id;
    END LOOP;
    RETURN NULL;
END $$;
