-- A user whose bot keeps its own tables, with other names and types, and shows them as views.
CREATE SCHEMA bot;

CREATE TABLE bot.strategy (
    uid uuid PRIMARY KEY DEFAULT gen_random_uuid(), owner uuid NOT NULL, title varchar(80) NOT NULL,
    running boolean NOT NULL DEFAULT true, learns boolean, enough smallint,
    ml_model_version varchar(20), ml_model_trained_at timestamptz, ml_model_performance jsonb
);
CREATE VIEW public.ai_strategies AS
SELECT uid AS id, owner AS user_id, title AS name, running AS is_active,
    learns AS ml_training_enabled, enough AS ml_min_trades_for_training,
    ml_model_version, ml_model_trained_at, ml_model_performance
FROM bot.strategy;

CREATE TABLE bot.model (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, strategy_id uuid, version varchar(20),
    is_active boolean, accuracy float8, roc_auc float8, training_samples bigint,
    improvement float8, created_at timestamptz
);
CREATE VIEW public.ai_strategy_ml_models AS
SELECT strategy_id, version, is_active, accuracy, roc_auc, training_samples, improvement, created_at
FROM bot.model;

CREATE TABLE bot.position (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, strategy_id uuid NOT NULL,
    symbol varchar(20), side varchar(5), decided_at timestamptz, closed_at timestamptz,
    pnl_pct numeric(20, 8), won smallint, executed boolean, model_version varchar(20),
    win_probability real, features jsonb
);
CREATE INDEX ON bot.position (strategy_id, decided_at);
CREATE VIEW public.trades AS
SELECT id, strategy_id, symbol, side, decided_at, closed_at, pnl_pct, won AS win, executed,
    model_version, win_probability, features
FROM bot.position;
