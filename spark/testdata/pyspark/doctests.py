"""Runs doctests of the installed PySpark and prints what each did, as JSON, a line each.

    echo pyspark.sql.streaming.query.StreamingQuery.name | SPARK_REMOTE=sc://localhost:15002 python doctests.py

The program is PySpark's docstring, and so nothing is typed here: neither what runs nor what is expected. Its examples run
statement by statement in a session of its own, those that PySpark itself skips left out. What a statement does is kept as
an outcome, a pair of kind and value:

    rows     of show(): columns with their types, and the first rows
    value    of an expression: what Python would print
    schema   of printSchema(), a schema or a DataFrame: name, type and nullability of each column
    explain  the headings of a plan
    wire     the message that goes to the server: of a reader, writer or column that is printed, of a streaming query's
             start, of a listener coming and going
    started  the query that a start gave: its ids and its name
    ran      of sleep(), which waits until each active query had rows: where from, where to, how many
"""

import contextlib
import datetime
import decimal
import doctest
import importlib
import io
import json
import os
import sys
import time
import traceback
import warnings

warnings.simplefilter("ignore")
from google.protobuf.json_format import MessageToDict
from pyspark.sql import Row, SparkSession
from pyspark.sql.connect.client import SparkConnectClient
from pyspark.sql.connect.column import Column
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.readwriter import DataFrameReader, DataFrameWriter
from pyspark.sql.connect.streaming.query import StreamingQuery
from pyspark.sql.connect.streaming.readwriter import DataStreamReader, DataStreamWriter
from pyspark.sql.streaming.listener import StreamingQueryProgress
from pyspark.sql.types import StructType

SETTINGS = json.loads(os.environ.get("SPARK_SETTINGS", "{}"))  # of each session
PATIENCE = 60  # seconds for a query to have rows


def plain(value):
    """A value as JSON; what JSON has no form for is an object of one key, its kind."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, decimal.Decimal):
        return {"decimal": format(value, "f")}
    if isinstance(value, (bytes, bytearray)):
        return {"binary": value.hex()}
    if isinstance(value, datetime.datetime):
        return {"timestamp": value.isoformat(timespec="microseconds")}
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    if isinstance(value, datetime.timedelta):
        return {"microseconds": value // datetime.timedelta(microseconds=1)}
    if isinstance(value, Row):
        return {"row": [[name, plain(v)] for name, v in zip(value.__fields__, value)]}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {"map": [[plain(k), plain(v)] for k, v in value.items()]}
    raise TypeError(f"no JSON for a {type(value)}")


def kinds(value):
    """The kind of what differs from run to run."""
    return {"bool": "bool", "str": "string", "int": "int"}[type(value).__name__]


class Recorder:
    """What one doctest did."""

    def __init__(self, spark):
        self.spark = spark
        self.globals = {}
        self.outcomes = []
        self.rated = False  # a rate source ran: how many rows there are now depends on time
        self.listening = False

    def add(self, kind, value):
        self.outcomes.append([kind, value])

    def show(self, df, n=20, *_, **__):
        columns = [[f.name, f.dataType.simpleString()] for f in df.schema.fields]
        rows = df.take(n)
        self.add("rows", {"columns": columns, "rows": bool(rows) if self.rated else [plain(list(row)) for row in rows]})

    def schema(self, schema):
        self.add("schema", [[f.name, f.dataType.simpleString(), f.nullable] for f in schema.fields])

    def wire(self, message):
        self.add("wire", MessageToDict(message))

    def displayed(self, value):
        """Stands for Python's own way to print what an expression statement gave."""
        client = self.spark.client
        if isinstance(value, (DataStreamReader, DataFrameReader)):
            self.wire(value.load()._plan.to_proto(client).root)
        elif isinstance(value, DataStreamWriter):
            self.wire(value._write_stream.command(client).write_stream_operation_start)
        elif isinstance(value, DataFrameWriter):
            self.wire(value._write.command(client).write_operation)
        elif isinstance(value, Column):
            self.wire(value.to_plan(client))
        elif isinstance(value, StructType):
            self.schema(value)
        elif isinstance(value, DataFrame):
            self.schema(value.schema)
        elif isinstance(value, StreamingQueryProgress):
            self.add("value", progress(value))
        elif isinstance(value, list) and value and isinstance(value[0], StreamingQueryProgress):
            self.add("value", progress(value[-1]))
        elif isinstance(value, dict) and "isTriggerActive" in value:
            self.add("value", {name: kinds(v) for name, v in value.items()})
        elif value is not None and not isinstance(value, type) and not callable(value):
            self.add("value", plain(value))

    def explain(self, print_plan):
        """What a plan says differs in ids; its parts do not."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            print_plan()
        self.add("explain", [line for line in out.getvalue().splitlines() if line.startswith("== ")])

    def command(self, command):
        kind = command.WhichOneof("command_type")
        if kind == "write_stream_operation_start":
            self.wire(command.write_stream_operation_start)
        elif kind == "streaming_query_listener_bus_command":
            adds = command.streaming_query_listener_bus_command.add_listener_bus_listener
            if adds or self.listening:
                self.wire(command.streaming_query_listener_bus_command)
            self.listening = adds

    def sleep(self):
        deadline = time.monotonic() + PATIENCE
        queries = self.spark.streams.active
        ran = []
        for query in queries:
            report = rowful(query, deadline)
            sources = [s.description for s in report.sources]
            self.rated = self.rated or any(s.startswith("RateStream") for s in sources)
            counted = len(queries) == 1 and not self.rated
            ran.append({
                "name": report.name or "", "sources": sources, "sink": report.sink.description,
                "rows": rows_of(report) if counted else True,
                "operators": [o.operatorName for o in report.stateOperators], "eventTime": sorted(report.eventTime),
            })
        self.add("ran", sorted(ran, key=lambda query: query["sink"]))


def rows_of(report):
    return sum(source.numInputRows for source in report.sources)


def rowful(query, deadline):
    """The first report of a query that had rows."""
    while time.monotonic() < deadline:
        if failure := query.exception():
            raise failure
        for report in query.recentProgress:
            if rows_of(report):
                return report
        pause(0.05)
    raise TimeoutError(f"no rows in {query.name or query.id}")


def progress(report):
    return {
        "id": str(report.id), "runId": str(report.runId), "name": report.name or "",
        "sources": [s.description for s in report.sources], "sink": report.sink.description,
    }


def docstring(name):
    """The doctest under a full name, and the module's names that it may use."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        found = module
        for part in parts[length:]:
            found = getattr(found, part)
        tests = doctest.DocTestFinder(recurse=False).find(found, name, module=False, globs=dict(vars(module)))
        return tests[0]
    raise LookupError(f"no module of {name}")


