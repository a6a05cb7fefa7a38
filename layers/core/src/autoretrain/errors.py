"""What can go wrong, by who has to act.

AutoRetrainError
├── OperatorError      your configuration or your data: fix it, a retry changes nothing
│   ├── MissingSettings, BadSetting
│   ├── BadConfig      a strategy's settings, as the database has them
│   ├── ContractError  a table or view lacks what the documentation asks of it
│   ├── DataError      the trades cannot be learnt from
│   ├── ArtifactMissing
│   └── LaunchRefused  AWS refuses the task for its configuration
├── CallerError        what was asked cannot be done as it was asked
│   ├── Unknown        there is no such thing, or it is somebody else's: both look the same
│   ├── Conflict       it does not go with how things stand
│   ├── Invalid        a value that is not allowed
│   ├── MissingScope
│   └── TooManyRuns
├── DependencyError    a service did not answer: the same call may work later
│   ├── DatabaseUnavailable
│   │   └── DatabaseRefuses  its address is wrong: the operator's to mend, or being rotated
│   ├── ArtifactUnavailable
│   ├── LaunchUnavailable, LaunchUnknown
│   └── InvokeFailed
└── InternalError      our bug: please report it
    ├── ArtifactCorrupt
    └── InvalidMetric
RunTaken               not an error of anybody: the run belongs to another task by now
└── RunCancelled       a person does not want it any more
"""

from __future__ import annotations


class AutoRetrainError(Exception):
    """Something went wrong."""

    code = "error"
    family = "internal"
    exit_code = 70

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class OperatorError(AutoRetrainError):
    """The configuration or the data needs your attention."""

    code = "operator_error"
    family = "operator"
    exit_code = 78


class MissingSettings(OperatorError):
    """Environment variables are missing; raised once, naming all of them."""

    code = "missing_settings"


class BadSetting(OperatorError):
    """A setting has a value that cannot be used."""

    code = "bad_setting"


class BadConfig(OperatorError):
    """A strategy has a setting in the database that cannot be used; the message names it."""

    code = "bad_config"


class ContractError(OperatorError):
    """A table or view lacks a column that the documentation asks for."""

    code = "contract"


class DataError(OperatorError):
    """The strategy's trades cannot be learnt from; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LaunchRefused(OperatorError):
    """ECS refuses to start the trainer, and would refuse again."""

    code = "launch_config"


class ArtifactMissing(OperatorError):
    """The active model is not in the model store."""

    code = "baseline_unreadable"


class CallerError(AutoRetrainError):
    """What was asked cannot be done as it was asked; `status` is HTTP's word for it."""

    code = "caller_error"
    family = "caller"
    exit_code = 65
    status = 422


class Unknown(CallerError):
    """There is no such thing, or it is somebody else's: both look the same."""

    code = "unknown"
    status = 404

    def __init__(self, kind: str) -> None:
        super().__init__(f"no such {kind}")
        self.code = f"unknown_{kind}"


class Conflict(CallerError):
    """It does not go with how things stand; `code` says what is in the way."""

    code = "conflict"
    status = 409

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Invalid(CallerError):
    """A value is not allowed; the message names the field and what is."""

    code = "invalid_request"


class MissingScope(CallerError):
    """The token may not do this."""

    code = "missing_scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs a token with the scope {scope}: create one that has it")


class TooManyRuns(CallerError):
    """The caller has asked for too many trainings within an hour."""

    code = "too_many_runs"
    status = 429

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DependencyError(AutoRetrainError):
    """A service that we depend on did not answer as it should; try again later."""

    code = "dependency_error"
    family = "dependency"
    exit_code = 75


class DatabaseUnavailable(DependencyError):
    """The database cannot be reached."""

    code = "db_unavailable"


class DatabaseRefuses(DatabaseUnavailable):
    """The database does not let us in."""

    # Whoever works on takes it for an outage, for secrets rotate; whoever starts ends for good.
    family = OperatorError.family
    exit_code = OperatorError.exit_code


class ArtifactUnavailable(DependencyError):
    """The model store cannot be reached."""

    code = "artifact_unavailable"


class LaunchUnavailable(DependencyError):
    """ECS says no for now: no capacity, throttled, a limit reached."""

    code = "launch_unavailable"


class LaunchUnknown(DependencyError):
    """ECS did not answer: a task may or may not have been started."""

    code = "launch_unknown"


class InvokeFailed(DependencyError):
    """Lambda did not take the event."""

    code = "invoke_failed"


class InternalError(AutoRetrainError):
    """A bug in auto-retrain: please report it with this message."""

    code = "internal_error"


class ArtifactCorrupt(InternalError):
    """A stored model is not the one that was written."""

    code = "artifact_corrupt"


class InvalidMetric(InternalError):
    """A metric is not a finite number; the model is not stored."""

    code = "invalid_metric"


class RunTaken(Exception):
    """The run's fence has moved on: another attempt owns it, and this one must change nothing."""


class RunCancelled(RunTaken):
    """A person has cancelled the run: this attempt must change nothing either."""
