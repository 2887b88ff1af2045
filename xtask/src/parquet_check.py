"""Reads Parquet files back by DuckDB and pyarrow and compares them, types and all, with ndjson of the same pass.

usage: parquet_check.py DIR    (DIR has all.ndjson and LOG.parquet)
"""

import datetime
import ipaddress
import json
import math
import pathlib
import re
import sys

import duckdb
import pyarrow
import pyarrow.parquet

ARROW = {
    "addr": pyarrow.string(),
    "bool": pyarrow.bool_(),
    "count": pyarrow.uint64(),
    "double": pyarrow.float64(),
    "enum": pyarrow.string(),
    "int": pyarrow.int64(),
    "interval": pyarrow.float64(),
    "port": pyarrow.uint16(),
    "string": pyarrow.string(),
    "subnet": pyarrow.string(),
    "time": pyarrow.timestamp("ns", tz="UTC"),
}
# DuckDB 1 knows times with time zone in microseconds only.
DUCK = {
    "addr": {"VARCHAR"},
    "bool": {"BOOLEAN"},
    "count": {"UBIGINT"},
    "double": {"DOUBLE"},
    "enum": {"VARCHAR"},
    "int": {"BIGINT"},
    "interval": {"DOUBLE"},
    "port": {"USMALLINT"},
    "string": {"VARCHAR"},
    "subnet": {"VARCHAR"},
    "time": {"TIMESTAMPTZ_NS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"},
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

checks = 0


def check(ok, what):
    """Ends with `what` unless `ok`."""
    global checks
    if not ok:
        sys.exit(f"parquet-check: {what}")
    checks += 1


def nanoseconds(text):
    """Of an ISO 8601 text with nine decimals."""
    whole, fraction = text.rstrip("Z").split(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return round((at - EPOCH).total_seconds()) * 10**9 + int(fraction)


def octets(text):
    """The sixteen of an address."""
    address = ipaddress.ip_address(text)
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed


def kinds(field):
    """Is it a list, the type of its items, is it the binary form?"""
    inner = re.fullmatch(r"(?:set|vector)\[(.*)\]", field["zeek_type"])
    return bool(inner), inner[1] if inner else field["zeek_type"], "16 octets" in field.get("unit", "")


def expected(field, row):
    """What the file must have for a row of ndjson."""
    is_list, kind, binary = kinds(field)
    value = row.get(field["name"].removesuffix("_bin") if binary else field["name"])

    def one(v):
        if v is None:
            return None
        if binary:
            return octets(v)
        return nanoseconds(v) if kind == "time" else v

    if is_list:
        return None if value is None else [one(v) for v in value]
    return one(value)


def same(got, want):
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(map(same, got, want))
    # JSON has no word for what is no number.
    if isinstance(got, float) and math.isnan(got):
        return want is None
    return got == want


def compare(reader, log, fields, rows, columns):
    for field in fields:
        column = columns[field["name"]]
        check(len(column) == len(rows), f"{reader}: {log}: {len(column)} rows, {len(rows)} in ndjson")
        for i, (got, row) in enumerate(zip(column, rows)):
            want = expected(field, row)
            check(same(got, want), f"{reader}: {log}.{field['name']}, row {i}: {got!r}, expected {want!r}")


def by_pyarrow(path, log, fields, rows):
    file = pyarrow.parquet.ParquetFile(path)
    check(file.metadata.num_rows == len(rows), f"pyarrow: {log}: number of rows")
    check(file.schema_arrow.names == [f["name"] for f in fields], f"pyarrow: {log}: names of columns")
    for field in fields:
        is_list, kind, binary = kinds(field)
        want = pyarrow.binary(16) if binary else ARROW[kind]
        got = file.schema_arrow.field(field["name"]).type
        check(pyarrow.types.is_list(got) == is_list, f"pyarrow: {log}.{field['name']} is {got}")
        got = got.value_type if is_list else got
        check(got == want, f"pyarrow: {log}.{field['name']} is {got}, expected {want}")
    for group in range(file.metadata.num_row_groups):
        sorting = file.metadata.row_group(group).sorting_columns
        check([(s.column_index, s.descending) for s in sorting] == [(0, False)], f"pyarrow: {log}: sorting columns")
        for at in range(file.metadata.num_columns):
            column = file.metadata.row_group(group).column(at)
            check(column.compression == "ZSTD", f"pyarrow: {log}: compression")
    table = file.read()

    def plain(column):
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.int64())
        elif pyarrow.types.is_list(column.type) and pyarrow.types.is_timestamp(column.type.value_type):
            column = column.cast(pyarrow.list_(pyarrow.int64()))
        return column.to_pylist()

    columns = {name: plain(table.column(name)) for name in table.column_names}
    times = [t for t in columns[fields[0]["name"]] if t is not None]
    check(file.metadata.num_row_groups > 1 or times == sorted(times), f"pyarrow: {log}: sorted by time")
    compare("pyarrow", log, fields, rows, columns)


def by_duckdb(path, log, fields, rows):
    source = f"read_parquet('{path}')"
    names = {}
    for name, kind, *_ in duckdb.sql(f"describe from {source}").fetchall():
        names[name] = kind
    columns = {}
    for field in fields:
        name = '"' + field["name"].replace('"', '""') + '"'
        is_list, kind, binary = kinds(field)
        want = {"BLOB"} if binary else DUCK[kind]
        got = names.get(field["name"], "nothing")
        check(got.endswith("[]") == is_list, f"DuckDB: {log}.{field['name']} is {got}")
        check(got.removesuffix("[]") in want, f"DuckDB: {log}.{field['name']} is {got}, expected {want}")
        value = f"epoch_ns({name})" if kind == "time" and not is_list else name
        fetched = duckdb.sql(f"select {value} from {source}").fetchall()
        columns[field["name"]] = [row[0] for row in fetched]
    compare("DuckDB", log, fields, rows, columns)
    # Its Bloom filters: what is there may be there, what is not is not, nearly always.
    wrong = probes = 0
    for name in ("uid", "id.orig_h"):
        present = {row[name] for row in rows if name in row}
        if name in names and present:
            for value in sorted(present)[:20]:
                check(not excluded(path, name, value), f"DuckDB: {log}: the filter of {name} excludes {value}")
            for i in range(50):
                probes += 1
                wrong += not excluded(path, name, f"absent-{i}")
    check(wrong * 10 <= probes, f"DuckDB: {log}: {wrong} of {probes} filters say maybe to what is not there")


def excluded(path, column, value):
    """Do the Bloom filters of all row groups exclude the value?"""
    rows = duckdb.execute("select bloom_filter_excludes from parquet_bloom_probe(?, ?, ?)", [path, column, value])
    return all(row[0] for row in rows.fetchall())


def main():
    folder = pathlib.Path(sys.argv[1])
    duckdb.sql("set TimeZone = 'UTC'")
    logs = {}
    with open(folder / "all.ndjson", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            logs.setdefault(row.pop("_path"), []).append(row)
    files = {path.stem for path in folder.glob("*.parquet")}
    check(files == set(logs), f"Parquet has {sorted(files)}, ndjson {sorted(logs)}")
    for log, rows in sorted(logs.items()):
        path = str(folder / f"{log}.parquet")
        facts = pyarrow.parquet.read_metadata(path).metadata
        check(facts[b"sekisho.log"].decode() == log and facts[b"sekisho.version"], f"{log}: metadata")
        fields = json.loads(facts[b"sekisho.fields"])
        check(all(f["doc"] and f["zeek_type"] for f in fields), f"{log}: a field without a word about it")
        known = {f["name"] for f in fields}
        check(all(known.issuperset(row) for row in rows), f"{log}: ndjson has fields that Parquet has not")
        # One row group, stably sorted.
        rows.sort(key=lambda row: row["ts"])
        by_pyarrow(path, log, fields, rows)
        by_duckdb(path, log, fields, rows)
    rows = sum(map(len, logs.values()))
    print(
        f"parquet-check: {len(logs)} logs, {rows} rows, {checks} checks: DuckDB {duckdb.__version__} and pyarrow "
        f"{pyarrow.__version__} read what ndjson says"
    )


main()
