"""What others would ask the database for the same answers: the references of the check."""

from __future__ import annotations

# The five statements of a check that asks for one thing after the other.
STRATEGY = """
SELECT ml_model_trained_at, id, name, is_active, ml_training_enabled, ml_min_trades_for_training,
    ml_model_version, ml_model_performance
FROM public.ai_strategies WHERE id = %(id)s
"""
ALL = "SELECT count(*) FROM public.trades WHERE strategy_id = %(id)s AND closed_at IS NOT NULL"
NEW = f"{ALL} AND decided_at >= %(trained_at)s"
NEWEST = """
SELECT pnl_pct FROM public.trades
WHERE strategy_id = %(id)s AND closed_at IS NOT NULL AND decided_at >= %(trained_at)s
ORDER BY decided_at DESC LIMIT 50
"""
DECIDED = """
INSERT INTO autoretrain.retrain_decisions
    (strategy_id, decided_at, should_retrain, outcome, reason, conditions)
VALUES (%(id)s, now(), false, 'nothing_due', '', '[]')
"""
# By hand: one bounded scan of the newest trades gives every figure of the check.
BY_HAND = """
SELECT s.id, s.user_id, s.name, s.is_active AND s.ml_training_enabled AND t.paused_reason IS NULL,
    s.ml_min_trades_for_training, t.new_trades_threshold, t.degradation_ratio,
    t.degradation_window, t.degradation_min_trades, t.degradation_rule, t.max_age_days,
    s.ml_model_version, s.ml_model_trained_at, s.ml_model_performance, t.trades_read_at,
    a.verdict -> 'calls', newest.*
FROM public.ai_strategies s
JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
LEFT JOIN autoretrain.model_artifacts a ON a.strategy_id = s.id AND a.version = t.champion
CROSS JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE new) AS new,
        count(*) FILTER (WHERE new AND executed AND place <= 50) AS recent,
        count(*) FILTER (WHERE new AND executed AND place <= 50 AND pnl_pct > 0) AS wins,
        count(*) FILTER (WHERE new AND model_version = s.ml_model_version) AS predicted,
        count(*) FILTER (WHERE new AND model_version = s.ml_model_version
            AND (win_probability >= 0.5) = (pnl_pct > 0)) AS correct,
        avg(greatest(win_probability, 1 - win_probability))
            FILTER (WHERE new AND model_version = s.ml_model_version) AS confidence
    FROM (
        SELECT *, decided_at >= s.ml_model_trained_at AS new, row_number() OVER () AS place
        FROM (
            SELECT decided_at, pnl_pct, executed, model_version, win_probability
            FROM public.trades
            WHERE strategy_id = s.id AND closed_at <= now() AND closed_at >= decided_at
                AND abs(pnl_pct) < 'Infinity'
            ORDER BY decided_at DESC
            LIMIT s.ml_min_trades_for_training
        ) newest
    ) placed
) newest
WHERE s.id = ANY(%(ids)s::uuid[])
"""
