import pytest

from pgbraid.hazards.analysis.estimates import seconds
from pgbraid.model.hazards.sizes import Rates, TableSize, WorkKind

_RATES = Rates(
    rewrite=100.0,
    scan=200.0,
    index=10.0,
    slow_index=4.0,
    foreign_key=20.0,
    write=5.0,
    delete=50.0,
)
_SIZE = TableSize(rows=100, bytes=1000)


@pytest.mark.parametrize(
    ("kind", "indexes", "expected"),
    [
        (WorkKind.REWRITE, 0, 10.0),
        (WorkKind.REWRITE, 2, 30.0),
        (WorkKind.MATVIEW_REFRESH, 1, 20.0),
        (WorkKind.INDEX_BUILD, 0, 10.0),
        (WorkKind.INDEX_BUILD, 3, 30.0),
        (WorkKind.INDEX_REBUILD, 1, 10.0),
        (WorkKind.SLOW_INDEX_BUILD, 2, 50.0),
        (WorkKind.DELETE, 2, 2.0),
        (WorkKind.SCAN, 5, 5.0),
        (WorkKind.FOREIGN_KEY_CHECK, 0, 10.0),
        (WorkKind.WRITE, 0, 20.0),
        (WorkKind.WRITE, 2, 20.0),
        (WorkKind.WRITE, 5, 40.0),
    ],
)
def test_seconds_follow_rates(kind, indexes, expected):
    assert seconds(kind, _SIZE, _RATES, indexes=indexes) == expected


@pytest.mark.parametrize("kind", WorkKind)
def test_unknown_size_has_no_estimate(kind):
    assert seconds(kind, None, _RATES) is None
    assert seconds(kind, TableSize(None, None), _RATES) is None


@pytest.mark.parametrize("kind", WorkKind)
def test_empty_table_takes_no_time(kind):
    assert seconds(kind, TableSize(0, 0), _RATES, indexes=3) == 0


@pytest.mark.parametrize("kind", WorkKind)
def test_rows_and_bytes_stand_for_each_other(kind):
    whole = seconds(kind, TableSize(100, 10_000), _RATES)
    assert seconds(kind, TableSize(100, None), _RATES) == whole
    assert seconds(kind, TableSize(None, 10_000), _RATES) == whole


def test_rewrite_copies_toast_and_scan_does_not_read_it():
    large = TableSize(rows=100, bytes=1000, toast_bytes=9000)
    assert seconds(WorkKind.REWRITE, large, _RATES) == 100.0
    assert seconds(WorkKind.SCAN, large, _RATES) == seconds(WorkKind.SCAN, _SIZE, _RATES)
