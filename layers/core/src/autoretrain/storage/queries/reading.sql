-- own_strategy --
-- Whether the strategy is there and the caller's: the first statement of whatever a person asks.
SELECT id, name FROM autoretrain.strategies
WHERE id = %(strategy_id)s AND user_id = %(user_id)s;

-- strategies_page --
-- The caller's strategies with what came of them last. The page is cut first: whatever the planner
-- believes of the rest, it is looked up for these alone.
WITH s AS MATERIALIZED (
    SELECT *, row_number() OVER () AS place
    FROM (
        SELECT * FROM autoretrain.strategies
        WHERE user_id = %(user_id)s AND strpos(lower(name), lower(%(search)s)) > 0
        ORDER BY
            CASE WHEN %(sort)s = 'name' THEN lower(name) END,
            CASE WHEN %(sort)s = '-name' THEN lower(name) END DESC,
            CASE WHEN %(sort)s = 'trained_at' THEN ml_model_trained_at END NULLS FIRST,
            CASE WHEN %(sort)s = '-trained_at' THEN ml_model_trained_at END DESC NULLS LAST,
            id
        LIMIT %(limit)s OFFSET %(offset)s
    ) page
)
SELECT
    s.id, s.name, s.is_active, s.ml_training_enabled, s.ml_model_version, s.ml_model_trained_at,
    (jsonb_path_query_first(s.ml_model_performance, '$.accuracy ? (@ >= 0 && @ <= 1)'))::float8
        AS accuracy,
    t.paused_reason, coalesce(t.failures, 0) AS failures,
    CASE WHEN t.next_eligible_at > now() AND t.paused_reason IS NULL THEN t.next_eligible_at END
        AS next_eligible_at,
    t.pinned_version, waiting.version AS waiting_version,
    CASE WHEN d.strategy_id IS NOT NULL THEN jsonb_build_object(
        'decided_at', d.decided_at, 'should_retrain', d.should_retrain,
        'outcome', d.outcome, 'reason', d.reason
    ) END AS last_decision,
    CASE WHEN r.id IS NOT NULL THEN jsonb_build_object(
        'id', r.id, 'status', r.status, 'phase', r.phase, 'round', r.round, 'rounds', r.rounds
    ) END AS live_run
FROM s
LEFT JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
LEFT JOIN LATERAL (
    SELECT version FROM autoretrain.model_artifacts WHERE strategy_id = s.id AND awaiting_approval
) waiting ON true
LEFT JOIN autoretrain.current_decisions d ON d.strategy_id = s.id
LEFT JOIN LATERAL (
    SELECT * FROM autoretrain.training_runs
    WHERE strategy_id = s.id AND status IN ('queued', 'starting', 'running')
) r ON true
ORDER BY s.place;

-- strategy --
-- One strategy with its settings, its models that matter now, and what is going on.
SELECT
    s.id, s.name, s.is_active, s.ml_model_version, s.ml_model_trained_at,
    CASE WHEN jsonb_typeof(s.ml_model_performance) = 'object' THEN s.ml_model_performance END
        AS ml_model_performance,
    jsonb_build_object(
        'ml_training_enabled', s.ml_training_enabled,
        'ml_min_trades_for_training', s.ml_min_trades_for_training,
        'activation_mode', t.activation_mode, 'degradation_rule', t.degradation_rule,
        'new_trades_threshold', t.new_trades_threshold, 'degradation_ratio', t.degradation_ratio,
        'degradation_window', t.degradation_window,
        'degradation_min_trades', t.degradation_min_trades, 'max_age_days', t.max_age_days,
        'model_max_age_days', t.model_max_age_days, 'feature_drift_psi', t.feature_drift_psi,
        'feature_weights', t.feature_weights,
        'allowed_features', t.allowed_features
    ) AS settings,
    to_jsonb(active) AS champion, to_jsonb(waiting) AS waiting,
    CASE WHEN t.pinned_version IS NOT NULL THEN jsonb_build_object(
        'version', t.pinned_version, 'since', t.pinned_at, 'by', t.pinned_by
    ) END AS pin,
    t.paused_reason, t.failures,
    CASE WHEN t.next_eligible_at > now() AND t.paused_reason IS NULL THEN t.next_eligible_at END
        AS next_eligible_at,
    to_jsonb(d) || '{"id": null}' AS last_decision, to_jsonb(r) AS live_run
FROM autoretrain.strategies s
JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
LEFT JOIN autoretrain.model_history active
    ON active.strategy_id = s.id AND active.version = t.champion
LEFT JOIN autoretrain.model_history waiting
    ON waiting.strategy_id = s.id AND waiting.awaiting_approval
LEFT JOIN autoretrain.current_decisions d ON d.strategy_id = s.id
LEFT JOIN autoretrain.run_history r
    ON r.strategy_id = s.id AND r.status IN ('queued', 'starting', 'running')
WHERE s.id = %(strategy_id)s AND s.user_id = %(user_id)s;

-- enrol_strategy --
-- A strategy that the hourly check has not met yet, or is not to check, gets its row when its
-- owner asks for it.
INSERT INTO autoretrain.strategy_training (strategy_id)
SELECT id FROM autoretrain.strategies WHERE id = %(strategy_id)s AND user_id = %(user_id)s
ON CONFLICT DO NOTHING;

