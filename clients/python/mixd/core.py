"""What the blocking and the asyncio client share: everything that does no input or output.

Requests are built here and replies are read here; a client only carries bytes. The methods of
`Api` hand a request and a function for its reply to `self._call`, which returns the result
(Client) or something to await (AsyncClient).
"""

import os
import secrets
import socket

from .errors import DeniedError, TimedOutError, UnavailableError, UsageError, from_status

try:
    from .v1 import control_pb2
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "mixd's schema is not compiled: put <build>/clients/python on PYTHONPATH, or "
        "pip install clients/python"
    ) from error

PROTOCOL = 1
TIMEOUT_S = 2.0
GRACE_S = 0.5  # the daemon's own timeout comes first, and says more
RESEND_S = 0.5
WAITS = {
    "applied": control_pb2.WAIT_APPLIED,
    "accepted": control_pb2.WAIT_ACCEPTED,
    "settled": control_pb2.WAIT_SETTLED,
    "persisted": control_pb2.WAIT_PERSISTED,
}


# ---- finding the daemon ---------------------------------------------------------------------------


def _folders(instance):
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    bases = [runtime, os.environ.get("XDG_RUNTIME_DIR", ""), "/run"]
    bases = [base.rstrip("/") for base in bases if base]
    # systemd's RuntimeDirectory=mixd is ours already.
    bases = [base if base.endswith("/mixd") else base + "/mixd" for base in bases]
    return [os.path.join(base, instance) for base in bases]


def find_endpoint(instance=None, endpoint=None):
    """The control endpoint "ipc:///folder/control", by the rules of mixd_client.h."""
    if not endpoint and not instance:
        endpoint = os.environ.get("MIXD_ENDPOINT")
    if not endpoint:
        instance = instance or os.environ.get("MIXD_INSTANCE") or "default"
        folders = _folders(instance)
        found = [f for f in folders if os.path.exists(os.path.join(f, "control"))]
        endpoint = (found or folders)[0]
    if "://" in endpoint and not endpoint.startswith("ipc://"):
        raise DeniedError(
            "only ipc is served",
            address=endpoint,
            hint="TCP comes with keys, which this version does not have",
        )
    path = endpoint[len("ipc://") :] if endpoint.startswith("ipc://") else endpoint
    path = path.rstrip("/")
    if os.path.basename(path) != "control":
        path = os.path.join(path, "control")
    return "ipc://" + path


def check_reachable(endpoint):
    """libzmq waits in silence for a daemon that is not there; ask the socket itself first."""
    path = endpoint[len("ipc://") :]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except PermissionError as error:
            raise DeniedError(f"{path}: not for this user") from error
        except OSError as error:
            raise UnavailableError(
                f"no mixd at {path} ({error.strerror})",
                hint="start one: `systemctl --user start mixd`, or `mixd`",
            ) from error


# ---- messages -------------------------------------------------------------------------------------


def fill_value(message, value):
    """Python's value into mixd.v1.Value: bool, number, or a text with its unit."""
    if isinstance(value, bool):
        message.flag = value
    elif isinstance(value, (int, float)):
        message.number = value
    else:
        message.text = str(value)


def read_value(message):
    kind = message.WhichOneof("kind")
    return getattr(message, kind) if kind else None


def names(settings):
    """Python words cannot hold dots: band1__freq stands for band1.freq."""
    return {name.replace("__", "."): value for name, value in settings.items()}


