//go:build services

package spark_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/spark"
)

// doctests are doctests of PySpark, by the names of their docstrings, each with the same program for this client. They are
// whole: what this client cannot do is not among them. testdata/pyspark/doctests.py runs the originals in the same test run and
// says what each did, so that nothing here is an expected value.
var doctests = map[string][]map[string]func(*doctest){
	"streaming":             {readStreamDoctests, writeStreamDoctests, queryDoctests},
	"columns and functions": {columnDoctests, functionDoctests},
	"tables and files":      {dataFrameDoctests, groupDoctests, fileDoctests},
}

// atLeast is how many doctests there have to be, by category; of them all under the empty name.
var atLeast = map[string]int{"streaming": 25, "columns and functions": 15, "": 60}

func TestPySparksDoctestsGiveTheSame(t *testing.T) {
	python, all := pySpark(t), 0
	for category, tables := range doctests {
		programs := map[string]func(*doctest){}
		for _, table := range tables {
			maps.Copy(programs, table)
		}
		all += len(programs)
		if len(programs) < atLeast[category] {
			t.Errorf("%d doctests of %s, expected at least %d", len(programs), category, atLeast[category])
		}
		t.Run(category, func(t *testing.T) {
			t.Parallel() // categories share no table
			pyspark := startPySpark(t, python)
			for _, name := range slices.Sorted(maps.Keys(programs)) {
				t.Run(name, func(t *testing.T) {
					pyspark.start(t, name)
					d := newDoctest(t)
					programs[name](d)
					expected := normal(t, pyspark.outcomes(t, name), pyspark.folder)
					if diff := cmp.Diff(expected, normal(t, d.outcomes, d.folder)); diff != "" {
						t.Errorf("(-PySpark +this client):\n%s", diff)
					}
				})
			}
		})
	}
	if all < atLeast[""] {
		t.Errorf("%d doctests, expected at least %d", all, atLeast[""])
	}
}

// doctest runs a program and records what it did, in the same words as doctests.py: a list of kind and value.
type doctest struct {
	*testing.T
	ctx     context.Context
	session *spark.Session
	folder  string // of its temporary folders

	trace
	rated bool // a rate source ran: how many rows there are now depends on time
}

func newDoctest(t *testing.T) *doctest {
	d := &doctest{T: t, ctx: testContext(t), folder: t.TempDir()}
	d.session = newSession(t, d.watch())
	for key, value := range settings {
		must(0, d.session.Config().Set(d.ctx, key, value))(t)
	}
	return d
}

// settings are of both sessions. Programs of a few rows spend their time on compiling code and on tasks, not on rows.
var settings = map[string]string{
	"spark.sql.session.timeZone":    "UTC",
	"spark.sql.shuffle.partitions":  "1",
	"spark.sql.codegen.wholeStage":  "false",
	"spark.sql.codegen.factoryMode": "NO_CODEGEN",
	"spark.sql.adaptive.enabled":    "false",
}

type row = []any

// frame is spark.createDataFrame.
func (d *doctest) frame(schema string, rows ...row) *spark.DataFrame {
	return d.session.CreateDataFrame(rows, schema)
}

// people are the rows of many a docstring.
func (d *doctest) people() *spark.DataFrame {
	return d.frame("age LONG, name STRING", row{2, "Alice"}, row{5, "Bob"})
}

func (d *doctest) sql(text string) *spark.DataFrame {
	d.Helper()
	return must(d.session.SQL(d.ctx, text))(d.T)
}

func (d *doctest) rate() *spark.DataFrame { return d.session.ReadStream().Format("rate").Load() }

func (d *doctest) start(w *spark.StreamWriter) *spark.StreamingQuery {
	d.Helper()
	return d.started(must(w.Start(d.ctx))(d.T))
}

func (d *doctest) toTable(w *spark.StreamWriter, name string) *spark.StreamingQuery {
	d.Helper()
	return d.started(must(w.ToTable(d.ctx, name))(d.T))
}

func (d *doctest) started(q *spark.StreamingQuery) *spark.StreamingQuery {
	d.add("started", object{"id": string(q.ID()), "runId": string(q.RunID()), "name": q.Name()})
	return q
}

func (d *doctest) stop(q *spark.StreamingQuery) {
	d.Helper()
	must(0, q.Stop(d.ctx))(d.T)
}