-- models_page --
-- A strategy's models, newest first, from below the one that the last page ended with.
SELECT * FROM autoretrain.model_history
WHERE strategy_id = %(strategy_id)s
    AND (%(cursor)s::text IS NULL OR (created_at, version) < (
        SELECT created_at, version FROM autoretrain.model_artifacts
        WHERE strategy_id = %(strategy_id)s AND version = %(cursor)s
    ))
ORDER BY created_at DESC, version DESC
LIMIT %(limit)s;

-- model_report --
-- One model with its whole verdict.
SELECT
    h.*, a.verdict, a.sha256, a.manifest_sha256, a.judged_sha256, a.refit_disagrees, a.artifact_key
FROM autoretrain.model_history h
JOIN autoretrain.model_artifacts a USING (strategy_id, version)
WHERE h.strategy_id = %(strategy_id)s AND h.version = %(version)s;

-- active_model --
-- What a bot polls. The base rate of a fresh model is that of the trades it was fitted on; only
-- where there is none, or an expired one, are the newest trades counted.
SELECT
    s.id AS strategy_id, a.version, a.sha256, a.manifest_sha256, a.artifact_key, a.created_at,
    a.below_base_rate, t.pinned_version IS NOT NULL AS pinned, age.expires_at,
    coalesce(age.expires_at <= now(), false) AS expired,
    coalesce(
        (live.wins + 1.0) / nullif(live.trades + 2, 2), (a.performance ->> 'win_rate')::float8
    ) AS base_rate,
    live.trades AS base_rate_trades
FROM autoretrain.strategies s
LEFT JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
LEFT JOIN autoretrain.model_artifacts a ON a.strategy_id = s.id AND a.version = t.champion
CROSS JOIN LATERAL (
    SELECT a.created_at + t.model_max_age_days * interval '1 day' AS expires_at
) age
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS trades, count(*) FILTER (WHERE pnl_pct > 0)::integer AS wins
    FROM (
        SELECT pnl_pct FROM (
            SELECT pnl_pct, executed FROM autoretrain.trades
            WHERE strategy_id = s.id AND closed_at <= now() AND closed_at >= decided_at
                AND abs(pnl_pct) < 'Infinity'
                AND (a.version IS NULL OR coalesce(age.expires_at <= now(), false))
            ORDER BY decided_at DESC
            LIMIT 5000
        ) newest
        WHERE executed
        LIMIT 1000
    ) counted
) live
WHERE s.id = %(strategy_id)s AND s.user_id = %(user_id)s;

-- decisions_page --
-- How the outcome of the checks changed, newest first.
SELECT id, decided_at, slot, should_retrain, outcome, reason, conditions
FROM autoretrain.retrain_decisions
WHERE strategy_id = %(strategy_id)s AND (%(cursor)s::bigint IS NULL OR id < %(cursor)s)
ORDER BY id DESC
LIMIT %(limit)s;

-- activations_page --
-- What was active when, newest first.
SELECT id, version, previous_version, activated_at, run_id, activated_by, why
FROM autoretrain.model_activations
WHERE strategy_id = %(strategy_id)s AND (%(cursor)s::bigint IS NULL OR id < %(cursor)s)
ORDER BY id DESC
LIMIT %(limit)s;

-- runs_page --
-- A strategy's trainings, newest first.
SELECT * FROM autoretrain.run_history
WHERE strategy_id = %(strategy_id)s
    AND (%(cursor)s::uuid IS NULL OR (queued_at, id) < (
        SELECT queued_at, id FROM autoretrain.training_runs
        WHERE id = %(cursor)s AND strategy_id = %(strategy_id)s
    ))
ORDER BY queued_at DESC, id DESC
LIMIT %(limit)s;

-- own_run --
-- A training of one of the caller's strategies.
SELECT r.* FROM autoretrain.run_history r
JOIN autoretrain.strategies s ON s.id = r.strategy_id
WHERE r.id = %(run_id)s AND s.user_id = %(user_id)s;

-- model_of_run --
-- What the training came to, where it came to a model.
SELECT h.version, h.accuracy, h.improvement, r.activated, h.outcome, h.line,
    h.log_loss_improvement, h.judged_rows, h.below_base_rate
FROM autoretrain.training_runs r
JOIN autoretrain.strategies s ON s.id = r.strategy_id
JOIN autoretrain.model_history h ON h.run_id = r.id
WHERE r.id = %(run_id)s AND s.user_id = %(user_id)s;

-- weekly_performance --
-- Executed trades by the week of their decision, Mondays in UTC, newest first.
SELECT
    date_trunc('week', decided_at AT TIME ZONE 'UTC')::date AS week, count(*)::integer AS trades,
    count(*) FILTER (WHERE pnl_pct > 0)::integer AS wins, sum(pnl_pct) AS pnl_pct
FROM autoretrain.trades
WHERE strategy_id = %(strategy_id)s AND executed AND closed_at <= now()
    AND closed_at >= decided_at AND abs(pnl_pct) < 'Infinity'
    AND decided_at >= (
        date_trunc('week', now() AT TIME ZONE 'UTC') - (%(weeks)s - 1) * interval '1 week'
    ) AT TIME ZONE 'UTC'
GROUP BY week
ORDER BY week DESC;

-- health --
-- What keeps the loop from working, as far as the database knows.
SELECT
    (SELECT array_agg(name) FROM autoretrain.schema_migrations) AS migrations,
    (SELECT stopped_reason IS NOT NULL FROM autoretrain.launch_control) AS launches_stopped;
