from __future__ import annotations

import pytest

from autoretrain_trainer.exit_only import is_exit_only

EXIT = """
    exit exit_price exitPrice ExitPrice EXIT_PRICE Exit-Price exit.price exitprice exitPriceUsd
    exit_reason exit_distance_atr exit_rate exited avg_exit_price exit_price_2 exit_time_est
    tp_hit stop_loss_hit hit_sl stopped_out closed_at closedAt closedat is_closed closed_by_stop
    close_reason close_time closeTime close_rate close_date_utc close_timestamp
"""
DURATION = """
    duration duration_seconds trade_duration tradeDuration tradeduration holding_minutes
    holding_time HoldTime hold_time hours_held barsheld bars_in_trade time_in_position
"""
RESULT = """
    pnl PnL P&L PNL netPnL PnLPct pnl_pct pnl_pips pnl_usdc pnlpct realized_pnl profit profit_abs
    profit_ratio close_profit is_profitable isprofitable win is_win isWin won lost is_loss winner
    max_profit max_loss outcome trade_result label label_5 roi r_multiple RMultiple trade_return
    mae MFE mfe_pct maeUsd max_adverse_excursion fee_usd _fee fees total_fees commission
"""
MARKET = """
    rsi rsi_14 macdSignal atr_pct return_5_pct realized_volatility 1h_ema window winding feed_lag
    exits_nearby profitability_30d coexit close closePrice close_mean_distance close_rsi close_z
    prev_close close_rate_of_change closed_above_vwap candle_closed bars_since_exit time_to_close
    trend_duration session_duration regime_label is_open ü %
"""
EARLIER_TRADES = """
    win_rate win_rate_20 winRate20 winrate recent_win_rate streak_wins last_win lastWin
    last_exit_price prev_pnl previous_result loss_streak pnl_20 pnl_7d pnl7D avg_pnl rolling_profit
    mean_holding_hours avg_mfe win_loss_ratio profit_factor consecutive_loss daily_pnl account_pnl
"""
PLAN_AND_COST = """
    stop_loss stopLossPct take_profit tp_price profit_target planned_exit target_exit_price
    expected_profit expected_duration spread_fee_estimate maker_fee fee_rate win_probability
    entry_price target_atr stop_atr
"""


@pytest.mark.parametrize("name", [*EXIT.split(), *DURATION.split(), *RESULT.split()])
def test_name_of_what_is_known_only_at_the_exit_is_refused(name: str) -> None:
    assert is_exit_only(name)


@pytest.mark.parametrize(
    "name", [*MARKET.split(), *EARLIER_TRADES.split(), *PLAN_AND_COST.split(), "", "close price"]
)
def test_name_of_what_is_known_at_the_decision_passes(name: str) -> None:
    assert not is_exit_only(name)
