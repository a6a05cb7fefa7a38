-- feature_spreads --
-- How the features of the newest trades since the last training spread over the bins of those that
-- the champion was fitted on. It reads the trades themselves, so it is asked only of those
-- strategies whose owners want to know, and of no more trades than tell. Numbers stay numeric: a
-- feature may hold one that no float8 takes.
WITH champion AS MATERIALIZED (
    SELECT t.strategy_id, s.ml_model_trained_at AS trained_at, reference.key AS feature,
        ARRAY(SELECT jsonb_array_elements(reference.value -> 'rows')::integer) AS fitted,
        ARRAY(SELECT jsonb_array_elements(reference.value -> 'edges')::numeric) AS edges
    FROM autoretrain.strategy_training t
    JOIN autoretrain.strategies s ON s.id = t.strategy_id
    JOIN autoretrain.model_artifacts a
        ON a.strategy_id = t.strategy_id AND a.version = t.champion
    CROSS JOIN LATERAL jsonb_each(a.feature_reference) reference
    WHERE t.strategy_id = ANY(%(strategy_ids)s::uuid[])
), newest AS MATERIALIZED (
    SELECT known.strategy_id, trade.features
    FROM (SELECT DISTINCT strategy_id, trained_at FROM champion) known
    CROSS JOIN LATERAL (
        SELECT features
        FROM autoretrain.trades
        WHERE strategy_id = known.strategy_id
            AND decided_at >= coalesce(known.trained_at, '-infinity')
            AND closed_at <= %(as_of)s AND closed_at >= decided_at AND abs(pnl_pct) < 'Infinity'
        ORDER BY decided_at DESC
        LIMIT %(newest_trades)s
    ) trade
), counted AS (
    SELECT strategy_id, feature, bin, count(*)::integer AS trades
    FROM (
        SELECT champion.strategy_id, feature,
            CASE WHEN jsonb_typeof(features -> feature) = 'number'
                THEN width_bucket((features -> feature)::numeric, edges)
                ELSE cardinality(edges) + 1
            END AS bin
        FROM champion
        JOIN newest USING (strategy_id)
    ) binned
    GROUP BY strategy_id, feature, bin
)
SELECT champion.strategy_id, champion.feature, champion.fitted,
    ARRAY(
        SELECT coalesce(trades, 0)
        FROM generate_series(0, cardinality(champion.edges) + 1) every
        LEFT JOIN counted ON counted.bin = every AND counted.feature = champion.feature
            AND counted.strategy_id = champion.strategy_id
        ORDER BY every
    ) AS newest
FROM champion
ORDER BY champion.strategy_id, champion.feature COLLATE "C";
