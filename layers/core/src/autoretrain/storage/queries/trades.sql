-- training_trades --
-- The newest closed trades, the same ones for all three statements: ties are broken by id. When
-- the clock is set back, what has closed since does not exist; what closes in the future of the
-- database itself is read, so that it is counted as bad.
SELECT * FROM autoretrain.trades
WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
    AND (closed_at <= %(as_of)s OR closed_at > now())
ORDER BY decided_at DESC NULLS LAST, id
LIMIT %(newest)s

-- feature_names --
-- Names that hold a number at least once; numeric where they never hold anything else.
SELECT key AS name, bool_and(jsonb_typeof(value) IN ('number', 'null')) AS numeric
FROM (
    SELECT features FROM autoretrain.trades
    WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
        AND (closed_at <= %(as_of)s OR closed_at > now())
    ORDER BY decided_at DESC NULLS LAST, id
    LIMIT %(newest)s
) t
CROSS JOIN LATERAL jsonb_each(
    CASE WHEN jsonb_typeof(features) = 'object' THEN features ELSE '{}' END
)
GROUP BY key
HAVING bool_or(jsonb_typeof(value) = 'number')
ORDER BY key COLLATE "C";

-- symbols --
-- Every symbol among the same trades.
SELECT symbol
FROM (
    SELECT symbol FROM autoretrain.trades
    WHERE strategy_id = %(strategy_id)s AND closed_at IS NOT NULL
        AND (closed_at <= %(as_of)s OR closed_at > now())
    ORDER BY decided_at DESC NULLS LAST, id
    LIMIT %(newest)s
) t
WHERE symbol IS NOT NULL
GROUP BY symbol
ORDER BY symbol COLLATE "C";
