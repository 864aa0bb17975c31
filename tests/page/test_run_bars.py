"""The runs of the journal, and their bars."""

import pytest

from pgbraid.page.drawing.run_bars import WIDTH, lay_out_bars
from pgbraid.page.order.runs import Run, RunStep, runs_of
from tests.fixtures.pages import NOON, line


def run(*steps, number=1):
    return Run(number, str(number), NOON, NOON, "r", "a", steps)


def step(version, seconds, event="applied", **values):
    return RunStep(version, f"m{version}", event, seconds, **values)


def kinds(bar):
    return [segment.kind for segment in bar.segments]


def test_lines_of_one_run_id_make_a_run():
    lines = [line(1, 1), line(2, 2), line(3, 3, run="b"), line(4, 4, "failed", run="b")]
    first, second = runs_of(lines, {3}, {1: "001"})
    assert [s.label for s in first.steps] == ["001_m1", "2_m2"]
    assert (first.number, first.count("applied"), first.out_of_order) == (1, 2, 0)
    assert (second.number, second.count("failed"), second.out_of_order) == (2, 1, 1)
    assert first.started_at < lines[0].at


def test_waits_and_errors_of_the_detail_are_read():
    waited = {"attempts": 3, "waited_ms": 1240, "blocked_by": ["process 8 (psql)"]}
    failed = {"sqlstate": "42P01", "message": "no"}
    (found,) = runs_of([line(1, 1, **waited), line(2, 2, "failed", **failed)], (), {})
    one, two = found.steps
    assert (one.attempts, one.waited, one.blocked_by) == (3, 1.24, ("process 8 (psql)",))
    assert (two.sqlstate, two.message) == ("42P01", "no")
    assert one.remarkable
    assert two.remarkable


@pytest.mark.parametrize(
    "detail",
    [
        {"attempts": "many", "waited_ms": None, "blocked_by": "someone", "planned": []},
        {"attempts": -4, "waited_ms": True, "blocked_by": {"a": 1}, "planned": 0},
        {"attempts": 1.5, "message": 7, "sqlstate": ["x"], "gap": "yes"},
    ],
)
def test_detail_of_another_shape_is_not_an_error(detail):
    (found,) = runs_of([line(1, 1, **detail)], (), {})
    assert (found.steps[0].attempts, found.steps[0].waited, found.planned) == (1, 0, None)


def test_run_that_applied_less_than_planned_was_interrupted():
    def of(*lines):
        return runs_of(lines, (), {})[0].interrupted

    assert of(line(1, 1, planned=3), line(2, 2))
    assert not of(line(1, 1, planned=2), line(2, 2))
    assert not of(line(1, 1, planned=3), line(2, 2, "failed"))
    assert not of(line(1, 1))


def test_adoption_is_a_run():
    (found,) = runs_of([line(1, None, "adopted"), line(2, 1, "adopted")], (), {})
    assert (found.adopted, found.steps) == (1, ())


def test_longest_run_takes_the_whole_width_and_others_their_share():
    bars = lay_out_bars([run(step(1, 2.0)), run(step(2, 0.5), step(3, 0.5, out_of_order=True))])
    assert [s.width for s in bars.bars[0].segments] == [pytest.approx(WIDTH)]
    assert [s.width for s in bars.bars[1].segments] == [pytest.approx(WIDTH / 4)] * 2
    assert kinds(bars.bars[1]) == ["order", "moved"]
    assert bars.seconds == pytest.approx(2.0)


def test_wait_stands_before_its_migration_and_names_the_session():
    waited = step(1, 1.0, attempts=3, waited=1.0, blocked_by=("process 8 (psql)",))
    (bar,) = lay_out_bars([run(waited)]).bars
    assert kinds(bar) == ["wait", "order"]
    assert bar.segments[1].x == pytest.approx(bar.segments[0].width)
    assert "process 8 (psql)" in bar.segments[0].title


def test_short_migrations_in_order_share_a_segment():
    short = [step(version, 0.0001) for version in range(300)]
    (bar,) = lay_out_bars([run(*short, step(300, 1.0), step(301, 0.0001, out_of_order=True))]).bars
    assert kinds(bar) == ["order", "order", "moved"]
    assert bar.segments[0].title.startswith("300 migrations in order")


def test_failure_is_a_cross_at_the_end():
    (bar,) = lay_out_bars([run(step(1, 0.5), step(2, 0.0, "failed"))]).bars
    assert kinds(bar) == ["order", "failed"]
    assert bar.segments[1].x + bar.segments[1].width <= WIDTH + 1


def test_bars_fit_also_with_many_short_migrations_out_of_order():
    many = [step(version, 0.001, out_of_order=True) for version in range(150)]
    bars = lay_out_bars([run(*many), run(step(200, 5.0))])
    for bar in bars.bars:
        assert bar.segments[-1].x + bar.segments[-1].width <= WIDTH + 1


@pytest.mark.parametrize("runs", [[], [run()], [run(step(1, 0.0))]])
def test_runs_without_time_have_bars(runs):
    assert len(lay_out_bars(runs).bars) == len(runs)


def test_migration_that_a_run_started_and_did_not_finish_is_a_cross():
    lines = [line(1, 1, "started"), line(2, 2, "started", run="b"), line(3, 2, run="b")]
    first, second = runs_of(lines, (), {})
    assert [s.event for s in first.steps] == ["started"]
    assert [s.event for s in second.steps] == ["applied"]
    assert kinds(lay_out_bars([first]).bars[0]) == ["started"]
