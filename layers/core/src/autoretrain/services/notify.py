"""Sends what the outbox holds, through every channel, at least once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autoretrain.domain.notifications import Notification
from autoretrain.ports import Channel, Outbox

BATCH = 10
"""What SNS and EventBridge take with one call."""
SECONDS_FOR_A_CALL = 12.0
NO_TIME = "no time was left"


@dataclass(frozen=True, slots=True)
class Told:
    """A notification that was tried; `refused` says why by channel, and is empty once every
    channel has taken it."""

    notification: Notification
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notifier:
    """No transaction is open while a channel is called: whoever claims a notification has a minute
    before anybody else may, and dying meanwhile only means that it is sent again."""

    outbox: Outbox
    channels: Sequence[Channel]

    def drain(self, seconds_left: Callable[[], float]) -> Iterator[Told]:
        """Send what is due, as long as there is time. What a channel does not take is tried again
        after 1, 2, 4, … at most 60 minutes, by that channel alone. Raises DependencyError."""
        while seconds_left() >= SECONDS_FOR_A_CALL and (batch := self.outbox.claim(BATCH)):
            refused = {
                channel.name: self._send(channel, batch, seconds_left) for channel in self.channels
            }
            for notification in batch:
                yield Told(
                    notification,
                    {
                        name: answers[notification.id]
                        for name, answers in refused.items()
                        if notification.id in answers
                    },
                )
        self.outbox.forget_old()

    def _send(
        self, channel: Channel, batch: Sequence[Notification], seconds_left: Callable[[], float]
    ) -> Mapping[int, str]:
        """Why not, for those that the channel has not taken."""
        untold = [one for one in batch if channel.name not in one.told]
        if not untold:
            return {}
        if seconds_left() < SECONDS_FOR_A_CALL:
            return {one.id: NO_TIME for one in untold}
        refused = channel.send(untold)
        taken = [one.id for one in untold if one.id not in refused]
        self.outbox.note_told(channel.name, taken, [known.name for known in self.channels])
        return refused
