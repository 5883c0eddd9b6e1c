"""Events and meters as they come: order, gaps, leases. No input or output here either; see core.py."""

import dataclasses

from .core import PROTOCOL
from .v1 import control_pb2, events_pb2

LEASE_RENEW_S = 3.0


@dataclasses.dataclass
class Notice:
    """In a stream, what is no event: "lost" (`lost` events cannot be had any more) or "restarted"
    (another start of the daemon answers). After both: take a snapshot."""

    state: str
    lost: int = 0


@dataclasses.dataclass
class Frame:
    """One frame of meters. `lost` frames were dropped before it."""

    values: dict
    units: dict
    seq: int
    lost: int
    position: int
    unix_ms: int


class EventTracker:
    """Puts the event stream in order: each number once, gaps named."""

    def __init__(self):
        self.epoch = None
        self.next_seq = None

    def begin(self, event):
        self.epoch, self.next_seq = event.epoch, event.seq + 1

    def feed(self, event):
        """(what to hand out, first missing number or None). When something is missing, ask for
        EventsFrom and call fill()."""
        heartbeat = not event.changes and not event.by
        if event.epoch != self.epoch:
            self.begin(event)
            return [Notice("restarted")] + ([] if heartbeat else [event]), None
        if event.seq < self.next_seq:
            return [], None
        if event.seq == self.next_seq and not heartbeat:
            self.next_seq += 1
            return [event], None
        return [], self.next_seq

    def fill(self, event, missing):
        """After a gap: EVENT is what showed it, MISSING what the daemon still had (or None)."""
        heartbeat = not event.changes and not event.by
        end = event.seq + 1 if heartbeat else event.seq
        ready = []
        for late in missing or []:
            if late.seq == self.next_seq and late.seq < end:
                ready.append(late)
                self.next_seq += 1
        if self.next_seq < end:
            ready.append(Notice("lost", end - self.next_seq))
            self.next_seq = end
        if not heartbeat:
            ready.append(event)
            self.next_seq = event.seq + 1
        return ready


def read_event(frames):
    """An Event from a message of the events endpoint, or None."""
    if len(frames) != 2 or frames[0] != b"e" or frames[1][:1] != bytes([PROTOCOL]):
        return None
    return events_pb2.Event.FromString(frames[1][1:])


class Lease:
    """Columns of one meter lease, and the count of what was lost."""

    def __init__(self, patterns, rate_hz):
        self.patterns = list(patterns) or ["*"]
        self.rate_hz = rate_hz
        self.columns = None
        self.next_seq = None

    def request(self, cancel=False):
        request = control_pb2.Request()
        request.meter_lease.patterns.extend(self.patterns)
        request.meter_lease.rate_hz = self.rate_hz
        request.meter_lease.cancel = cancel
        return request

    def grant(self, columns):
        """True when the topic is another one than before."""
        changed = self.columns is None or self.columns.topic != columns.topic
        self.columns = columns
        if changed:
            self.next_seq = None
        return changed

    def read(self, frames):
        """A Frame, or None when the message is not of this lease."""
        if len(frames) != 2 or frames[0] != self.columns.topic.encode():
            return None
        meters = events_pb2.Meters.FromString(frames[1][1:])
        lost = max(meters.seq - self.next_seq, 0) if self.next_seq else 0
        self.next_seq = meters.seq + 1
        return Frame(
            values=dict(zip(self.columns.addresses, meters.values)),
            units=dict(zip(self.columns.addresses, self.columns.units)),
            seq=meters.seq,
            lost=lost,
            position=meters.position,
            unix_ms=meters.unix_ms,
        )
