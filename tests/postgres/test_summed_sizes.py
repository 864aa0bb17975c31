import pytest

from pgbraid.model.hazards.sizes import TableSize
from pgbraid.postgres.statistics.summed_sizes import Sampling, TableStatistics, table_sizes

_15 = Sampling(150018, 8192, None)
_13 = Sampling(130023, 8192, None)


def statistics(oid=20000, **values):
    empty = TableStatistics(
        oid=oid,
        schema="public",
        name=f"t{oid}",
        kind="r",
        permanent=True,
        reltuples=-1.0,
        pages=0,
        toast_pages=0,
        toast_live=0,
        index_pages=0,
        live=0,
        reads=0,
        writes=0,
        analyzed=False,
    )
    return empty._replace(**values)


def size_of(sampling=_15, **values):
    (size,) = table_sizes([statistics(**values)], {}, sampling).values()
    return size


def test_analyzed_table_has_its_rows_and_pages():
    size = size_of(reltuples=1000.0, pages=10, index_pages=3, toast_pages=2, live=1100)
    assert size == TableSize(1000, 81920, 24576, 16384)


def test_table_never_analyzed_has_rows_that_statistics_counted():
    assert size_of(live=30) == TableSize(30, 3000, 0, 0)
    assert size_of(reltuples=0.0, pages=10, live=30).rows == 30


@pytest.mark.parametrize("reltuples", [-1.0, 0.0])
def test_table_with_pages_alone_has_rows_of_hundred_bytes(reltuples):
    assert size_of(reltuples=reltuples, pages=100) == TableSize(8192, 819200, 0, 0)


def test_table_without_any_count_is_unknown():
    """It may be empty, or large on a server that was upgraded and not analyzed since."""
    assert size_of() == TableSize(None, None, None, None)
    assert size_of(_13, reltuples=0.0) == TableSize(None, None, None, None)


def test_analyzed_empty_table_is_empty():
    assert size_of(reltuples=0.0) == TableSize(0, 0, 0, 0)
    assert size_of(_13, reltuples=0.0, analyzed=True) == TableSize(0, 0, 0, 0)


def test_table_that_has_grown_much_has_its_new_size():
    size = size_of(reltuples=1000.0, pages=10, index_pages=4, toast_pages=1, live=50_000)
    assert size == TableSize(50_000, 50 * 81920, 50 * 32768, 50 * 8192)
    assert size_of(reltuples=0.0, live=50_000).rows == 50_000


def test_rows_of_load_counted_twice_do_not_double_table():
    assert size_of(reltuples=1000.0, pages=10, live=2000) == TableSize(1000, 81920, 0, 0)


def test_toast_that_was_never_vacuumed_has_size_of_its_chunks():
    assert size_of(reltuples=10.0, pages=1, toast_live=1000).toast_bytes == 2_048_000


def test_parent_has_sums_of_all_its_partitions():
    tables = [
        statistics(1, kind="p", name="p"),
        statistics(2, kind="p", name="p_a"),
        statistics(3, reltuples=100.0, pages=1, index_pages=2, toast_pages=3, name="p_a_1"),
        statistics(4, reltuples=50.0, pages=4, name="p_b"),
        statistics(5, name="p_future"),
        statistics(6, kind="p", name="without"),
    ]
    sizes = table_sizes(tables, {2: [1], 3: [2], 4: [1], 5: [1]}, _15)
    assert sizes["public.p"] == TableSize(150, 5 * 8192, 2 * 8192, 3 * 8192)
    assert sizes["public.p_a"] == TableSize(100, 8192, 16384, 24576, part_of="public.p")
    assert sizes["public.p_a_1"].part_of == "public.p_a"
    assert sizes["public.p_future"] == TableSize(None, None, part_of="public.p")
    assert sizes["public.without"] == TableSize(0, 0, 0, 0)


def test_partitioned_table_of_unknown_partitions_is_unknown():
    tables = [statistics(1, kind="p", name="p"), statistics(2)]
    assert table_sizes(tables, {2: [1]}, _15)["public.p"] == TableSize(None, None)


def test_analyzed_partitioned_table_has_at_least_its_own_count():
    tables = [statistics(1, kind="p", name="p", reltuples=500.0), statistics(2, live=100)]
    assert table_sizes(tables, {2: [1]}, _15)["public.p"].rows == 500


def test_child_of_two_parents_counts_once_in_each_ancestor():
    tables = [
        statistics(1, reltuples=1.0, pages=1, name="top"),
        statistics(2, reltuples=2.0, pages=1, name="b"),
        statistics(3, reltuples=3.0, pages=1, name="a"),
        statistics(4, reltuples=4.0, pages=1, name="bottom"),
    ]
    sizes = table_sizes(tables, {2: [1], 3: [1], 4: [2, 3]}, _15)
    assert [sizes[f"public.{name}"].rows for name in ("top", "b", "a", "bottom")] == [10, 6, 7, 4]
    assert sizes["public.bottom"].part_of == "public.a"


def test_traffic_is_by_second_and_of_all_parts():
    tables = [
        statistics(1, kind="p", name="p"),
        statistics(2, reltuples=1.0, pages=1, reads=7200, writes=720),
        statistics(3, reads=3600),
    ]
    sizes = table_sizes(tables, {2: [1], 3: [1]}, _15._replace(seconds=3600.0))
    assert (sizes["public.p"].reads_per_s, sizes["public.p"].writes_per_s) == (3.0, 0.2)
    assert sizes["public.t3"].reads_per_s == 1.0
    young = table_sizes(tables, {2: [1], 3: [1]}, _15)
    assert {(size.reads_per_s, size.writes_per_s) for size in young.values()} == {(None, None)}


def test_of_two_tables_with_one_label_the_larger_counts():
    tables = [
        statistics(1, schema="a.b", name="c", reltuples=5.0, pages=5),
        statistics(2, schema="a", name="b.c", reltuples=1.0, pages=1),
    ]
    assert table_sizes(tables, {}, _15) == {"a.b.c": TableSize(5, 40960, 0, 0)}
