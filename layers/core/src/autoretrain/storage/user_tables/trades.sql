CREATE TABLE public.trades (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    strategy_id uuid NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    decided_at timestamptz NOT NULL,
    closed_at timestamptz,
    pnl_pct float8,
    win boolean,
    executed boolean NOT NULL DEFAULT true,
    model_version text,
    win_probability float8 CHECK (win_probability BETWEEN 0 AND 1),
    features jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(features) = 'object')
) WITH (
    -- The check reads the newest rows, and until a row is vacuumed its index does not do: 1,000 new
    -- ones are enough to begin. What is vacuumed already is passed over.
    autovacuum_vacuum_insert_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0
);
-- The whole condition check is answered from this index: it costs what is new, not what is old.
CREATE INDEX trades_closed ON public.trades (strategy_id, decided_at)
    INCLUDE (closed_at, pnl_pct, executed, model_version, win_probability)
    WHERE closed_at IS NOT NULL;
