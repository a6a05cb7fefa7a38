from __future__ import annotations

import pytest

from autoretrain_trainer.exit_only import is_exit_only

EXIT = """
    exit exit_price exitPrice ExitPrice EXIT_PRICE Exit-Price exit.price exitprice exitPriceUsd
    exit_reason exit_distance_atr exit_rate exited avg_exit_price exit_price_2 exit_time_est
    tp_hit stop_loss_hit hit_sl stopped_out closed closed_at closedAt closedat trade_closed
    close_reason close_time closeTime close_rate close_date_utc close_timestamp position_closed
    target_hit profit_target_hit targetReached bars_since_entry high_since_entry
    recent_high_since_entry exit_pnl_20
"""
DURATION = """
    duration duration_seconds trade_duration tradeDuration tradeduration holding_minutes
    holding_time HoldTime hold_time hours_held barsheld bars_in_trade time_in_position
    duration_minutes duration_60m actual_duration expected_vs_actual_duration
"""
RESULT = """
    pnl PnL P&L PNL netPnL PnLPct pnl_pct pnl_pips pnl_usdc pnlpct realized_pnl profit profit_abs
    profit_ratio close_profit is_profitable isprofitable win is_win isWin won lost is_loss winner
    max_profit outcome trade_result label label_5 roi r_multiple RMultiple trade_return
    mae MFE mfe_pct maeUsd max_adverse_excursion fee_usd _fee fees total_fees commission
    pnl_since_entry max_profit_since_entry pnl_since_open realized_vs_expected_pnl
    planned_vs_actual_pnl realized_profit mfe_rank pnl_z pnl_1 profit_pct_2 mae_5 trade_won
"""
MARKET = """
    rsi rsi_14 macdSignal atr_pct return_5_pct realized_volatility 1h_ema window winding feed_lag
    exits_nearby profitability_30d coexit close closePrice close_mean_distance close_rsi close_z
    prev_close close_rate_of_change closed_above_vwap candle_closed bars_since_exit time_to_close
    trend_duration session_duration regime_label is_open ü %
    minutes_since_open candle_close_time bar_close_date close_type is_closed gap_closed
    profit_margin supply_in_profit sopr_profit label_encoded_sector sentiment_label
    earnings_result eps_result signal_duration uptrend_duration bonds_duration
    duration_above_vwap held_support institutional_holding_pct usd_krw_won
"""
EARLIER_TRADES = """
    win_rate win_rate_20 winRate20 winrate recent_win_rate streak_wins last_win lastWin
    last_exit_price prev_pnl previous_result loss_streak pnl_20 pnl_7d pnl7D avg_pnl rolling_profit
    mean_holding_hours avg_mfe win_loss_ratio profit_factor consecutive_loss daily_pnl account_pnl
    avg_r_multiple realized_win_rate open_position_pnl profit_7d win_pct last_tp_hit
    daily_realized_pnl
"""
PLAN_AND_COST = """
    stop_loss stopLossPct take_profit tp_price profit_target planned_exit target_exit_price
    expected_profit expected_duration spread_fee_estimate maker_fee fee_rate win_probability
    entry_price target_atr stop_atr exit_price_target exit_probability tp_hit_probability
    max_loss_pct time_in_trade_limit funding_fee network_fee
"""


@pytest.mark.parametrize("name", [*EXIT.split(), *DURATION.split(), *RESULT.split()])
def test_name_of_what_is_known_only_at_the_exit_is_refused(name: str) -> None:
    assert is_exit_only(name)


@pytest.mark.parametrize(
    "name", [*MARKET.split(), *EARLIER_TRADES.split(), *PLAN_AND_COST.split(), "", "close price"]
)
def test_name_of_what_is_known_at_the_decision_passes(name: str) -> None:
    assert not is_exit_only(name)
