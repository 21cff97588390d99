-- The calling campaigns of its exclusion group that come before a campaign with a person whom both want; NULL when none does.
CREATE FUNCTION campaigns_served_first(p_campaign bigint) RETURNS bigint[] LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    found bigint[];
BEGIN
    SELECT array_agg(b.id) INTO found
    FROM campaigns_campaign c
    JOIN campaigns_campaign b ON b.exclusion_group = c.exclusion_group AND b.precedence > c.precedence
    JOIN scripts_product d ON d.id = b.product_id
    WHERE c.id = p_campaign AND c.exclusion_group <> '' AND b.is_on AND d.is_on AND b.stage IN ('trial', 'running');
    RETURN found;
END $$;
