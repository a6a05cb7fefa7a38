-- training_trades --
-- The newest closed trades, the same ones for both statements: ties are broken by id. When the
-- clock is set back, what has closed since does not exist; what closes in the future of the
-- database itself is read, so that it is counted as bad. Those that were never decided come last,
-- by a statement of their own: in one, no index has the order, and all that a strategy has is read.
-- `plain`: but for the words, every feature of the trade is a number or null. To compare anything
-- else with a number gives NULL; to ask so once costs a third of asking each feature for its type.
SELECT *,
    CASE WHEN jsonb_typeof(features) = 'object'
        THEN ((features - %(words)s::text[]) @@ 'strict $.* > 0') IS NOT NULL END AS plain
FROM (
    (
        SELECT * FROM autoretrain.trades
        WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
            AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NOT NULL
        ORDER BY decided_at DESC, id
        LIMIT %(newest)s
    ) UNION ALL (
        SELECT * FROM autoretrain.trades
        WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
            AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NULL
        ORDER BY id
        LIMIT %(newest)s
    )
) trades
LIMIT %(newest)s

-- trade_names --
-- Every symbol among the same trades, the names of features that hold a number at least once, and
-- those that never do: words. What the newest hundred trades know as a number is looked for no
-- further: of all others only the rest is taken apart, and most often all have the same.
WITH newest AS NOT MATERIALIZED (
    SELECT CASE WHEN jsonb_typeof(features) = 'object' THEN features ELSE '{}' END AS features,
        symbol
    FROM (
        (
            SELECT features, symbol FROM autoretrain.trades
            WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
                AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NOT NULL
            ORDER BY decided_at DESC, id
            LIMIT %(newest)s
        ) UNION ALL (
            SELECT features, symbol FROM autoretrain.trades
            WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
                AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NULL
            ORDER BY id
            LIMIT %(newest)s
        )
        LIMIT %(newest)s
    ) trades
), known AS MATERIALIZED (
    SELECT ARRAY(
        SELECT key
        FROM (SELECT features FROM newest LIMIT 100) sampled
        CROSS JOIN LATERAL jsonb_each(features)
        WHERE jsonb_typeof(value) = 'number'
        GROUP BY key
    ) AS names
), found AS MATERIALIZED (
    SELECT symbol, features - names AS rest
    FROM newest CROSS JOIN known
    GROUP BY symbol, rest
), others AS MATERIALIZED (
    SELECT key, bool_or(jsonb_typeof(value) = 'number') AS counts
    FROM found CROSS JOIN LATERAL jsonb_each(rest)
    GROUP BY key
)
SELECT
    ARRAY(SELECT unnest(names) FROM known UNION ALL SELECT key FROM others WHERE counts)
        AS features,
    ARRAY(SELECT key FROM others WHERE NOT counts) AS words,
    ARRAY(SELECT DISTINCT symbol FROM found WHERE symbol IS NOT NULL) AS symbols;
