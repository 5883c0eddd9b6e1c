"""Control a mixd instance: read and change its graph, follow its events, read its meters.

    import mixd

    with mixd.Client(instance="radio") as client:
        with client.transaction() as t:
            t.add("limiter", "limit", ceiling="-1dBTP")
            t.link("program", "limit", "out")
        print(client.get("limit.ceiling"), t.revision)
        for frame in client.meters("meter", rate_hz=10):
            print(frame.values["meter.s"])

`mixd.AsyncClient` has the same methods as coroutines. Errors are `mixd.MixdError` and its
subclasses, one per code of the protocol.
"""

from .aio import AsyncClient
from .client import Client
from .core import Transaction
from .errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    MixdError,
    NotFoundError,
    ResourceError,
    RolledBackError,
    TimedOutError,
    UnavailableError,
    UsageError,
)
from .streams import Frame, Notice

__all__ = [
    "AsyncClient",
    "Client",
    "ConflictError",
    "DeniedError",
    "Frame",
    "InvalidError",
    "MixdError",
    "NotFoundError",
    "Notice",
    "ResourceError",
    "RolledBackError",
    "TimedOutError",
    "Transaction",
    "UnavailableError",
    "UsageError",
]