def patch(current):
    """Makes what only prints, or only waits, leave an outcome with the doctest that runs."""
    explain_frame, explain_query = DataFrame.explain, StreamingQuery.explain
    DataFrame.show = lambda df, *a, **kw: current().show(df, *a, **kw)
    DataFrame.printSchema = lambda df, *_: current().schema(df.schema)
    DataFrame.explain = lambda df, *a, **kw: current().explain(lambda: explain_frame(df, *a, **kw))
    StreamingQuery.explain = lambda q, *a, **kw: current().explain(lambda: explain_query(q, *a, **kw))

    def sleep(seconds):
        docstring = (recorder := current()) and sys._getframe(1).f_globals is recorder.globals
        recorder.sleep() if docstring else pause(seconds)

    time.sleep = sleep

    # The docstrings ask for reports right after the start, when there is one by luck only.
    for name in "lastProgress", "recentProgress":
        ask = getattr(StreamingQuery, name).fget
        setattr(StreamingQuery, name, property(lambda q, ask=ask: awaited(lambda: ask(q))))

    start = DataStreamWriter._start_internal

    def started(*a, **kw):
        query = start(*a, **kw)
        current().add("started", {"id": query.id, "runId": query.runId, "name": query.name or ""})
        return query

    DataStreamWriter._start_internal = started

    for name in "execute_command", "execute_command_as_iterator":
        execute = getattr(SparkConnectClient, name)

        def recorded(client, command, *a, execute=execute, **kw):
            if recorder := current():
                recorder.command(command)
            return execute(client, command, *a, **kw)

        setattr(SparkConnectClient, name, recorded)


def awaited(ask):
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()) and time.monotonic() < deadline:
        pause(0.05)
    return answer


def run(test, recorder):
    recorder.globals = dict(test.globs, spark=recorder.spark)
    sys.displayhook = recorder.displayed
    for example in test.examples:
        if example.options.get(doctest.SKIP):
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(example.source, test.name, "single"), recorder.globals)


def main():
    running = []
    patch(lambda: running[-1] if running else None)
    for line in sys.stdin:
        result = {"name": line.strip()}
        try:
            test = docstring(result["name"])
            spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).create()
            for setting, value in SETTINGS.items():
                spark.conf.set(setting, value)
            spark.sql("CREATE DATABASE IF NOT EXISTS pyspark_doctests")
            spark.sql("USE pyspark_doctests")
            recorder = Recorder(spark)
            running.append(recorder)
            try:
                run(test, recorder)
            finally:
                running.pop()
                spark.stop()
            result["outcomes"] = recorder.outcomes
        except Exception:
            result["error"] = traceback.format_exc(limit=-3)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    pause = time.sleep
    main()
