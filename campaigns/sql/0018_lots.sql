-- A customer's lot in the draw of a sample: from seed and customer alone, so that a draw can be repeated and checked by hand.
CREATE FUNCTION campaigns_draw(p_seed bigint, p_customer bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || encode(substr(sha256(convert_to(p_seed || ':' || p_customer, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint;

-- While only a sample of a list is called, or when it was stopped there, nobody else of the list becomes a lead, whoever writes it.
CREATE FUNCTION campaigns_within_sample() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM campaigns_listsample s
        JOIN campaigns_listallocation a ON a.id = s.allocation_id
        JOIN made m ON m.campaign_id = a.campaign_id AND m.lead_list_id = a.lead_list_id
        WHERE s.state <> 'released' AND (s.cut IS NULL OR campaigns_draw(s.seed, m.customer_id) > s.cut)
    ) THEN
        RAISE EXCEPTION 'a lead outside of the sample of its list'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'lead_within_sample';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER lead_within_sample AFTER INSERT ON campaigns_lead
REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION campaigns_within_sample();
