-- champion_record --
-- What the champions were expected to call right when they were judged, and what they have called
-- since their activation: per block of trades in order and per tenth of win probability, trades and
-- right calls. Reading stops at the newest trades, so that a long reign costs no more than a short one.
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
                        / %(block_trades)s AS block,
                    least(floor(win_probability * %(tenths)s)::integer, %(tenths)s - 1) AS tenth,
                    (win_probability >= 0.5) = (pnl_pct > 0) AS correct
                FROM (
                    SELECT decided_at, closed_at, pnl_pct, model_version, win_probability
                    FROM autoretrain.trades
                    WHERE strategy_id = t.strategy_id AND decided_at >= activation.activated_at
                        AND closed_at <= %(as_of)s
                    ORDER BY decided_at DESC
                    LIMIT %(newest_trades)s
                ) newest
                WHERE closed_at >= decided_at AND abs(pnl_pct) < 'Infinity'
                    AND model_version = t.champion AND win_probability BETWEEN 0 AND 1
            ) called
            GROUP BY block, tenth
        ) counted
        GROUP BY block
    ) blocks
) live
WHERE t.strategy_id = ANY(%(strategy_ids)s::uuid[]) AND activation.version = t.champion;
