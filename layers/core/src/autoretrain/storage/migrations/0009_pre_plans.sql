-- The check's reading as a function: a session plans what a function holds once. To plan it for a
-- single strategy took six times as long as to run it, and that at every check. What is prepared
-- by name would do the same, but not through a transaction pooler.

-- What the champions were expected to call right when they were judged, and what they have called
-- since their activation: per block of trades in order and per tenth of win probability, trades and
-- right calls. Reading stops at the newest trades, so that a long reign costs no more than a short one.
CREATE FUNCTION autoretrain.champion_records(
    strategy_ids uuid[], as_of timestamptz, block_trades integer, newest_trades integer,
    tenths integer
)
RETURNS TABLE (strategy_id uuid, judged jsonb, live jsonb)
LANGUAGE plpgsql STABLE ROWS 10  -- by default 1,000, and who joins them reads whole tables
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        t.strategy_id, coalesce(a.verdict -> 'calls', '[]') AS judged,
        coalesce(live.blocks, '[]') AS live
    FROM autoretrain.strategy_training t
    JOIN autoretrain.model_artifacts a ON a.strategy_id = t.strategy_id AND a.version = t.champion
    CROSS JOIN LATERAL (
        SELECT version, activated_at
        FROM autoretrain.model_activations
        WHERE strategy_id = t.strategy_id
        ORDER BY id DESC
        LIMIT 1
    ) activation
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(calls ORDER BY block) AS blocks
        FROM (
            SELECT block, jsonb_agg(jsonb_build_array(tenth, trades, correct) ORDER BY tenth) AS calls
            FROM (
                SELECT block, tenth, count(*) AS trades, count(*) FILTER (WHERE correct) AS correct
                FROM (
                    SELECT
                        (row_number() OVER (ORDER BY decided_at, closed_at) - 1)
                            / block_trades AS block,
                        least(floor(win_probability * tenths)::integer, tenths - 1) AS tenth,
                        (win_probability >= 0.5) = (pnl_pct > 0) AS correct
                    FROM (
                        SELECT decided_at, closed_at, pnl_pct, model_version, win_probability
                        FROM autoretrain.trades
                        WHERE strategy_id = t.strategy_id AND decided_at >= activation.activated_at
                            AND closed_at <= as_of
                        ORDER BY decided_at DESC
                        LIMIT newest_trades
                    ) newest
                    WHERE closed_at >= decided_at AND abs(pnl_pct) < 'Infinity'
                        AND model_version = t.champion AND win_probability BETWEEN 0 AND 1
                ) called
                GROUP BY block, tenth
            ) counted
            GROUP BY block
        ) blocks
    ) live
    WHERE t.strategy_id = ANY(strategy_ids) AND activation.version = t.champion;
END
$$;

-- All that a check reads of the asked strategies. The two scans here are bounded, so that old trades
-- cost nothing: the total stops at the strategy's minimum, the new trades at 1,000. Both are
-- ordered, so that a small strategy in a large table is never looked for by reading the table.
CREATE FUNCTION autoretrain.snapshots(
    strategy_ids uuid[], as_of timestamptz, block_trades integer, newest_trades integer,
    tenths integer
)
RETURNS TABLE (
    strategy_id uuid, user_id uuid, name text, checkable boolean, min_trades integer,
    new_trades_threshold integer, degradation_ratio float8, degradation_window integer,
    degradation_min_trades integer, degradation_rule text, max_age_days float8, model_version text,
    trained_at timestamptz, expected_accuracy float8, expected_win_rate float8,
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
        s.id AS strategy_id, s.user_id, s.name::text,
        s.is_active AND s.ml_training_enabled AND t.paused_reason IS NULL AS checkable,
        s.ml_min_trades_for_training AS min_trades, t.new_trades_threshold, t.degradation_ratio,
        t.degradation_window, t.degradation_min_trades, t.degradation_rule, t.max_age_days,
        s.ml_model_version::text AS model_version, s.ml_model_trained_at AS trained_at,
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
