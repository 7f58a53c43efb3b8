import io
import logging

import pytest

from symdyn.runs import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO)
    return logging.getLogger("progress under test")


def run(progress, clock, total, seconds, before=0):
    for done in range(before, total + 1):
        progress(done, total)
        clock.now += seconds


def test_a_terminal_gets_one_line_with_rate_and_time_left(log, caplog):
    screen, clock = Terminal(), Clock()
    run(Progress("chunks", log, stream=screen, clock=clock), clock, 10, 2.0)
    drawn = screen.getvalue().split("\r")
    assert screen.getvalue().count("\n") == 1 and screen.getvalue().endswith("\n")
    assert "chunks [############............] 5 of 10, 30 a minute, 0:10 left" in drawn[6]
    assert "10 of 10" in drawn[-1] and "left" not in drawn[-1]
    assert caplog.records == []


def test_a_terminal_is_not_drawn_more_than_ten_times_a_second(log):
    screen, clock = Terminal(), Clock()
    run(Progress("chunks", log, stream=screen, clock=clock), clock, 1000, 0.001)
    assert screen.getvalue().count("\r") <= 12


def test_a_batch_log_gets_one_line_a_minute(log, caplog):
    clock = Clock()
    run(Progress("chunks", log, stream=io.StringIO(), clock=clock), clock, 300, 1.0)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 5
    assert lines[1] == "chunks: 120 of 300, 1 a second, 3:00 left"


def test_quiet_says_nothing(log, caplog):
    screen, clock = Terminal(), Clock()
    run(Progress("chunks", log, quiet=True, stream=screen, clock=clock), clock, 300, 1.0)
    assert screen.getvalue() == "" and caplog.records == []


def test_what_was_done_before_does_not_count_in_the_rate(log, caplog):
    clock = Clock()
    run(Progress("chunks", log, stream=io.StringIO(), clock=clock), clock, 1060, 1.0, before=1000)
    assert [record.getMessage() for record in caplog.records] == ["chunks: 1060 of 1060, 1 a second"]
