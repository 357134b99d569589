//go:build services

package spark_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/spark"
)

// newSession dials the real server and releases the session at the end of the test, which stops its queries.
func newSession(t *testing.T, opts ...spark.Option) *spark.Session {
	t.Helper()
	session, err := spark.Dial(testContext(t), sparkServer(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if !inServersZone {
		must(0, session.Config().Set(testContext(t), "spark.sql.session.timeZone", "UTC"))(t)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := session.Release(ctx); err != nil && !errors.Is(err, spark.ErrSessionClosed) {
			t.Error(err)
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// must returns a value that was to come without an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestVersionIsSparks(t *testing.T) {
	session := newSession(t)
	version := must(session.Version(testContext(t)))(t)
	if !strings.HasPrefix(version, "4.") {
		t.Errorf("version %q, expected 4.x", version)
	}
	if session.ServerSessionID() == "" {
		t.Error("the server-side session id was not observed")
	}
}

func TestConfigIsSetReadAndUnset(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	config := session.Config()
	const key = "spark.sql.autoBroadcastJoinThreshold"
	before := must(config.Get(ctx, key))(t)
	must(0, config.Set(ctx, key, "7"))(t)
	if got := must(config.Get(ctx, key))(t); got != "7" {
		t.Errorf("got %q after setting 7", got)
	}
	if got := must(config.All(ctx, "spark.sql.auto"))(t)[key]; got != "7" {
		t.Errorf("All gave %q for a setting of 7", got)
	}
	must(0, config.Unset(ctx, key))(t)
	if got := must(config.Get(ctx, key))(t); got != before {
		t.Errorf("got %q after unsetting, expected the %q of before", got, before)
	}
	if got := must(config.GetOr(ctx, "spark.nobody.knows", "otherwise"))(t); got != "otherwise" {
		t.Errorf("got %q, expected the given default", got)
	}
	_, err := config.Get(ctx, "spark.nobody.knows")
	var e *spark.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Class, "SQL_CONF_NOT_FOUND") {
		t.Errorf("getting an unknown setting gave %v, expected the class SQL_CONF_NOT_FOUND", err)
	}
}

func TestCollectReadsEveryPlainType(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	df := must(session.SQL(ctx, `SELECT true AS a, 1Y AS b, 2S AS c, 3 AS d, 4L AS e, 1.5F AS f, 2.5D AS g, 'é' AS h, X'00FF' AS i,
		-12.50BD AS j, DATE'1969-12-31' AS k, TIMESTAMP'2024-02-29 12:34:56.789Z' AS l, TIMESTAMP_NTZ'2024-02-29 00:00:00' AS m,
		array(1, null) AS n, named_struct('x', 1, 'y', 's') AS o, map('k', 1) AS p, INTERVAL '1 02:00' DAY TO MINUTE AS q, null AS r,
		CAST('NaN' AS DOUBLE) AS s`))(t)
	rows := must(df.Collect(ctx))(t)
	if len(rows) != 1 {
		t.Fatalf("%d rows, expected one", len(rows))
	}
	values := rows[0].Values()
	for i, expected := range []any{
		true, int8(1), int16(2), int32(3), int64(4), float32(1.5), 2.5, "é",
		[]byte{0, 0xff},
		spark.Decimal("-12.50"),
		spark.Date{Year: 1969, Month: 12, Day: 31},
		time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC),
		spark.TimestampNTZ{Date: spark.Date{Year: 2024, Month: 2, Day: 29}},
		[]any{int32(1), nil},
	} {
		if diff := cmp.Diff(expected, values[i]); diff != "" {
			t.Errorf("column %s (-expected +got):\n%s", rows[0].Names()[i], diff)
		}
	}
	inner := values[14].(spark.Row)
	if x, _ := inner.Get("x"); x != int32(1) {
		t.Errorf("struct field x is %v", x)
	}
	if k, _ := values[15].(spark.Map).Get("k"); k != int32(1) {
		t.Errorf("map key k is %v", k)
	}
	if values[16] != 26*time.Hour || values[17] != nil || !math.IsNaN(values[18].(float64)) {
		t.Errorf("interval, null and NaN are %v", values[16:])
	}
	schema := must(df.Schema(ctx))(t)
	if got := fmt.Sprint(schema[9].Type, schema[13].Type, schema[14].Type, schema[15].Type, schema[16].Type); got != "decimal(4,2) array<int> struct<x:int,y:string> map<string,int> interval day to minute" &&
		got != "decimal(4,2)array<int>struct<x:int,y:string>map<string,int>interval day to minute" {
		t.Errorf("types %s", got)
	}
}

func TestArgumentsKeepTheirTypes(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	args := []any{
		nil, true, int8(1), int16(2), int32(3), int64(4), float32(1.5), 2.5, "it's",
		[]byte{1},
		spark.Decimal("1.20"),
		spark.Date{Year: 2024, Month: 5, Day: 6},
		at, time.Hour,
		spark.TimestampNTZ{Date: spark.Date{Year: 2024, Month: 3, Day: 31}, Hour: 2, Minute: 30, Microsecond: 1},
		[]any{int32(1), int32(2)},
		spark.Map{{Key: "k", Value: []any{"v"}}},
	}
	named, names := spark.Args{}, make([]string, len(args))
	for i, arg := range args {
		name := string(rune('a' + i))
		named[name], names[i] = arg, ":"+name
	}
	rows := must(must(session.SQL(ctx, "SELECT "+strings.Join(names, ", "), named))(t).Collect(ctx))(t)
	if diff := cmp.Diff(args, rows[0].Values()); diff != "" {
		t.Errorf("arguments came back changed (-sent +got):\n%s", diff)
	}
	rows = must(must(session.SQL(ctx, "SELECT ?, ?, ?, ?", 1, 2, 3, 4))(t).Collect(ctx))(t)
	if diff := cmp.Diff([]any{int32(1), int32(2), int32(3), int32(4)}, rows[0].Values()); diff != "" {
		t.Errorf("positional arguments came back changed (-sent +got):\n%s", diff)
	}
	if _, err := session.SQL(ctx, "SELECT ?, ?, ?, ?, ?", 1, 2, 3, 4, 5); err == nil {
		t.Error("five positional arguments, whose order Spark loses, were accepted")
	}
	rows = must(must(session.SQL(ctx, "SELECT :a + :b AS sum", spark.Args{"a": 1, "b": 2}))(t).Collect(ctx))(t)
	if sum, _ := rows[0].Get("sum"); sum != int32(3) {
		t.Errorf("1 + 2 is %v", sum)
	}
}

func TestManyBatchesArriveWholeAndInOrder(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	must(0, session.Config().Set(ctx, "spark.sql.execution.arrow.maxRecordsPerBatch", "1000"))(t)
	next := int64(0)
	for row, err := range session.Range(0, 100_000, 1).Rows(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if row.At(0) != next {
			t.Fatalf("row %v, expected %d", row.At(0), next)
		}
		next++
	}
	if next != 100_000 {
		t.Errorf("%d rows, expected 100,000", next)
	}
}

func TestSQLErrorsCarryClassStateAndParameters(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	_, err := session.SQL(ctx, "SELECT * FROM nobody_made_this")
	var e *spark.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, expected a *spark.Error", err)
	}
	if e.Class != "TABLE_OR_VIEW_NOT_FOUND" || e.SQLState != "42P01" || e.Parameters["relationName"] != "`nobody_made_this`" || spark.Retryable(err) {
		t.Errorf("class %q, state %q, parameters %v, retryable %v", e.Class, e.SQLState, e.Parameters, spark.Retryable(err))
	}
	_, err = must(session.SQL(ctx, "SELECT 1/id FROM range(0, 1)"))(t).Collect(ctx)
	if !errors.As(err, &e) || e.Class != "DIVIDE_BY_ZERO" {
		t.Errorf("got %v, expected DIVIDE_BY_ZERO", err)
	}
	if len(e.QueryContexts) != 1 || e.QueryContexts[0].ContextType != "SQL" || e.QueryContexts[0].Fragment != "1/id" || e.QueryContexts[0].StartIndex != 7 {
		t.Errorf("query contexts %+v, expected the place of 1/id", e.QueryContexts)
	}
}

func TestBatchWriteIsReadBack(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	path := t.TempDir() + "/numbers"
	df := session.Range(0, 10, 1).Where("id % 2 = 0")
	must(0, df.Write().Format("parquet").Mode(spark.Overwrite).Option("path", path).Save(ctx))(t)
	if rows := must(session.Read().Format("parquet").Load(path).Collect(ctx))(t); len(rows) != 5 {
		t.Errorf("%d rows read back, expected 5", len(rows))
	}
	if err := df.Write().Format("parquet").Option("path", path).Save(ctx); err == nil {
		t.Error("writing over existing data without a mode succeeded")
	}
	plan := must(df.Explain(ctx, spark.ExplainFormatted))(t)
	if !strings.Contains(plan, "Physical Plan") {
		t.Errorf("plan %q", plan)
	}
}

// TestReleasedSessionIsClosed holds the errors of a session id used after its end.
func TestReleasedSessionIsClosed(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	must(0, session.Release(ctx))(t)
	if _, err := session.SQL(ctx, "SELECT 1"); !errors.Is(err, spark.ErrSessionClosed) {
		t.Errorf("got %v, expected ErrSessionClosed", err)
	}
	_, err := spark.Dial(ctx, sparkServer(t), spark.WithSessionID(session.ID()), spark.WithUserID(session.UserID()))
	if !errors.Is(err, spark.ErrSessionClosed) {
		t.Errorf("dialling the released session gave %v, expected ErrSessionClosed", err)
	}
}

func TestForeignServerSessionIDIsChanged(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	_, err := spark.Dial(ctx, sparkServer(t), spark.WithSessionID(session.ID()), spark.WithUserID(session.UserID()),
		spark.WithServerSessionID("9c3d7a0e-0000-4000-8000-000000000000"))
	if !errors.Is(err, spark.ErrSessionChanged) {
		t.Errorf("got %v, expected ErrSessionChanged", err)
	}
}

func TestCancelledQueryEndsOnTheServer(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	slow := must(session.SQL(ctx, "SELECT count(*) FROM range(0, 1000000000000)"))(t)
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := slow.Collect(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, expected the deadline", err)
	}
	// The session's end waits for that of the query, which would leave the next no room.
	must(0, session.Release(ctx))(t)
	must(newSession(t).Range(0, 1, 1).Collect(ctx))(t)
}
