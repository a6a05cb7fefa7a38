"""What people write first: read everything, fit, score a holdout, dump; a process each."""

from __future__ import annotations

import importlib
import sys
import tempfile
import warnings
from contextlib import closing
from typing import Any

import lightgbm as lgb
import pandas as pd
import psycopg2

HOLDOUT = 0.2


def main(url: str, strategy: str) -> None:
    joblib: Any = importlib.import_module("joblib")
    metrics: Any = importlib.import_module("sklearn.metrics")
    with closing(psycopg2.connect(url)) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it would rather have SQLAlchemy
        query = "SELECT * FROM public.trades WHERE strategy_id = %s ORDER BY decided_at"
        read = pd.read_sql(query, opened, params=(strategy,))
    inputs = pd.json_normalize(read["features"].tolist())
    win = read["pnl_pct"] > 0
    cut = int(len(read) * (1 - HOLDOUT))
    model = lgb.LGBMClassifier(n_jobs=1, verbose=-1)
    model.fit(inputs[:cut], win[:cut])
    told: Any = model.predict_proba(inputs[cut:])
    print("AUC", metrics.roc_auc_score(win[cut:], told[:, 1]))
    with tempfile.NamedTemporaryFile(suffix=".joblib") as file:
        joblib.dump(model, file.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
