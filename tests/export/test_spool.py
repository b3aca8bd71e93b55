"""Durable export: an outage of any kind costs nothing, what is kept survives the process, and the account adds up all the time."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from otlp_server import attributes
from scripts import finish, run, start

from langswarm_otel import configure_observability
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.spool import Spool
from langswarm_otel.export.spool_file import known_file, read_file

PROGRAM = """
    import sys, time
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name=sys.argv[4], endpoint=sys.argv[1], spool_directory=sys.argv[2],
                                  schedule_delay_s=0.2, log_output="none", pipeline_metrics=False)
    for number in range(int(sys.argv[3])):
        obs.log.info("line", number=number)
    time.sleep(1.0)
    rows = {row.signal: row for row in obs.health().exporters}
    print("spooled", rows["logs"].spooled, rows["logs"].recovered, flush=True)
    sys.stdin.read()
    print("end", time.time(), flush=True)
"""


@contextmanager
def spooling(server, directory, **settings):
    """A handle that spools, and is shut down in the end."""
    given = {"schedule_delay_s": 0.2, "log_output": "none", "export_interval_s": None, "timeout_s": 2.0, **settings}
    obs = configure_observability("production", endpoint=server.endpoint, spool_directory=str(directory), **given)
    try:
        yield obs
    finally:
        obs.shutdown(1.0)


def log(obs, *numbers):
    for number in numbers:
        obs.log.info("line", number=number)


def numbers(server):
    """The numbers of the accepted log records, in their order."""
    return [attributes(record.attributes)["number"] for record in server.log_records]


def row(obs, signal="logs"):
    return next(row for row in obs.health().exporters if row.signal == signal)


def files(directory):
    return sorted(path for path in Path(directory).rglob("*.otlp"))


def wait_until(condition, timeout_s=15.0):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


OUTAGES = {
    "refused": lambda server: server.refuse(),
    "hanging": lambda server: server.hang(),
    "busy": lambda server: server.answer(503),
    "too many": lambda server: server.answer(429),
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_of_any_kind_loses_nothing_and_keeps_the_order(otlp_server, tmp_path, outage):
    """What is made before, in and after an outage arrives in its order; in the outage it is on disk, readable by nobody else."""
    with spooling(otlp_server, tmp_path) as obs:
        log(obs, *range(20))
        assert obs.flush(5.0)
        OUTAGES[outage](otlp_server)
        for first in (20, 40, 60):
            log(obs, *range(first, first + 20))
            assert wait_until(lambda first=first: row(obs).spooled >= first)
        assert {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)} == {0o600}
        assert (row(obs).queued, row(obs).dropped) == (0, {})
        otlp_server.healthy()
        log(obs, *range(80, 100))
        assert otlp_server.wait_until(lambda server: set(numbers(server)) >= set(range(100)), 20.0)
        seen = list(dict.fromkeys(numbers(otlp_server)))  # a request that hung may have been taken, and comes again
        assert seen == list(range(100))
        assert wait_until(lambda: not files(tmp_path))
        assert wait_until(lambda: (row(obs).exported, row(obs).spooled, row(obs).state) == (100, 0, "ok"))


def test_nothing_is_written_while_all_is_well(otlp_server, tmp_path):
    """With a healthy endpoint the disk is not touched."""
    with spooling(otlp_server, tmp_path, schedule_delay_s=5.0) as obs:
        for first in range(5):
            log(obs, first)
            assert obs.flush(5.0)
        assert list(tmp_path.iterdir()) == []
    assert numbers(otlp_server) == list(range(5))


def test_a_killed_process_is_followed_by_the_next_one(otlp_server, tmp_path):
    """After SIGKILL in an outage another process on the directory sends what is there, in order, and says how much it was."""
    otlp_server.answer(503)
    process = start(PROGRAM, otlp_server.endpoint, str(tmp_path), "50", "first")
    assert process.stdout.readline().split() == ["spooled", "50", "0"]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    otlp_server.healthy()
    ended = run(PROGRAM, otlp_server.endpoint, str(tmp_path), "0", "second")
    assert ended.stdout.split()[:3] == ["spooled", "0", "50"]
    assert numbers(otlp_server) == list(range(50))
    assert {one["service.name"] for one in otlp_server.resources} == {"first"}
    assert files(tmp_path) == []


def test_processes_share_a_directory(otlp_server, tmp_path):
    """Each keeps its own; what two killed ones left is sent once by a third, and what a living one has is left to it."""
    otlp_server.answer(503)
    processes = [start(PROGRAM, otlp_server.endpoint, str(tmp_path), "10", name) for name in ("a", "b", "alive")]
    for process in processes:
        assert process.stdout.readline().split() == ["spooled", "10", "0"]
    for process in processes[:2]:
        process.kill()
        process.communicate()
    os.kill(processes[2].pid, signal.SIGSTOP)  # it lives, and sends nothing
    try:
        otlp_server.healthy()
        run(PROGRAM, otlp_server.endpoint, str(tmp_path), "0", "third")
        assert sorted(numbers(otlp_server)) == sorted([*range(10), *range(10)])
        assert len(files(tmp_path)) == 1
    finally:
        os.kill(processes[2].pid, signal.SIGCONT)
        finish(processes[2])
    assert otlp_server.wait_for(log_records=30)


def test_what_cannot_be_read_is_set_aside(otlp_server, tmp_path):
    """A torn file, one of somebody else, a pipe, a folder and a link cost what they hold; everything else is sent."""
    otlp_server.answer(503)
    process = start(PROGRAM, otlp_server.endpoint, str(tmp_path), "30", "first")
    process.stdout.readline()
    process.kill()
    process.communicate()
    whole = files(tmp_path)[0]
    folder = whole.parent
    (folder / "00000000000000000001-7.otlp").write_bytes(whole.read_bytes()[:-1])
    (folder / "00000000000000000002-7.otlp").write_bytes(b"mine\n" * 100)
    os.mkfifo(folder / "00000000000000000003-7.otlp")
    (folder / "00000000000000000004-7.otlp").mkdir()
    (folder / "00000000000000000005-7.otlp").symlink_to("/etc/passwd")
    (folder / "notes.txt").write_text("mine")
    otlp_server.healthy()
    with spooling(otlp_server, tmp_path) as obs:
        assert otlp_server.wait_for(log_records=30)
        assert wait_until(lambda: row(obs).spooled == 0)
        assert row(obs).dropped == {"spool_damaged": 35}
        assert (row(obs).recovered, row(obs).exported, row(obs).made) == (65, 30, 0)
    aside = sorted(path.name.split("-", 1)[1] for path in folder.parent.joinpath("aside").iterdir())
    assert aside == [*(f"0000000000000000000{number}-7.otlp" for number in range(1, 6)), "notes.txt"]
    assert Path("/etc/passwd").exists()


def test_the_bound_holds_and_the_oldest_goes(otlp_server, tmp_path):
    """Beyond the bound the oldest batches are thrown out, counted; the newest arrive."""
    otlp_server.answer(503)
    bound = 64 * 1024
    with spooling(otlp_server, tmp_path, spool_max_bytes=bound, schedule_delay_s=0.02) as obs:
        for number in range(40):
            log(obs, number)
            assert wait_until(lambda number=number: row(obs).spooled + row(obs).dropped_total == number + 1)
            assert len(files(tmp_path)) * 4096 <= bound
        account = row(obs)
        assert account.dropped == {"spool_full": 40 - account.spooled}
        assert account.spooled >= 10
        assert account.spooled_bytes <= bound
        otlp_server.healthy()
        assert otlp_server.wait_for(log_records=account.spooled)
        assert numbers(otlp_server) == list(range(40 - account.spooled, 40))


def test_what_nobody_sends_any_more_makes_room(otlp_server, tmp_path):
    """What a process has left for an endpoint that nobody sends to now is the first to go when there is no room; it is counted."""
    otlp_server.answer(503)
    for name in ("a", "b"):
        process = start(PROGRAM, f"{otlp_server.endpoint}/elsewhere", str(tmp_path), "10", name)
        process.stdout.readline()
        process.kill()
        process.communicate()
    left = len(files(tmp_path))
    assert left >= 2
    with spooling(otlp_server, tmp_path, spool_max_bytes=7 * 4096, schedule_delay_s=0.02) as obs:
        for number in range(4):
            log(obs, number)
            assert wait_until(lambda number=number: row(obs).spooled == number + 1)
        assert len(files(tmp_path)) < left + 4
        assert row(obs).dropped["spool_full"] >= 10
        assert row(obs).made == 4


def test_every_snapshot_adds_up(otlp_server, tmp_path):
    """While an application works and its endpoint comes and goes, what was made is where health says it is, at any moment."""
    made, wrong, stop = [0], [], threading.Event()

    def work(obs):
        while not stop.is_set():
            log(obs, made[0])
            made[0] += 1
            time.sleep(0.001)

    def watch(obs):
        while not stop.is_set():
            before = made[0]
            account = row(obs)
            if not before <= account.made <= made[0] + 1 or min(account.queued, account.in_flight, account.spooled) < 0:
                wrong.append((before, account, made[0]))

    with spooling(otlp_server, tmp_path, schedule_delay_s=0.05, timeout_s=0.3) as obs:
        threads = [threading.Thread(target=work, args=(obs,)), threading.Thread(target=watch, args=(obs,))]
        for thread in threads:
            thread.start()
        for fault in ("answer", "hang", "healthy", "refuse", "healthy"):
            (otlp_server.answer(503) if fault == "answer" else getattr(otlp_server, fault)())
            time.sleep(0.4)
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong
        assert made[0] > 100
        assert wait_until(lambda: row(obs).exported == made[0])
        assert set(numbers(otlp_server)) == set(range(made[0]))


def test_a_new_configuration_goes_on_where_the_old_one_stopped(otlp_server, tmp_path):
    """What the old configuration has kept is sent under the new one, and counted once; also after very many configurations."""
    for port in range(1, 70):
        configure_observability("production", endpoint=f"http://127.0.0.1:{port}", log_output="none", shutdown_timeout_s=0.1).shutdown(0.1)
    otlp_server.answer(503)
    with spooling(otlp_server, tmp_path) as obs:
        before = row(obs)
        log(obs, *range(10))
        assert wait_until(lambda: row(obs).spooled == 10)
        with spooling(otlp_server, tmp_path, schedule_delay_s=0.1) as again:
            log(again, *range(10, 20))
            assert wait_until(lambda: row(again).spooled == 20)
            otlp_server.healthy()
            assert otlp_server.wait_for(log_records=20)
            assert wait_until(lambda: row(again).spooled == 0)
            account = row(again)
            made, exported = account.made - before.made, account.exported - before.exported  # an earlier test may have had this port
            assert (made, exported, account.recovered, account.dropped) == (20, 20, before.recovered, before.dropped)
            assert sorted(numbers(otlp_server)) == list(range(20))


def test_a_disk_that_fails_is_not_fatal(otlp_server, tmp_path):
    """Where nothing can be written records wait in memory as without a spool, and a line says so."""
    directory = tmp_path / "spool"
    with spooling(otlp_server, directory) as obs:
        otlp_server.answer(503)
        directory.rmdir()
        directory.write_text("a file in its place")
        log(obs, *range(10))
        assert wait_until(lambda: "spool" in (row(obs).last_error or "") or row(obs).queued == 10)
        assert (row(obs).spooled, row(obs).dropped) == (0, {})
        otlp_server.healthy()
        assert otlp_server.wait_for(log_records=10, timeout_s=20.0)
        assert numbers(otlp_server) == list(range(10))


def test_an_outage_with_a_disk_that_fails_is_waited_out(otlp_server, tmp_path, monkeypatch):
    """With nowhere to go the worker rests between two tries instead of going round, and an exit gives up what is left, counted."""
    takes = []
    take = Spool.take

    def counted(self, *batch):
        takes.append(batch)
        return take(self, *batch)

    def lost():  # over all targets: those of a process that has had many share an account
        return sum(row.dropped.get("deadline", 0) for row in obs.health().exporters if row.signal == "logs")

    monkeypatch.setattr(Spool, "take", counted)
    directory = tmp_path / "spool"
    with spooling(otlp_server, directory) as obs:
        before = lost()
        otlp_server.answer(503)
        directory.rmdir()
        directory.write_text("a file in its place")
        log(obs, *range(10))
        assert wait_until(lambda: takes)
        time.sleep(1.0)  # a loop without a rest goes round some thousand times
        assert not obs.shutdown(2.0)
        assert len(takes) < 50
        assert lost() - before == 10


def test_a_kept_batch_that_is_too_large_is_divided(otlp_server, tmp_path):
    """An endpoint that comes back with a smaller limit gets halves; only what is too large alone is lost."""

    def answer_by_size(server):
        take = server._take

        def small_only(handler):
            server._status = 413 if int(handler.headers["content-length"]) > 2500 else 200
            take(handler)

        server._take = small_only

    otlp_server.answer(503)
    with spooling(otlp_server, tmp_path, compression="none") as obs:
        log(obs, *range(50))
        obs.log.info("huge", text="x" * 5000, number=50)
        log(obs, *range(51, 100))
        assert wait_until(lambda: row(obs).spooled == 100)
        answer_by_size(otlp_server)
        assert wait_until(lambda: row(obs).spooled == 0)
        assert numbers(otlp_server) == [number for number in range(100) if number != 50]
        assert (row(obs).exported, row(obs).dropped) == (99, {"too_large": 1})


def test_a_kept_batch_that_is_refused_for_good_holds_nothing_up(otlp_server, tmp_path):
    """An answer that no repetition can change costs the batch, counted; the next one is sent."""
    otlp_server.answer(503)
    with spooling(otlp_server, tmp_path) as obs:
        log(obs, *range(10))
        assert wait_until(lambda: row(obs).spooled == 10)
        otlp_server.answer(400)
        assert wait_until(lambda: row(obs).dropped == {"export_failed": 10})
        otlp_server.healthy()
        log(obs, 10)
        assert otlp_server.wait_for(log_records=1)
        assert numbers(otlp_server) == [10]


def test_a_flush_in_an_outage_says_so_at_once(otlp_server, tmp_path):
    """It tries once and answers False; when the endpoint is back, a flush brings everything and answers True."""
    otlp_server.answer(503)
    with spooling(otlp_server, tmp_path) as obs:
        log(obs, *range(10))
        begin = time.monotonic()
        assert not obs.flush(5.0)
        assert time.monotonic() - begin < 4.0
        otlp_server.healthy()
        assert obs.flush(5.0)
        assert numbers(otlp_server) == list(range(10))


@pytest.mark.parametrize("outage", ["refused", "hanging", "busy"])
def test_an_exit_in_an_outage_is_short_and_leaves_everything(otlp_server, tmp_path, outage):
    """A process that ends in an outage does not wait for the deadline: what it has is on disk."""
    OUTAGES[outage](otlp_server)
    process = start(PROGRAM, otlp_server.endpoint, str(tmp_path), "1000", "x")
    assert process.stdout.readline().split() == ["spooled", "1000", "0"]
    ended = finish(process)
    assert (ended.returncode, ended.exit_s < 4.5) == (0, True)
    assert sum(known_file(path).units for path in files(tmp_path) if "logs" in str(path)) == 1000


def test_a_child_after_fork_keeps_its_own(otlp_server, tmp_path):
    """Parent and child each keep and send what they made, once."""
    program = """
        import os, sys, time
        from langswarm_otel import configure_observability
        settings = {"endpoint": sys.argv[1], "spool_directory": sys.argv[2], "schedule_delay_s": 0.1, "log_output": "none"}
        obs = configure_observability("production", **settings)
        obs.log.info("parent", number=0)
        time.sleep(0.6)
        child = os.fork()
        obs.log.info("after", number=1 if child else 2)
        time.sleep(0.6)
        print([row.spooled for row in obs.health().exporters if row.signal == "logs"], flush=True)
        if child:
            os.waitpid(child, 0)
    """
    otlp_server.answer(503)
    ended = run(program, otlp_server.endpoint, str(tmp_path))
    assert sorted(ended.stdout.split()) == ["[1]", "[2]"]
    otlp_server.healthy()
    with spooling(otlp_server, tmp_path):
        assert otlp_server.wait_for(log_records=3)
    assert sorted(numbers(otlp_server)) == [0, 1, 2]


def test_content_rules_hold_for_the_disk(otlp_server, tmp_path):
    """What may not leave the process is in no file either."""
    otlp_server.answer(503)
    with spooling(otlp_server, tmp_path) as obs:
        with obs.tool("search") as call:
            call.input({"query": "CANARY"})
            call.output("CANARY")
        assert wait_until(lambda: row(obs, "traces").spooled == 1)
        bodies = [read_file(path, path.relative_to(tmp_path).parts[0].split("-")[0]) for path in files(tmp_path)]
        assert bodies
        assert not any(b"CANARY" in body for body in bodies)
        assert any(b"execute_tool search" in body for body in bodies)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"spool_directory": "/proc/nowhere"}, "spool_directory"),
        ({"spool_directory": ""}, "spool_directory"),
        ({"spool_max_bytes": 0, "spool_directory": "/tmp"}, "spool_max_bytes"),  # noqa: S108 - never used
        ({"otlp_exporter": "official", "spool_directory": "/tmp"}, "otlp_exporter"),  # noqa: S108
        ({"protocol": "grpc", "spool_directory": "/tmp"}, "protocol"),  # noqa: S108
    ],
)
def test_a_wrong_setting_is_named(settings, field):
    """What cannot work is refused by name."""
    with pytest.raises(ConfigurationError) as caught:
        configure_observability("production", **settings)
    assert str(caught.value).startswith(field)
