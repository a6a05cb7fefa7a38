"""What we ask of the user's three tables or views, and how our views read them.

Everything else in this package sees `autoretrain.strategies`, `.models` and `.trades` only, so
that optional columns, odd types and missing defaults are dealt with once, here.
"""

from __future__ import annotations

from dataclasses import dataclass

TIME = ("timestamp with time zone",)
TEXT = ("text", "character varying")
NUMBER = ("double precision", "real", "numeric")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the contract: the types it may have (any, where empty), how the view reads it,
    what stands in where an optional column is absent, and whether we write it, maybe NULL.

    A `setting` is read as something that cannot be written through, so the view has it once more,
    plain, as `set_<name>`.
    """

    name: str
    types: tuple[str, ...] = ()
    read: str = "{}"
    absent: str | None = None
    add: str | None = None
    written: bool = False
    nullable: bool = False
    setting: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """One of the user's tables or views, and the view that we read it through."""

    name: str
    view: str
    columns: tuple[Column, ...]
    inserted: bool = False
    index: str | None = None


STRATEGIES = Relation(
    "ai_strategies",
    "strategies",
    (
        Column("id", ("uuid",)),
        Column("user_id", ("uuid",), "coalesce({}, '00000000-0000-0000-0000-000000000000')"),
        Column("name", read="coalesce({}::text, '')"),
        Column("is_active", ("boolean",), "coalesce({}, false)"),
        Column(
            "ml_training_enabled",
            ("boolean",),
            "coalesce({}, true)",
            add="boolean NOT NULL DEFAULT true",
            setting=True,
        ),
        Column(
            "ml_min_trades_for_training",
            ("integer", "bigint", "smallint"),
            # What the documentation allows: a bot's own table may hold anything.
            "least(greatest(coalesce({}, 100), 60), 1000000)::integer",
            add="integer NOT NULL DEFAULT 100",
            setting=True,
        ),
        Column("ml_model_version", TEXT, add="text", written=True),
        Column("ml_model_trained_at", TIME, add="timestamptz", written=True),
        Column("ml_model_performance", ("jsonb",), add="jsonb", written=True),
    ),
)
MODELS = Relation(
    "ai_strategy_ml_models",
    "models",
    (
        Column("strategy_id", ("uuid",), written=True),
        Column("version", TEXT, written=True),
        Column("is_active", ("boolean",), written=True),
        Column("accuracy", NUMBER, written=True, nullable=True),
        Column("roc_auc", NUMBER, written=True, nullable=True),
        Column("training_samples", ("integer", "bigint"), written=True),
        Column("improvement", NUMBER, written=True, nullable=True),
        Column("created_at", TIME, written=True),
    ),
    inserted=True,
)
TRADES = Relation(
    "trades",
    "trades",
    (
        Column("id", read="{}::text"),
        Column("strategy_id", ("uuid",)),
        Column("symbol", read="{}::text"),
        Column("side", read="lower({}::text)"),
        Column("decided_at", TIME),
        Column("closed_at", TIME),
        Column("pnl_pct", read="{}::float8"),
        Column("features", ("jsonb",)),
        Column("win", read="{}::text::boolean", absent="NULL::boolean"),
        Column("executed", ("boolean",), "coalesce({}, true)", absent="true"),
        Column("model_version", read="{}::text", absent="NULL::text"),
        Column("win_probability", read="{}::float8", absent="NULL::float8"),
    ),
    index=(
        "CREATE INDEX trades_closed ON {table} (strategy_id, decided_at)"
        " INCLUDE (closed_at, pnl_pct) WHERE closed_at IS NOT NULL;"
    ),
)
RELATIONS = (STRATEGIES, MODELS, TRADES)
