-- A check that finds nothing due is two statements, and both are planned once per session: what they
-- hold are functions. Those that the old code asks stay, until it has been replaced.

-- All that a check reads of the asked strategies. The two scans here are bounded, so that old trades
-- cost nothing: the total stops at the strategy's minimum, the new trades at 1,000. Both are
-- ordered, so that a small strategy in a large table is never looked for by reading the table.
CREATE FUNCTION autoretrain.snapshots_of(
    strategy_ids uuid[], as_of timestamptz, block_trades integer, newest_trades integer,
    tenths integer
)
RETURNS TABLE (
    seen_at timestamptz, strategy_id uuid, user_id uuid, name text, checkable boolean,
    min_trades integer, new_trades_threshold integer, degradation_ratio float8,
    degradation_window integer, degradation_min_trades integer, degradation_rule text,
    max_age_days float8, feature_drift_psi float8, model_version text, trained_at timestamptz,
    expected_accuracy float8, expected_win_rate float8,
    trades_read_at timestamptz, queued_run uuid, total_trades integer, new_trades integer,
    recent integer, wins integer, predicted integer, correct integer, mean_confidence float8,
    judged jsonb, live jsonb
)
LANGUAGE plpgsql STABLE ROWS 10  -- by default 1,000, and who joins them reads whole tables
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        as_of AS seen_at, s.id AS strategy_id, s.user_id, s.name::text,
        s.is_active AND s.ml_training_enabled AND t.paused_reason IS NULL AS checkable,
        s.ml_min_trades_for_training AS min_trades, t.new_trades_threshold, t.degradation_ratio,
        t.degradation_window, t.degradation_min_trades, t.degradation_rule, t.max_age_days,
        t.feature_drift_psi, s.ml_model_version::text AS model_version,
        s.ml_model_trained_at AS trained_at,
        (jsonb_path_query_first(s.ml_model_performance, '$.accuracy ? (@ >= 0 && @ <= 1)'))::float8
            AS expected_accuracy,
        (jsonb_path_query_first(s.ml_model_performance, '$.win_rate ? (@ >= 0 && @ <= 1)'))::float8
            AS expected_win_rate,
        t.trades_read_at, queued.id AS queued_run,
        total.trades AS total_trades, fresh.*, record.judged, record.live
    FROM autoretrain.strategies s
    JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
    LEFT JOIN autoretrain.training_runs queued
        ON queued.strategy_id = s.id AND queued.status = 'queued'
    LEFT JOIN autoretrain.champion_records(
        strategy_ids, as_of, block_trades, newest_trades, tenths
    ) record ON record.strategy_id = s.id
    CROSS JOIN LATERAL (
        SELECT count(*)::integer AS trades
        FROM (
            SELECT 1
            FROM autoretrain.trades
            WHERE strategy_id = s.id AND closed_at <= as_of AND closed_at >= decided_at
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
                    AND closed_at <= as_of AND closed_at >= decided_at
                    AND abs(pnl_pct) < 'Infinity'
                ORDER BY decided_at DESC
                LIMIT 1000
            ) since_training
        ) marked
    ) fresh
    WHERE s.id = ANY(strategy_ids)
    ORDER BY s.id;
END
$$;

-- One row per strategy, replaced; one more in the history whenever the outcome has changed. A check
-- between two ticks leaves the row with its tick, which counts it.
CREATE FUNCTION autoretrain.store_decisions(decisions jsonb, tick timestamptz)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    WITH stored AS (
        INSERT INTO autoretrain.current_decisions AS held
            (strategy_id, decided_at, slot, should_retrain, outcome, reason, conditions)
        SELECT strategy_id, decided_at, tick, should_retrain, outcome, reason, conditions
        FROM jsonb_to_recordset(decisions) AS given (
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
END
$$;
