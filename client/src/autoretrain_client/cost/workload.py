"""What the stack has to do in a month, from what its operator knows and what we assume of the rest.

Every figure is an average month of 730 hours: nothing here knows of rush hours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HOURS = 730
SECONDS = HOURS * 3600
DAYS = HOURS / 24

# What nobody is asked for. Seconds of functions are billed ones, cold starts spread over them: what
# `make bench` measures on a whole core, at the share of a core that a function's memory buys, and
# something on top for a database that is not next door.
TASK_START_SECONDS = 40.0
"""Between the pull of the image, from when on Fargate counts, and the first run, with the end."""
LEAST_TASK_SECONDS = 60.0
"""What Fargate counts at least."""
TICK_SECONDS = 2.0
SEND_SECONDS = 0.02
"""What a check to send takes the dispatcher, so many a second it can at most."""
CHECK_SECONDS = 0.03
CHECK_SECONDS_PER_STRATEGY = 0.006
TRAINING_SECONDS = 2.0
"""One of 500 to 2,000 trades; Fargate's core is half of a real one."""
STOPPED_SECONDS = 0.2
POLL_SECONDS = 0.03
AUTHORIZER_SECONDS = 0.02
AUTHORIZER_REMEMBERED_SECONDS = 60.0

LOG_BYTES_PER_TICK = 3_000
LOG_BYTES_PER_EVENT = 1_500
LOG_BYTES_PER_STRATEGY = 800
LOG_BYTES_PER_RUN = 8_000
LOG_BYTES_PER_POLL = 700
LOG_BYTES_PER_AUTHORIZATION = 400

STORED_FILES_PER_RUN = 4
READ_FILES_PER_RUN = 4
STORED_BYTES_PER_RUN = 500_000
MODEL_BYTES = 150_000
ANSWER_BYTES = 1_000
MONTHS_KEPT = 12
IMAGE_GB = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What an operator knows, or chooses. `trainings_per_day` is that of each strategy, `cpu` in
    units of which 1024 are a core, `memory` in MiB."""

    strategies: int
    trainings_per_day: float = 1.0
    training_seconds: float = TRAINING_SECONDS
    cpu: int = 1024
    memory: int = 2048
    spot: bool = False
    arm64: bool = False
    max_concurrent_tasks: int = 4
    strategies_per_check: int = 1
    checks_per_second: float = 20
    bots: int
    poll_seconds: float = 60.0
    subscribers: int = 1

    @property
    def runs(self) -> float:
        return self.strategies * self.trainings_per_day * DAYS

    @property
    def runs_per_hour(self) -> float:
        return self.runs / HOURS

    @property
    def tasks(self) -> float:
        """Each hour's runs are shared by as many trainers as may run, and one is the least."""
        return min(self.runs_per_hour, self.max_concurrent_tasks) * HOURS

    @property
    def task_seconds(self) -> float:
        worked = self.tasks * TASK_START_SECONDS + self.runs * self.training_seconds
        return max(worked, self.tasks * LEAST_TASK_SECONDS)

    @property
    def events_per_tick(self) -> int:
        return math.ceil(self.strategies / self.strategies_per_check)

    @property
    def events(self) -> int:
        return self.events_per_tick * HOURS

    @property
    def tick_seconds(self) -> float:
        pace = 1 / self.checks_per_second if self.checks_per_second else 0.0
        return TICK_SECONDS + self.events_per_tick * max(pace, SEND_SECONDS)

    @property
    def event_seconds(self) -> float:
        on_average = self.strategies / max(self.events_per_tick, 1)
        return CHECK_SECONDS + CHECK_SECONDS_PER_STRATEGY * on_average

    @property
    def polls(self) -> float:
        return self.bots * SECONDS / self.poll_seconds

    @property
    def authorizations(self) -> float:
        """API Gateway remembers an answer for a minute, whoever asks more often than that."""
        return self.bots * SECONDS / max(self.poll_seconds, AUTHORIZER_REMEMBERED_SECONDS)

    @property
    def checks_at_once(self) -> float:
        """Condition checks that run at the same time while a tick is handed out."""
        sent_per_second = min(self.checks_per_second or math.inf, 1 / SEND_SECONDS)
        return min(sent_per_second * self.event_seconds, self.events_per_tick)

    @property
    def log_gb(self) -> float:
        written = (
            HOURS * LOG_BYTES_PER_TICK
            + self.events * LOG_BYTES_PER_EVENT
            + HOURS * self.strategies * LOG_BYTES_PER_STRATEGY
            + self.runs * LOG_BYTES_PER_RUN
            + self.polls * LOG_BYTES_PER_POLL
            + self.authorizations * LOG_BYTES_PER_AUTHORIZATION
        )
        return written / 1e9