class Operations:
    """Collects operations of one transaction. Methods return self."""

    def __init__(self):
        self.ops = []

    def _op(self):
        op = control_pb2.Op()
        self.ops.append(op)
        return op

    def add(self, type, name, settings=None, *, after="", **more):  # pylint: disable=redefined-builtin
        message = self._op().add
        message.type, message.name, message.after = type, name, after
        for key, value in {**(settings or {}), **names(more)}.items():
            fill_value(message.settings.add(id=key).value, value)
        return self

    def remove(self, *nodes, heal=False):
        for name in nodes:
            message = self._op().remove
            message.name, message.heal = name, heal
        return self

    def rename(self, name, to):
        message = self._op().rename
        message.name, message.to = name, to
        return self

    def set(self, *args, over_ms=0.0, curve="", relative=False):
        """set("limit.ceiling", "-1dBTP") or set({"a.gain": -6, "b.mute": True}). The texts
        "+=1.5dB" and "toggle" do what they say."""
        values = args[0] if len(args) == 1 else {args[0]: args[1]}
        for address, value in values.items():
            message = self._op().set
            message.address, message.over_ms, message.curve = address, over_ms, curve
            message.relative = relative or (
                isinstance(value, str) and value.startswith(("+=", "-="))
            )
            if value == "toggle":
                message.toggle = True
            else:
                fill_value(message.value, value)
        return self

    def link(self, *ports, gain_db=None, settings=None):
        """Link each to the next. settings: {"pan": "L30", "mute": True, "tap": "pre"}."""
        for source, target in zip(ports, ports[1:]):
            op = self._op().link
            setattr(op, "from", source)
            op.to = target
            if gain_db is not None:
                op.gain_db, op.set_gain = gain_db, True
            for name, value in (settings or {}).items():
                setting = op.settings.add(id=name)
                fill_value(setting.value, value)
        return self

    def preset(self, node, preset, *, merge=False):
        """Set node as a preset of its type says, and the rest to defaults unless merge."""
        op = self._op().preset
        op.node, op.preset, op.merge = node, preset, merge
        return self

    def unlink(self, source, target):
        op = self._op().unlink
        setattr(op, "from", source)
        op.to = target
        return self

    def bypass(self, node, state=True):
        return self.set(f"{node}.bypass", state)

    def mute(self, node, state=True):
        return self.set(f"{node}.mute", state)

    def automate(self, address, points=(), *, curve="", clear=False, timeline=False):
        """points: (ms, value) pairs, values in the param's own unit. With timeline they stand on the
        time line of the transport, and stay."""
        message = self._op().automate
        message.address, message.curve, message.clear = address, curve, clear
        message.timeline = timeline
        for at_ms, value in points:
            message.points.add(at_ms=at_ms, value=value)
        return self

    def marker(self, name, at):
        """A place of the time line: seconds, or a text ("1:23.5", "48000fr", another marker, "+=1s")."""
        message = self._op().marker
        message.name = name
        fill_value(message.at, at)
        return self

    def remove_marker(self, *names):
        for name in names:
            message = self._op().marker
            message.name, message.remove = name, True
        return self

    def edit(self, player, edit, *args, **options):
        """An edit of the clips of a player (or track): edit("vox", "cut", "12.5s"),
        edit("vox", "delete", "1:02", "1:04", ripple=True), edit("vox", "gain", 1, "-3dB")."""
        message = self._op().edit
        message.player, message.edit = player, edit
        message.args.extend(str(arg) for arg in args)
        for name, value in options.items():
            if value is not False and value is not None:
                option = message.options.add(id=name)
                fill_value(option.value, "on" if value is True else str(value))
        return self

    def apply(self, text, *, format="", merge=False, folder=""):  # pylint: disable=redefined-builtin
        """folder: where relative names of clips' files begin; without it they stay as they are."""
        message = self._op().apply
        message.text, message.format, message.merge = text, format, merge
        message.folder = folder
        return self


def place(position):
    """A place of the time line as a text: numbers are seconds."""
    return position if isinstance(position, str) else f"{float(position):.9f}s"


def repeatable(request):
    """May a daemon that does not remember the request do it a second time?"""
    kind = request.WhichOneof("op")
    if request.dry_run or (kind not in ("transaction", "undo") and not request.if_revision):
        return True
    # Done the first time, a conditional change would come back as a conflict.
    return kind == "transaction" and not request.if_revision and all(
        op.WhichOneof("op") == "set" and not op.set.relative and not op.set.toggle
        for op in request.transaction.ops
    )


def fill_write(request, wait=None, if_revision=0, dry_run=False, at_unix_ms=0):
    if wait is not None and wait not in WAITS:
        raise UsageError(f'"{wait}" is no wait level', hint="one of " + ", ".join(WAITS))
    request.wait = WAITS[wait or "applied"]
    request.if_revision = if_revision
    request.dry_run = dry_run
    request.at_unix_ms = at_unix_ms


