"""Owns a task's process, from its start to the task's last event."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from threading import Event, Lock, Thread, Timer
from typing import Any

from autoretrain_local.child import leashed
from autoretrain_local.ecs_state import Stop, TaskState

OnEvent = Callable[[dict[str, Any]], None]
OnOutput = Callable[[str, str], None]

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")  # a container has nothing else of its host

_logger = logging.getLogger(__name__)


class Task:
    """A task that runs for real, or plays the `ending` that it is given.

    Its own thread starts the process and stays with it until the end (see `child.leashed`); that
    thread calls `on_event` and `on_output(task_arn, line)`, in order.
    """

    def __init__(
        self,
        state: TaskState,
        environment: Mapping[str, str],
        on_event: OnEvent,
        on_output: OnOutput,
        now: Callable[[], datetime],
        ending: Stop | None = None,
    ) -> None:
        self.state = state
        self._environment = environment
        self._on_event = on_event
        self._on_output = on_output
        self._now = now
        self._change = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._killer: Timer | None = None
        self._started = Event()
        live = self._run if ending is None else lambda: self._play(ending)
        self._thread = Thread(target=live, name=f"task-{state.id}", daemon=True)

    def start(self) -> None:
        """Return as soon as there is a process."""
        self._thread.start()
        self._started.wait()

    def request_stop(self, stop: Stop) -> None:
        """SIGTERM now, SIGKILL after the stop timeout; a task that stops already is left alone."""
        with self._change:
            if self._process is None or self.state.desired_status == "STOPPED":
                return
            self.state = self.state.stopping(stop)
            self._killer = Timer(self.state.definition.stop_timeout_seconds, self._kill)
            self._killer.daemon = True
            self._killer.start()
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def join(self) -> None:
        """Wait until the task has stopped and its last event is out."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._process = self._spawn()
        except OSError as error:
            self._started.set()
            self._end(Stop("TaskFailedToStart", f"CannotStartContainerError: {error}"))
            return
        self._started.set()
        with self._process as process:
            self._begin()
            for line in process.stdout or ():
                self._tell(self._on_output, self.state.arn, line.rstrip("\n"))
            code = process.wait()
        self._exited(code if code >= 0 else 128 - code)  # a container reports signal 9 as 137

    def _play(self, ending: Stop) -> None:
        self._started.set()
        if ending.code != "TaskFailedToStart":
            self._begin()
        self._end(ending)

    def _spawn(self) -> subprocess.Popen[str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return subprocess.Popen(  # noqa: S603 -- the command is the task definition's
            leashed(self.state.definition.command, signal.SIGKILL),
            env={**inherited, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the owner, who then stops the task
        )

    def _begin(self) -> None:
        with self._change:
            self.state = self.state.running(self._now())
        self._tell(self._on_event, self.state.event(self._now()))

    def _exited(self, exit_code: int) -> None:
        stop = self.state.stop or Stop(
            "EssentialContainerExited", "Essential container in task exited"
        )
        self._end(replace(stop, exit_code=exit_code))

    def _end(self, stop: Stop) -> None:
        with self._change:
            self.state = self.state.stopped(stop, self._now())
            if self._killer is not None:
                self._killer.cancel()
        self._tell(self._on_event, self.state.event(self._now()))

    def _kill(self) -> None:
        """The whole group, as a container's end is the end of every process in it."""
        with self._change, suppress(ProcessLookupError):
            if self._process is not None and self.state.last_status != "STOPPED":
                os.killpg(self._process.pid, signal.SIGKILL)

    def _tell(self, listener: Callable[..., None], *what: Any) -> None:
        try:
            listener(*what)
        except Exception:  # the process goes on, whoever listens
            _logger.exception("a listener of %s failed", self.state.arn)
