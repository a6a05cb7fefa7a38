CREATE TABLE public.ai_strategy_ml_models (
    strategy_id uuid NOT NULL,
    version text NOT NULL,
    is_active boolean NOT NULL DEFAULT false,
    accuracy float8 CHECK (accuracy BETWEEN 0 AND 1),
    roc_auc float8 CHECK (roc_auc BETWEEN 0 AND 1),
    training_samples integer NOT NULL CHECK (training_samples >= 0),
    improvement float8 CHECK (improvement BETWEEN -1 AND 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (strategy_id, version)
);
CREATE UNIQUE INDEX one_active_model ON public.ai_strategy_ml_models (strategy_id) WHERE is_active;