class Api:
    """Every question and every change, as methods. `timeout` is in seconds."""

    def _call(self, request, read, timeout=None):
        raise NotImplementedError

    def _ask(self, op, read=None, timeout=None, **fields):
        request = control_pb2.Request()
        message = getattr(request, op)
        message.SetInParent()
        for name, value in fields.items():
            if isinstance(value, (list, tuple)):
                getattr(message, name).extend(value)
            else:
                setattr(message, name, value)
        return self._call(request, read or (lambda reply: getattr(reply, op)), timeout)

    # questions

    def hello(self):
        return self._ask("hello")

    def status(self):
        return self._ask("get_status")

    def revision(self):
        return self._ask("hello", lambda reply: reply.revision)

    def types(self, pattern=""):
        return self._ask("get_types", lambda r: list(r.get_types.types), pattern=pattern)

    def nodes(self, pattern=""):
        return self._ask("get_nodes", lambda r: list(r.get_nodes.nodes), pattern=pattern)

    def ports(self, pattern=""):
        return self._ask("get_ports", lambda r: list(r.get_ports.ports), pattern=pattern)

    def links(self, pattern=""):
        return self._ask("get_links", lambda r: list(r.get_links.links), pattern=pattern)

    def readings(self, *patterns):
        """mixd.v1.Reading of all params, configs and meters that match."""
        return self._ask("get", lambda r: list(r.get.readings), patterns=list(patterns))

    def get(self, address):
        """The value of one address; a dictionary when it is a pattern."""

        def read(reply):
            values = {r.address: read_value(r.value) for r in reply.get.readings}
            return values[address] if address in values else values

        return self._ask("get", read, patterns=[address])

    def snapshot(self):
        return self._ask("snapshot")

    def export(self, format="yaml"):  # pylint: disable=redefined-builtin
        return self._ask("export", lambda reply: reply.export.text, format=format)

    def diff(self, text, *, format="", merge=False):  # pylint: disable=redefined-builtin
        """DiffReply: .ops and .text, both empty when there is no difference."""
        request = control_pb2.Request()
        apply = request.diff.apply
        apply.text, apply.format, apply.merge = text, format, merge
        return self._call(request, lambda reply: reply.diff)

    def history(self, limit=0, from_revision=0):
        return self._ask(
            "history",
            lambda reply: list(reply.history.commits),
            limit=limit,
            from_revision=from_revision,
        )

    def events_from(self, from_seq):
        return self._ask("events_from", lambda r: list(r.events_from.events), from_seq=from_seq)

    def response(self, node, freq_hz, channel=0):
        """Magnitude response in dB at each frequency."""
        return self._ask(
            "get_response",
            lambda reply: list(reply.get_response.db),
            name=node,
            channel=channel,
            freq_hz=list(freq_hz),
        )

    def presets(self, of="", name=""):
        """Presets of a type (or of a node's); name may be a pattern."""
        return self._ask("get_presets", lambda r: list(r.get_presets.presets), of=of, name=name)

    def save_preset(self, node, name, doc=""):
        """What the node is set to becomes a preset of its type."""
        return self._ask("save_preset", lambda r: r.save_preset.preset, node=node, name=name, doc=doc)

    def remove_preset(self, type, name):  # pylint: disable=redefined-builtin
        return self._ask("save_preset", lambda r: None, node=type, name=name, remove=True)

    def apply_preset(self, node, preset, *, merge=False, **write):
        return self.commit(Operations().preset(node, preset, merge=merge), **write)

    def solo(self, *strips, mode="sip", only=False, for_ms=0, wait=None):
        """Solo strips: mode "sip", "pfl", "afl", or "off" to take it away (of all, without strips).
        Returns what is soloed now; without strips and with mode="" it only asks."""
        request = control_pb2.Request()
        solo = request.solo
        solo.patterns.extend(strips)
        solo.mode, solo.only, solo.for_ms = mode, only, for_ms
        fill_write(request, wait)
        return self._call(request, lambda reply: list(reply.solo.soloed))

    # the time line: for the moment, in no revision; each returns mixd.v1.TransportState

    def transport(self):
        return self._ask("transport", lambda reply: reply.transport.transport)

    def _transport(self, op, position="", end=""):
        request = control_pb2.Request()
        transport = request.transport
        transport.op, transport.position, transport.end = op, place(position), place(end)
        return self._call(request, lambda reply: reply.transport.transport)

    def play(self, position=""):
        """Roll, from where it stands or from a place: seconds, or a text ("1:23.5", a marker, "+=5s")."""
        return self._transport("play", position)

    def stop(self):
        return self._transport("stop")

    def locate(self, position):
        return self._transport("locate", position)

    def loop(self, start, end):
        return self._transport("loop", start, end)

    def unloop(self):
        return self._transport("unloop")

    def markers(self):
        """{name: seconds}, in order of time."""
        return self._ask(
            "snapshot", lambda r: {m.name: m.at_s for m in r.snapshot.graph.markers}
        )

    def clips(self, player):
        """mixd.v1.Clip of all clips of a player, or of the track it belongs to."""
        return self._ask("get_clips", lambda r: list(r.get_clips.clips), player=player)

    def barrier(self, token="", *, wait=None, timeout=None):
        """Wait until what was sent before is applied (or settled, persisted)."""
        request = control_pb2.Request()
        request.barrier.token = token or secrets.token_hex(8)
        fill_write(request, wait)
        return self._call(request, lambda reply: reply.barrier.token, timeout)

    # changes: each returns the Reply (.revision, .applied_at, .transaction.changes)

    def commit(self, operations, *, timeout=None, **write):
        """write: wait="accepted|applied|settled|persisted", if_revision, dry_run, at_unix_ms."""
        request = control_pb2.Request()
        request.transaction.ops.extend(operations.ops)
        fill_write(request, **write)
        return self._call(request, lambda reply: reply, timeout)

    def transaction(self, **write):
        """with client.transaction() as t: t.add(...); t.link(...): committed at the end, as one;
        not at all when the block raises."""
        return Transaction(self, write)

    def set(self, *args, over_ms=0.0, curve="", relative=False, **write):
        ops = Operations().set(*args, over_ms=over_ms, curve=curve, relative=relative)
        return self.commit(ops, **write)

    def add(self, type, name, settings=None, *, after="", write=None, **more):  # pylint: disable=redefined-builtin
        ops = Operations().add(type, name, settings, after=after, **more)
        return self.commit(ops, **(write or {}))

    def remove(self, *nodes, heal=False, **write):
        return self.commit(Operations().remove(*nodes, heal=heal), **write)

    def rename(self, name, to, **write):
        return self.commit(Operations().rename(name, to), **write)

    def link(self, *ports, gain_db=None, settings=None, **write):
        ops = Operations().link(*ports, gain_db=gain_db, settings=settings)
        return self.commit(ops, **write)

    def unlink(self, source, target, **write):
        return self.commit(Operations().unlink(source, target), **write)

    def bypass(self, node, state=True, **write):
        return self.commit(Operations().bypass(node, state), **write)

    def mute(self, node, state=True, **write):
        return self.commit(Operations().mute(node, state), **write)

    def automate(self, address, points=(), *, curve="", clear=False, timeline=False, **write):
        ops = Operations().automate(address, points, curve=curve, clear=clear, timeline=timeline)
        return self.commit(ops, **write)

    def marker(self, name, at, **write):
        return self.commit(Operations().marker(name, at), **write)

    def remove_marker(self, *names, **write):
        return self.commit(Operations().remove_marker(*names), **write)

    def edit(self, player, edit, *args, write=None, **options):
        return self.commit(Operations().edit(player, edit, *args, **options), **(write or {}))

    def apply(self, text, *, format="", merge=False, folder="", **write):  # pylint: disable=redefined-builtin
        ops = Operations().apply(text, format=format, merge=merge, folder=folder)
        return self.commit(ops, **write)

    def undo(self, count=1, *, timeout=None, **write):
        request = control_pb2.Request()
        request.undo.count = count
        fill_write(request, **write)
        return self._call(request, lambda reply: reply, timeout)

    def rollback(self, to_revision, *, timeout=None, **write):
        request = control_pb2.Request()
        request.rollback.to_revision = to_revision
        fill_write(request, **write)
        return self._call(request, lambda reply: reply, timeout)


