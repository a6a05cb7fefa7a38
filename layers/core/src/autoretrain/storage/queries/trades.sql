-- training_trades --
-- The newest closed trades, the same ones for all three statements: ties are broken by id. When
-- the clock is set back, what has closed since does not exist; what closes in the future of the
-- database itself is read, so that it is counted as bad. Those that were never decided come last,
-- by a statement of their own: in one, no index has the order, and all that a strategy has is read.
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
LIMIT %(newest)s

-- feature_names --
-- Names that hold a number at least once. What the newest thousand trades know is looked for no
-- further: of all others only the rest is taken apart, which is most often nothing.
WITH newest AS NOT MATERIALIZED (
    SELECT CASE WHEN jsonb_typeof(features) = 'object' THEN features ELSE '{}' END AS features
    FROM (
        (
            SELECT features FROM autoretrain.trades
            WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
                AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NOT NULL
            ORDER BY decided_at DESC, id
            LIMIT %(newest)s
        ) UNION ALL (
            SELECT features FROM autoretrain.trades
            WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
                AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NULL
            ORDER BY id
            LIMIT %(newest)s
        )
        LIMIT %(newest)s
    ) trades
), known AS MATERIALIZED (
    SELECT coalesce(array_agg(DISTINCT key), '{}') AS names
    FROM (SELECT features FROM newest LIMIT 1000) sampled
    CROSS JOIN LATERAL jsonb_each(features)
    WHERE jsonb_typeof(value) = 'number'
), rests AS (
    SELECT features - names AS rest FROM newest CROSS JOIN known
)
SELECT name
FROM (
    SELECT unnest(names) AS name FROM known
    UNION
    SELECT key
    FROM rests CROSS JOIN LATERAL jsonb_each(rest)
    WHERE rest <> '{}' AND jsonb_typeof(value) = 'number'
) found
ORDER BY name COLLATE "C";

-- symbols --
-- Every symbol among the same trades.
SELECT symbol
FROM (
    (
        SELECT symbol FROM autoretrain.trades
        WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
            AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NOT NULL
        ORDER BY decided_at DESC, id
        LIMIT %(newest)s
    ) UNION ALL (
        SELECT symbol FROM autoretrain.trades
        WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
            AND (closed_at <= %(as_of)s OR closed_at > now()) AND decided_at IS NULL
        ORDER BY id
        LIMIT %(newest)s
    )
    LIMIT %(newest)s
) t
WHERE symbol IS NOT NULL
GROUP BY symbol
ORDER BY symbol COLLATE "C";
