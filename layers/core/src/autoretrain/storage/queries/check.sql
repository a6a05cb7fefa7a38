-- snapshots --
-- All that is known of the asked strategies, now or as it was then.
SELECT * FROM autoretrain.snapshots_of(
    %(strategy_ids)s::uuid[], coalesce(%(as_of)s, now()), %(block_trades)s, %(newest_trades)s,
    %(tenths)s
);

-- store_decisions --
-- As they were made at a tick, or between two of them.
SELECT autoretrain.store_decisions(%(decisions)s::jsonb, %(slot)s);

-- tell_degraded --
-- Once per version, and only while it is the active one: the check may be behind an activation.
WITH degraded AS (
    UPDATE autoretrain.strategy_training t
    SET degraded_version = given.version
    FROM jsonb_to_recordset(%(degraded)s::jsonb)
        AS given (strategy_id uuid, version text, payload jsonb)
    JOIN autoretrain.strategies s
        ON s.id = given.strategy_id AND s.ml_model_version = given.version
    WHERE t.strategy_id = given.strategy_id
        AND t.degraded_version IS DISTINCT FROM given.version
    RETURNING given.strategy_id, given.payload
)
INSERT INTO autoretrain.outbox (topic, strategy_id, payload)
SELECT %(topic)s, strategy_id, payload FROM degraded;

-- insert_run --
-- The indexes decide: one live run per strategy, one run per slot.
INSERT INTO autoretrain.training_runs
    (id, strategy_id, user_id, fence, slot, reason, manual, force, min_trades, feature_weights)
VALUES (%(run_id)s, %(strategy_id)s, %(user_id)s, %(fence)s, %(slot)s, %(reason)s, %(manual)s,
    %(force)s, %(min_trades)s, %(feature_weights)s)
ON CONFLICT DO NOTHING;

-- set_fence --
-- Whatever was claimed before this is fenced out.
UPDATE autoretrain.strategy_training SET fence = %(fence)s WHERE strategy_id = %(strategy_id)s;

-- live_run --
-- The strategy's live run.
SELECT id, status FROM autoretrain.training_runs
WHERE strategy_id = %(strategy_id)s AND status IN ('queued', 'starting', 'running');

-- repeated_run --
-- The run that the caller's key has been given before.
SELECT r.id, r.reason, k.request_hash
FROM autoretrain.idempotency_keys k
JOIN autoretrain.training_runs r ON r.id = k.run_id
WHERE k.user_id = %(user_id)s AND k.key = %(key)s;

-- remember_key --
-- The same request finds its run again.
INSERT INTO autoretrain.idempotency_keys (user_id, key, request_hash, run_id)
VALUES (%(user_id)s, %(key)s, %(request_hash)s, %(run_id)s)
ON CONFLICT DO NOTHING;

-- forget_old_keys --
-- Nobody repeats a request after a week.
DELETE FROM autoretrain.idempotency_keys
WHERE user_id = %(user_id)s AND made_at < now() - interval '7 days';

-- lock_caller --
-- One request of a caller at a time: what is counted and remembered is theirs.
SELECT pg_advisory_xact_lock(hashtextextended('trainings of ' || %(user_id)s::text, 0));

-- runs_within_an_hour --
-- How many trainings the caller has asked for lately.
SELECT count(*)::integer AS runs FROM autoretrain.training_runs
WHERE user_id = %(user_id)s AND slot IS NULL AND queued_at > now() - interval '1 hour';

-- lost_run --
-- The strategy's run whose trainer has gone without a word.
SELECT id AS run_id, strategy_id, attempt, fence, status, task_arn
FROM autoretrain.training_runs
WHERE strategy_id = %(strategy_id)s AND status = 'running' AND lease_expires_at < now();
