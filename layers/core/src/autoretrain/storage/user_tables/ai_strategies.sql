CREATE TABLE public.ai_strategies (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    ml_training_enabled boolean NOT NULL DEFAULT true,
    ml_min_trades_for_training integer NOT NULL DEFAULT 100
        CHECK (ml_min_trades_for_training BETWEEN 60 AND 1000000),
    ml_model_version text,
    ml_model_trained_at timestamptz,
    ml_model_performance jsonb
);
