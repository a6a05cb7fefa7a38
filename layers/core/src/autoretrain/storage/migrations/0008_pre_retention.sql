-- What was decided is kept for 400 days: the history is written hourly, and would grow for ever.

CREATE INDEX decisions_by_age ON autoretrain.retrain_decisions (decided_at);

-- The functions' role may delete nothing of the history by itself; this takes only what is too old,
-- a bounded share of it at a time, and leaves each strategy its newest.
CREATE FUNCTION autoretrain.forget_old_decisions() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH forgotten AS (
        DELETE FROM autoretrain.retrain_decisions
        WHERE id IN (
            SELECT id FROM autoretrain.retrain_decisions old
            WHERE decided_at < now() - interval '400 days' AND EXISTS (
                SELECT FROM autoretrain.retrain_decisions newer
                WHERE newer.strategy_id = old.strategy_id AND newer.id > old.id
            )
            ORDER BY decided_at
            LIMIT 10000
        )
        RETURNING id
    )
    SELECT count(*) FROM forgotten;
$$;
COMMENT ON TABLE autoretrain.retrain_decisions IS
    'One row whenever the outcome changes, never changed itself, kept for 400 days';

REVOKE ALL ON FUNCTION autoretrain.forget_old_decisions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION autoretrain.forget_old_decisions TO autoretrain_api;
