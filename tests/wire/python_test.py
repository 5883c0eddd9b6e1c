#!/usr/bin/env python3
"""The Python binding against a real mixd without PipeWire, and against a fake one.

Environment: MIXD, MIXD_NODE_PATH, PYTHONPATH with the binding.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import mixd  # noqa: E402
import tap  # noqa: E402
from fake_server import FakeServer  # noqa: E402

from mixd.v1 import events_pb2  # noqa: E402

FOLDER = tempfile.mkdtemp(prefix="mixd-python-")
os.environ.update(XDG_RUNTIME_DIR=FOLDER, MIXD_INSTANCE="test")
for name in ("RUNTIME_DIRECTORY", "MIXD_ENDPOINT"):
    os.environ.pop(name, None)
DAEMON = []
SESSION = """mixd: 1
nodes:
  vox: {type: gain, gain: -6dB}
  limit: {type: limiter}
links:
  - vox -> limit
"""


def start():
    if not DAEMON:
        DAEMON.append(
            tap.start(
                [os.environ["MIXD"], "--no-pipewire", "--state-dir", FOLDER + "/state",
                 "--instance", "test"],
            )
        )
    deadline = time.monotonic() + 10
    while True:
        try:
            client = mixd.Client(by="python_test")
            break
        except mixd.UnavailableError:
            assert time.monotonic() < deadline, "no daemon"
            time.sleep(0.02)
    client.apply(SESSION)
    return client


def raises(cls, function, *args, **more):
    try:
        function(*args, **more)
    except cls as error:
        return error
    raise AssertionError(f"no {cls.__name__}")


def fake():
    return FakeServer(os.path.join(FOLDER, "mixd", "fake"))


def test_finding():
    error = raises(mixd.UnavailableError, mixd.Client, "nobody")
    assert f"{FOLDER}/mixd/nobody/control" in str(error) and error.code == 3
    error = raises(mixd.DeniedError, mixd.Client, endpoint="tcp://studio:5555")
    assert "TCP comes with keys" in error.hint
    find = mixd.core.find_endpoint
    assert find(endpoint="/a/b") == find(endpoint="ipc:///a/b/control") == "ipc:///a/b/control"
    os.environ["RUNTIME_DIRECTORY"] = "/run/mixd"
    assert find("x") == "ipc:///run/mixd/x/control"
    os.environ["RUNTIME_DIRECTORY"] = "/run/other:/run/more"
    assert find("x") == "ipc:///run/other/mixd/x/control"
    os.environ["MIXD_ENDPOINT"] = "/elsewhere"
    assert find() == "ipc:///elsewhere/control" and "other" in find("x")
    del os.environ["MIXD_ENDPOINT"], os.environ["RUNTIME_DIRECTORY"]


def test_errors_are_typed():
    rows = [(2, mixd.UsageError), (3, mixd.UnavailableError), (4, mixd.NotFoundError),
            (5, mixd.InvalidError), (6, mixd.ConflictError), (7, mixd.DeniedError),
            (8, mixd.ResourceError), (9, mixd.RolledBackError), (124, mixd.TimedOutError)]
    with fake() as server, mixd.Client("fake") as client:
        for code, cls in rows:
            server.status = (code, "limit.celing", "no such param", "did you mean limit.ceiling?")
            error = raises(cls, client.set, "limit.celing", -1)
            assert (error.code, error.address, error.text) == (code, "limit.celing", "no such param")
            assert str(error) == "limit.celing: no such param; did you mean limit.ceiling?"
        assert issubclass(mixd.TimedOutError, TimeoutError)


def test_resends_only_what_may_be_repeated():
    with fake() as server, mixd.Client("fake", timeout=2) as client:
        server.mute = 1
        client.set("limit.ceiling", "-1dBTP")
        ids = [request.req_id for request in server.requests]
        assert len(ids) == 2 and ids[0] == ids[1], "sent again with its id"
        server.requests.clear()
        server.mute = 1
        error = raises(mixd.TimedOutError, client.set, "limit.ceiling", "+=1dB", timeout=0.7)
        assert "unknown" in error.hint and len(server.requests) == 1


def test_questions():
    with start() as client:
        assert client.status().nodes == 2 and client.hello().protocol == 1
        assert [node.name for node in client.nodes()] == ["limit", "vox"]
        assert [port.address for port in client.ports("vox")] == ["vox:in", "vox:out"]
        assert [(getattr(l, "from"), l.to) for l in client.links()] == [("vox:out", "limit:in")]
        assert "limiter" in [t.id for t in client.types()]
        assert client.get("vox.gain") == -6 and client.get("vox.mute") is False
        assert client.get("*.mute") == {"vox.mute": False, "limit.mute": False}
        assert client.readings("vox.gain")[0].text == "-6dB"
        assert client.snapshot().graph.nodes[0].name == "limit"
        assert "limiter" in client.export() and not client.diff(client.export()).ops
        assert client.history(limit=1)[0].by == "python_test"
        raises(mixd.NotFoundError, client.get, "nobody.gain")


def test_transactions():
    with start() as client:
        with client.transaction() as t:
            t.add("eq", "vox/eq", {"band1.type": "highpass"}, after="vox", band1__freq="80Hz")
            t.set({"vox.gain": -3, "limit.ceiling": "-2dBTP"}).mute("vox")
        assert t.revision == client.revision() == t.reply.revision
        assert client.get("vox/eq.band1.freq") == 80 and client.get("vox.mute") is True
        revision = client.revision()
        try:
            with client.transaction() as t:
                t.set("vox.gain", 0)
                raise RuntimeError("changed my mind")
        except RuntimeError:
            pass
        assert client.revision() == revision and t.reply is None
        error = raises(
            mixd.NotFoundError, client.set, {"vox.gain": -9, "vox.gian": -9}
        )
        assert error.op_index == 1 and client.get("vox.gain") == -3
        raises(mixd.ConflictError, client.set, "vox.gain", 0, if_revision=revision - 1)
        client.set("vox.gain", "+=1dB", if_revision=revision, wait="persisted")
        assert client.get("vox.gain") == -2
        dry = client.remove("vox/eq", heal=True, dry_run=True)
        assert dry.transaction.changes and len(client.nodes()) == 3
        client.remove("vox/eq", heal=True)
        client.rename("limit", "master")
        client.unlink("vox", "master")
        client.link("vox", "master", gain_db=-3)
        assert client.links()[0].gain_db == -3
        client.bypass("master")
        client.set("master.bypass", "toggle")
        assert client.get("master.bypass") is False
        client.automate("vox.gain", [(0, -60), (3000, 0)], curve="log")
        assert client.snapshot().graph.envelopes[0].address == "vox.gain"
        client.automate("vox.gain", clear=True)
        before = client.revision()
        client.undo()
        client.rollback(before)
        client.barrier(wait="settled")
        raises(mixd.UsageError, client.set, "vox.gain", 0, wait="soon")


def test_events_of_a_real_daemon():
    with start() as client, start() as other:
        events = client.events(timeout=3)
        other.set("vox.gain", -1)
        other.add("gain", "more")
        first, second = next(events), next(events)
        assert first.changes[0].param.address == "vox.gain" and first.by == "python_test"
        assert second.changes[0].node_added.name == "more" and second.seq == first.seq + 1
        events.close()
        assert list(client.events(timeout=0.1)) == []


def change(value):
    message = events_pb2.Change()
    message.param.address, message.param.value.number = "a.gain", value
    return message


def test_gaps_are_healed_or_named():
    with fake() as server, mixd.Client("fake") as client:
        events = client.events(timeout=5)
        server.skip = 2
        server.publish += [change(1), change(2), change(3)]
        values = [next(events).changes[0].param.value.number for _ in range(3)]
        assert values == [1, 2, 3]
        server.skip = 1
        server.publish += [change(4), None]  # the heartbeat shows that 4 was lost
        event = next(events)
        assert event.changes[0].param.value.number == 4
        server.forget, server.skip = True, 2
        server.publish += [change(5), change(6), change(7)]
        assert next(events) == mixd.Notice("lost", 2)
        assert next(events).changes[0].param.value.number == 7
        server.restart()
        stop = threading.Event()

        def publish():
            while not stop.wait(0.05):
                server.publish.append(change(8))

        thread = threading.Thread(target=publish)
        thread.start()
        try:
            assert next(events) == mixd.Notice("restarted", 0)
            assert next(events).changes[0].param.value.number == 8
        finally:
            stop.set()
            thread.join()


def test_meters():
    with fake() as server, mixd.Client("fake") as client:
        frames = client.meters("meter", timeout=5)
        got = [next(frames) for _ in range(15)]
        assert got[0].values == {"meter.s": -23.0, "meter.tp": float("-inf")}, got[0]
        assert got[0].units == {"meter.s": "LUFS", "meter.tp": "dBTP"}
        assert sum(frame.lost for frame in got) >= 1
        frames.close()
        assert not server.leases
    with start() as client:
        frame = next(client.meters("vox", rate_hz=50, timeout=5))
        assert "vox.peak1" in frame.values or "vox.peak" in frame.values, frame
        raises(mixd.NotFoundError, client.meters, "nobody")


def test_wait_for():
    with start() as client, start() as other:
        timer = threading.Timer(0.2, other.set, ("vox.gain", -20))
        timer.start()
        assert client.wait_for(("vox.gain", lambda v: v < -10), timeout=5)
        timer.join()
        raises(mixd.TimedOutError, client.wait_for, lambda c: c.get("vox.gain") > 0, timeout=0.1)


def test_asyncio():
    start().close()

    async def main():
        async with mixd.AsyncClient(by="aio") as client:
            many = await asyncio.gather(*[client.get("vox.gain") for _ in range(20)])
            assert many == [-6] * 20
            async with client.transaction() as t:
                t.set("vox.gain", -3).add("gain", "more")
            assert t.revision == await client.revision()
            try:
                await client.set("vox.gian", 1)
                raise AssertionError("no error")
            except mixd.NotFoundError as error:
                assert "vox.gian" in error.address
            seen = []

            async def follow():
                async for event in client.events(timeout=2):
                    seen.append(event)
                    return

            task = asyncio.create_task(follow())
            for i in range(100):
                await client.set("vox.gain", -1 - i % 2)
                await asyncio.sleep(0.05)
                if task.done():
                    break
            await client.set("vox.gain", -1)
            assert seen[0].changes[0].param.address == "vox.gain" and seen[0].by == "aio"
            async for frame in client.meters("vox", rate_hz=50, timeout=5):
                assert frame.values
                break
            await client.wait_for(("vox.gain", lambda v: v == -1), timeout=5)
            assert (await client.status()).nodes == 3

    asyncio.run(main())


def stop():
    while DAEMON:
        daemon = DAEMON.pop()
        daemon.terminate()
        assert daemon.wait(10) == 0


def done():
    stop()
    shutil.rmtree(FOLDER, ignore_errors=True)


def test_zz_daemon_ends_cleanly():
    stop()


if __name__ == "__main__":
    tap.run(globals(), done)