class Transaction(Operations):
    """A block of operations; .reply and .revision after it was committed."""

    def __init__(self, client, write):
        super().__init__()
        self._client = client
        self._write = write
        self.reply = None

    @property
    def revision(self):
        return self.reply.revision if self.reply else None

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error is None and self.ops:
            self.reply = self._client.commit(self, **self._write)

    async def __aenter__(self):
        return self

    async def __aexit__(self, error, *_):
        if error is None and self.ops:
            self.reply = await self._client.commit(self, **self._write)


# ---- one request on the wire ----------------------------------------------------------------------


class Exchange:
    """Ids, timeouts and resends of requests: a client asks it what to send and what came."""

    def __init__(self, by, timeout):
        self.session = secrets.token_bytes(16)
        self.by = by
        self.timeout = timeout
        self.req_id = 0

    def begin(self, request, timeout):
        """(bytes to send, seconds to wait for the reply, seconds between resends or None)"""
        timeout = timeout or self.timeout
        self.req_id += 1
        request.session = self.session
        request.req_id = self.req_id
        request.by = self.by
        request.timeout_ms = int(timeout * 1000)
        body = bytes([PROTOCOL]) + request.SerializeToString()
        # Resending is harmless while the daemon lives (it answers from memory); one that was
        # restarted meanwhile must not do a thing twice.
        return body, timeout + GRACE_S, RESEND_S if repeatable(request) else None

    @staticmethod
    def take(request, body):
        """The reply in BODY when it answers REQUEST, else None. Raises what its status says."""
        if not body or body[0] != PROTOCOL:
            return None
        reply = control_pb2.Reply.FromString(body[1:])
        if reply.req_id not in (request.req_id, 0):
            return None
        if reply.status.code != control_pb2.CODE_OK:
            raise from_status(reply.status)
        return reply

    @staticmethod
    def timed_out(request, endpoint):
        hint = "" if repeatable(request) else "whether it was done is unknown: see history()"
        return TimedOutError(f"no reply from {endpoint} in {request.timeout_ms} ms", hint=hint)
