-- snapshots --
-- The figures of all asked strategies; champion_record has what their champions have called. Both
-- scans are bounded, so that old trades cost nothing: the total stops at the strategy's minimum,
-- the new trades at 1,000. Both are ordered, so that a small strategy in a large table is never
-- looked for by reading the table.
SELECT
    s.id AS strategy_id, s.user_id, s.name,
    s.is_active AND s.ml_training_enabled AND t.paused_reason IS NULL AS checkable,
    s.ml_min_trades_for_training AS min_trades, t.new_trades_threshold, t.degradation_ratio,
    t.degradation_window, t.degradation_min_trades, t.degradation_rule, t.max_age_days,
    s.ml_model_version AS model_version, s.ml_model_trained_at AS trained_at,
    (jsonb_path_query_first(s.ml_model_performance, '$.accuracy ? (@ >= 0 && @ <= 1)'))::float8
        AS expected_accuracy,
    (jsonb_path_query_first(s.ml_model_performance, '$.win_rate ? (@ >= 0 && @ <= 1)'))::float8
        AS expected_win_rate,
    t.trades_read_at, queued.id AS queued_run,
    total.trades AS total_trades, fresh.*
FROM autoretrain.strategies s
JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
LEFT JOIN autoretrain.training_runs queued
    ON queued.strategy_id = s.id AND queued.status = 'queued'
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS trades
    FROM (
        SELECT 1
        FROM autoretrain.trades
        WHERE strategy_id = s.id AND closed_at <= %(as_of)s AND closed_at >= decided_at
            AND abs(pnl_pct) < 'Infinity'
        ORDER BY decided_at DESC
        LIMIT s.ml_min_trades_for_training
    ) bounded
) total
CROSS JOIN LATERAL (
    SELECT
        count(*)::integer AS new_trades,
        count(*) FILTER (WHERE recent)::integer AS recent,
        count(*) FILTER (WHERE recent AND pnl_pct > 0)::integer AS wins,
        count(*) FILTER (WHERE recent AND predicted)::integer AS predicted,
        count(*) FILTER (
            WHERE recent AND predicted AND (win_probability >= 0.5) = (pnl_pct > 0)
        )::integer AS correct,
        avg(greatest(win_probability, 1 - win_probability))
            FILTER (WHERE recent AND predicted) AS mean_confidence
    FROM (
        SELECT
            pnl_pct, win_probability,
            executed AND sum(executed::integer) OVER (
                ORDER BY decided_at DESC ROWS UNBOUNDED PRECEDING
            ) <= t.degradation_window AS recent,
            coalesce(model_version = s.ml_model_version, false)
                AND coalesce(win_probability BETWEEN 0 AND 1, false) AS predicted
        FROM (
            SELECT decided_at, pnl_pct, executed, model_version, win_probability
            FROM autoretrain.trades
            WHERE strategy_id = s.id
                AND decided_at >= coalesce(s.ml_model_trained_at, '-infinity')
                AND closed_at <= %(as_of)s AND closed_at >= decided_at
                AND abs(pnl_pct) < 'Infinity'
            ORDER BY decided_at DESC
            LIMIT 1000
        ) since_training
    ) marked
) fresh
WHERE s.id = ANY(%(strategy_ids)s::uuid[])
ORDER BY s.id;

-- store_decisions --
-- One row per strategy, replaced; one more in the history whenever the outcome has changed. A check
-- between two ticks leaves the row with its tick, which counts it.
WITH stored AS (
    INSERT INTO autoretrain.current_decisions AS held
        (strategy_id, decided_at, slot, should_retrain, outcome, reason, conditions)
    SELECT strategy_id, decided_at, %(slot)s, should_retrain, outcome, reason, conditions
    FROM jsonb_to_recordset(%(decisions)s::jsonb) AS given (
        strategy_id uuid, decided_at timestamptz, should_retrain boolean, outcome text,
        reason text, conditions jsonb
    )
    ORDER BY strategy_id
    ON CONFLICT (strategy_id) DO UPDATE SET
        previous_outcome = held.outcome, decided_at = excluded.decided_at,
        slot = coalesce(excluded.slot, held.slot),
        should_retrain = excluded.should_retrain, outcome = excluded.outcome,
        reason = excluded.reason, conditions = excluded.conditions
    RETURNING *
)
INSERT INTO autoretrain.retrain_decisions
    (strategy_id, decided_at, slot, should_retrain, outcome, reason, conditions)
SELECT strategy_id, decided_at, slot, should_retrain, outcome, reason, conditions
FROM stored
WHERE previous_outcome IS DISTINCT FROM outcome;

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
