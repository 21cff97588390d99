-- The arm of a person in the campaign's running experiment, drawn at the first meeting and kept for good; NULL when none is running.
-- Within an agent the arms come in blocks, each in an order of its own that hangs on seed, agent and block alone: after every whole block
-- the agent has met as many persons of each arm as its share says. A stopped arm is drawn no more; who is in it stays in it.
CREATE FUNCTION campaigns_arm_of(p_campaign bigint, p_customer bigint, p_agent bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    trial record;
    drawn bigint;
    least integer;
    most integer;
    size integer;
    divisor integer := 0;
    part integer;
    next_place integer;
BEGIN
    SELECT id, seed INTO trial FROM campaigns_experiment WHERE campaign_id = p_campaign AND state = 'running';
    IF NOT FOUND THEN RETURN NULL; END IF;
    SELECT arm_id INTO drawn FROM campaigns_experimentperson WHERE experiment_id = trial.id AND customer_id = p_customer;
    IF FOUND THEN RETURN drawn; END IF;

    -- two requests of one agent at the same moment take two places, one after the other
    PERFORM pg_advisory_xact_lock(hashtext('campaigns.arm'), p_agent::integer);
    SELECT coalesce(max(place) + 1, 0) INTO next_place FROM campaigns_experimentperson
     WHERE experiment_id = trial.id AND agent_id = p_agent;
    SELECT min(share), max(share) INTO least, most FROM campaigns_experimentarm
     WHERE experiment_id = trial.id AND stopped_at IS NULL;
    FOR part IN SELECT share FROM campaigns_experimentarm WHERE experiment_id = trial.id AND stopped_at IS NULL LOOP
        divisor := gcd(divisor, part);
    END LOOP;
    -- 34, 33 and 33 are thirds: equal shares have each arm twice in a block
    SELECT sum(CASE WHEN most - least <= 1 THEN 2 ELSE share / divisor END) INTO size FROM campaigns_experimentarm
     WHERE experiment_id = trial.id AND stopped_at IS NULL;
    SELECT a.id INTO drawn
      FROM campaigns_experimentarm a, generate_series(1, CASE WHEN most - least <= 1 THEN 2 ELSE a.share / divisor END) copy
     WHERE a.experiment_id = trial.id AND a.stopped_at IS NULL
     ORDER BY md5(concat_ws(':', trial.seed, p_agent, next_place / size, a.number, copy))
    OFFSET next_place % size LIMIT 1;
    IF drawn IS NULL THEN RETURN NULL; END IF;
    INSERT INTO campaigns_experimentperson (experiment_id, customer_id, arm_id, agent_id, place)
    VALUES (trial.id, p_customer, drawn, p_agent, next_place) ON CONFLICT (experiment_id, customer_id) DO NOTHING;
    SELECT arm_id INTO drawn FROM campaigns_experimentperson WHERE experiment_id = trial.id AND customer_id = p_customer;
    RETURN drawn;
END $$;

-- An experiment begins as a draft, and leaves it only whole: two to four arms of its kind, of the campaign's product, their shares 100.
CREATE FUNCTION campaigns_experiment_begins() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    arms record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'an experiment begins as a draft'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'experiment_begins_as_draft';
    END IF;
    SELECT count(*) AS n, sum(a.share) AS shares, min(a.number) AS first, max(a.number) AS last,
           count(*) FILTER (WHERE c.product_id = CASE NEW.kind WHEN 'script' THEN s.product_id WHEN 'offer' THEN o.product_id ELSE y.product_id END) AS fit
      INTO arms
      FROM campaigns_experimentarm a
      JOIN campaigns_campaign c ON c.id = NEW.campaign_id
      LEFT JOIN scripts_scriptversion v ON v.id = a.script_version_id AND v.status IN ('approved', 'trial', 'live')
      LEFT JOIN scripts_script s ON s.id = v.script_id
      LEFT JOIN scripts_offer o ON o.id = a.offer_id
      LEFT JOIN scripts_scenario y ON y.id = a.scenario_id
     WHERE a.experiment_id = NEW.id;
    IF arms.n NOT BETWEEN 2 AND 4 OR arms.shares <> 100 OR arms.first <> 1 OR arms.last <> arms.n OR arms.fit <> arms.n THEN
        RAISE EXCEPTION 'an experiment that is not whole'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'experiment_is_whole';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER experiment_begins BEFORE UPDATE OF state ON campaigns_experiment
FOR EACH ROW WHEN (OLD.state = 'draft' AND NEW.state <> 'draft') EXECUTE FUNCTION campaigns_experiment_begins();
CREATE TRIGGER experiment_begins_as_draft BEFORE INSERT ON campaigns_experiment
FOR EACH ROW WHEN (NEW.state <> 'draft') EXECUTE FUNCTION campaigns_experiment_begins();

-- What was compared stays what it was, and so does what was fixed beforehand.
CREATE FUNCTION campaigns_experiment_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'campaigns_experimentarm' THEN
        IF NOT EXISTS (
            SELECT FROM campaigns_experiment e
             WHERE e.id = CASE TG_OP WHEN 'INSERT' THEN NEW.experiment_id ELSE OLD.experiment_id END AND e.state <> 'draft'
        ) THEN
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'an experiment that has begun is not changed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'experiment_is_fixed';
END $$;

CREATE TRIGGER experiment_is_fixed
BEFORE UPDATE OF campaign_id, kind, indicator, usual_percent, smallest_points, looks, per_arm, stops_for_harm, seed ON campaigns_experiment
FOR EACH ROW WHEN (OLD.state <> 'draft' AND (OLD.campaign_id, OLD.kind, OLD.indicator, OLD.usual_percent, OLD.smallest_points, OLD.looks, OLD.per_arm, OLD.stops_for_harm, OLD.seed)
    IS DISTINCT FROM (NEW.campaign_id, NEW.kind, NEW.indicator, NEW.usual_percent, NEW.smallest_points, NEW.looks, NEW.per_arm, NEW.stops_for_harm, NEW.seed))
EXECUTE FUNCTION campaigns_experiment_is_fixed();
CREATE TRIGGER experiment_arm_is_fixed BEFORE INSERT OR DELETE ON campaigns_experimentarm
FOR EACH ROW EXECUTE FUNCTION campaigns_experiment_is_fixed();
CREATE TRIGGER experiment_arm_stays BEFORE UPDATE ON campaigns_experimentarm
FOR EACH ROW WHEN ((OLD.experiment_id, OLD.number, OLD.share, OLD.script_version_id, OLD.offer_id, OLD.scenario_id)
    IS DISTINCT FROM (NEW.experiment_id, NEW.number, NEW.share, NEW.script_version_id, NEW.offer_id, NEW.scenario_id))
EXECUTE FUNCTION campaigns_experiment_is_fixed();
