-- enrol_strategies --
-- Give every strategy that may be trained its row in our books.
INSERT INTO autoretrain.strategy_training (strategy_id)
SELECT id FROM autoretrain.strategies WHERE is_active AND ml_training_enabled
ON CONFLICT DO NOTHING;

-- strategies_to_check --
-- Who is looked at by this tick: the checkable, and those whose run waits for a task. Whoever was
-- looked at longest ago comes first: what one tick has no time for is the first of the next.
SELECT strategy_id, bool_or(checkable) AS checkable
FROM (
    SELECT t.strategy_id, true AS checkable
    FROM autoretrain.strategy_training t
    JOIN autoretrain.strategies s ON s.id = t.strategy_id
    WHERE s.is_active AND s.ml_training_enabled AND t.paused_reason IS NULL
    UNION ALL
    SELECT strategy_id, false FROM autoretrain.training_runs WHERE status = 'queued'
) due
LEFT JOIN autoretrain.current_decisions last USING (strategy_id)
GROUP BY strategy_id
ORDER BY max(last.decided_at) NULLS FIRST, strategy_id;

-- paused_strategies --
-- Whoever would be looked at, but for too many failures.
SELECT t.strategy_id, s.name, t.paused_reason AS why
FROM autoretrain.strategy_training t
JOIN autoretrain.strategies s ON s.id = t.strategy_id
WHERE s.is_active AND s.ml_training_enabled AND t.paused_reason IS NOT NULL
ORDER BY t.strategy_id;

-- expired_runs --
-- Runs whose trainer is gone, or never came.
SELECT id AS run_id, strategy_id, attempt, fence, status, task_arn,
    status = 'starting' AND starting_at < now() - interval '30 minutes' AS overdue
FROM autoretrain.training_runs
WHERE status IN ('starting', 'running') AND lease_expires_at < now()
ORDER BY lease_expires_at;

-- adopt_task --
-- A task was started for this run although nobody could note it: give it time to begin.
UPDATE autoretrain.training_runs
SET task_arn = %(task_arn)s, lease_expires_at = now() + %(lease)s
WHERE id = %(run_id)s AND fence = %(fence)s AND status = 'starting' AND task_arn IS NULL;

-- forget_old_decisions --
-- What nobody looks at any more; at most 10,000 at a time, so that a tick stays short.
SELECT autoretrain.forget_old_decisions();

-- tick_summary --
-- What came of one tick: its checks, and the runs that it started.
SELECT
    (SELECT count(*) FROM autoretrain.current_decisions WHERE slot = %(slot)s)::integer AS checked,
    count(*) FILTER (WHERE status = 'succeeded' AND model_version IS NOT NULL)::integer AS retrained,
    count(*) FILTER (WHERE activated)::integer AS activated,
    count(*) FILTER (WHERE model_version IS NOT NULL AND NOT activated)::integer AS kept,
    count(*) FILTER (WHERE status = 'failed')::integer AS failed,
    count(*) FILTER (WHERE status IN ('queued', 'starting', 'running'))::integer AS live
FROM autoretrain.training_runs
WHERE slot = %(slot)s;
