//go:build services

package spark_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/spark"
)

// values are the rows of a DataFrame.
func values(t *testing.T, df *spark.DataFrame) [][]any {
	t.Helper()
	var all [][]any
	for _, row := range must(df.Collect(testContext(t)))(t) {
		all = append(all, row.Values())
	}
	return all
}

func people(session *spark.Session) *spark.DataFrame {
	return session.CreateDataFrame([][]any{{"Ann", 30, 1.5}, {"Bob", 25, nil}, {"Cid", nil, 2.5}, {"Dee", 25, 0.5}}, "name STRING, age INT, rate DOUBLE")
}

func TestOperatorsMeanWhatSparkMeans(t *testing.T) {
	session := newSession(t)
	df := people(session)
	name, age, rate := spark.Col("name"), spark.Col("age"), spark.Col("rate")
	ann := df.Filter(name.Eq("Ann"))
	for title, c := range map[string]struct {
		column   spark.Column
		expected any
	}{
		"eq":           {age.Eq(30), true},
		"ne":           {age.Ne(30), false},
		"lt":           {age.Lt(31), true},
		"le":           {age.Le(30), true},
		"gt":           {age.Gt(30), false},
		"ge":           {age.Ge(30), true},
		"between":      {age.Between(30, 31), true},
		"not between":  {age.Between(31, 32), false},
		"plus":         {age.Plus(int64(1)), int64(31)},
		"minus":        {age.Minus(1), int32(29)},
		"multiply":     {age.Multiply(2), int32(60)},
		"divide":       {age.Divide(4), 7.5},
		"mod":          {age.Mod(7), int32(2)},
		"and":          {age.Gt(1).And(rate.Gt(2)), false},
		"or":           {age.Gt(1).Or(rate.Gt(2)), true},
		"not":          {age.Gt(1).Not(), false},
		"is null":      {age.IsNull(), false},
		"is not null":  {age.IsNotNull(), true},
		"is in":        {age.IsIn(1, 30), true},
		"like":         {name.Like("A_n"), true},
		"rlike":        {name.RLike("^a"), false},
		"cast":         {age.Cast("string"), "30"},
		"when":         {spark.When(age.Gt(40), "old").When(age.Gt(20), "young").Otherwise("child"), "young"},
		"no otherwise": {spark.When(age.Gt(40), "old"), nil},
		"call":         {spark.Call("concat_ws", spark.Lit("-"), name, age), "Ann-30"},
		"expr":         {spark.Expr("upper(name) || '!'"), "ANN!"},
		"array":        {spark.Lit([]string{"a", "b"}).GetItem(1), "b"},
		"map":          {spark.Lit(spark.Map{{Key: "k", Value: 7}}).GetItem("k"), int32(7)},
		"field":        {spark.Call("named_struct", spark.Lit("x.y"), spark.Lit(8)).GetField("x.y"), int32(8)},
		"variant":      {spark.Lit(spark.Variant(`{"a":[1,2.5,null],"b":"x"}`)), spark.Variant(`{"a":[1,2.5,null],"b":"x"}`)},
		"interval":     {spark.Lit(spark.CalendarInterval{Months: 1, Days: 2, Microseconds: 3}), spark.CalendarInterval{Months: 1, Days: 2, Microseconds: 3}},
		"duration":     {spark.Lit(time.Hour).Plus(time.Minute), time.Hour + time.Minute},
	} {
		if diff := cmp.Diff([][]any{{c.expected}}, values(t, ann.Select(c.column.Alias("x")))); diff != "" {
			t.Errorf("%s (-expected +got):\n%s", title, diff)
		}
	}
}

func TestRarerTypesAreRead(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	must(0, session.Config().Set(ctx, "spark.sql.timeType.enabled", "true"))(t)
	must(0, session.Config().Set(ctx, "spark.sql.geospatial.enabled", "true"))(t)
	rows := values(t, must(session.SQL(ctx, `SELECT make_interval(1, 2, 0, 3, 0, 0, 4.5) AS a, INTERVAL '1-2' YEAR TO MONTH AS b, INTERVAL '-3' SECOND AS c,
		TIME'12:34:56.789' AS d, parse_json('{"x":[1,"y",true,null,1.25]}') AS e, array(named_struct('v', parse_json('1'))) AS f,
		CAST(NULL AS VARIANT) AS g, CAST(NULL AS INTERVAL) AS h, map('k', INTERVAL '2' MONTH) AS i, CAST(12345678901234567890123456789012345678 AS DECIMAL(38,0)) AS j,
		ST_GeomFromWKB(X'0101000000000000000000F03F0000000000000040') AS k`))(t))
	if inner, _ := rows[0][5].([]any)[0].(spark.Row).Get("v"); inner != spark.Variant("1") {
		t.Errorf("a variant in a struct in an array is %v", inner)
	}
	point := rows[0][10].(spark.Row)
	if wkb, _ := point.Get("wkb"); len(wkb.([]byte)) != 21 {
		t.Errorf("a point is %v", point)
	}
	rows[0][5] = nil
	expected := []any{
		spark.CalendarInterval{Months: 14, Days: 3, Microseconds: 4_500_000},
		int32(14), -3 * time.Second,
		12*time.Hour + 34*time.Minute + 56*time.Second + 789*time.Millisecond, spark.Variant(`{"x":[1,"y",true,null,1.25]}`), nil,
		nil, nil,
		spark.Map{{Key: "k", Value: int32(2)}},
		spark.Decimal("12345678901234567890123456789012345678"),
	}
	if diff := cmp.Diff(expected, rows[0][:10]); diff != "" {
		t.Errorf("values (-expected +got):\n%s", diff)
	}
}

func TestStepsGiveSparksRows(t *testing.T) {
	session := newSession(t)
	df, name, age := people(session), spark.Col("name"), spark.Col("age")
	jobs := session.CreateDataFrame([][]any{{"Ann", "cook"}, {"Bob", "smith"}, {"Bob", "clerk"}, {"Eva", "pilot"}}, "name STRING, job STRING")
	on := df.Col("name").Eq(jobs.Col("name"))
	for title, c := range map[string]struct {
		df       *spark.DataFrame
		expected [][]any
	}{
		"select":       {df.Select(name, age.Plus(1).Alias("n")).Limit(1), [][]any{{"Ann", int32(31)}}},
		"star":         {df.Select(spark.Col("*")).Limit(1), [][]any{{"Ann", int32(30), 1.5}}},
		"select SQL":   {df.SelectExpr("upper(name)", "age * 2").Limit(1), [][]any{{"ANN", int32(60)}}},
		"filter":       {df.Filter(age.Lt(30)).Select(name), [][]any{{"Bob"}, {"Dee"}}},
		"add":          {df.WithColumn("x", age.IsNull()).Select(name, spark.Col("x")).Where("x"), [][]any{{"Cid", true}}},
		"replace":      {df.WithColumn("age", spark.Lit(1)).Limit(1), [][]any{{"Ann", int32(1), 1.5}}},
		"rename":       {df.WithColumnRenamed("age", "years").Select(spark.Col("years")).Limit(1), [][]any{{int32(30)}}},
		"drop":         {df.Drop("age", "nobody").Limit(1), [][]any{{"Ann", 1.5}}},
		"to df":        {df.ToDF("a", "b", "c").Select(spark.Col("c")).Limit(1), [][]any{{1.5}}},
		"order":        {df.OrderBy(age, name.Desc()).Select(name), [][]any{{"Cid"}, {"Dee"}, {"Bob"}, {"Ann"}}},
		"nulls last":   {df.OrderBy(age.AscNullsLast(), name).Select(name), [][]any{{"Bob"}, {"Dee"}, {"Ann"}, {"Cid"}}},
		"nulls first":  {df.OrderBy(age.DescNullsFirst(), name).Select(name), [][]any{{"Cid"}, {"Ann"}, {"Bob"}, {"Dee"}}},
		"group":        {df.GroupBy(age).Count().OrderBy(age), [][]any{{nil, int64(1)}, {int32(25), int64(2)}, {int32(30), int64(1)}}},
		"aggregate":    {df.GroupBy().Agg(spark.Sum(age), spark.Avg(age), spark.Min(name), spark.Max(name), spark.Count(age), spark.CountDistinct(age)), [][]any{{int64(80), 80. / 3, "Ann", "Dee", int64(3), int64(2)}}},
		"join":         {df.Join(jobs, on, spark.InnerJoin).Select(df.Col("name"), spark.Col("job")).OrderBy(spark.Col("job")), [][]any{{"Bob", "clerk"}, {"Ann", "cook"}, {"Bob", "smith"}}},
		"full":         {df.JoinUsing(jobs, spark.FullOuterJoin, "name").Filter(spark.Col("rate").IsNull()).Select(name, spark.Col("job")).OrderBy(spark.Col("job")), [][]any{{"Bob", "clerk"}, {"Eva", "pilot"}, {"Bob", "smith"}}},
		"left":         {df.Join(jobs, on, spark.LeftOuterJoin).Filter(spark.Col("job").IsNull()).Select(df.Col("name")).OrderBy(name), [][]any{{"Cid"}, {"Dee"}}},
		"right":        {df.Join(jobs, on, spark.RightOuterJoin).Filter(age.IsNull()).Select(jobs.Col("name")), [][]any{{"Eva"}}},
		"semi":         {df.Join(jobs, on, spark.LeftSemiJoin).Select(name).OrderBy(name), [][]any{{"Ann"}, {"Bob"}}},
		"anti":         {df.JoinUsing(jobs, spark.LeftAntiJoin, "name").Select(name).OrderBy(name), [][]any{{"Cid"}, {"Dee"}}},
		"cross":        {df.CrossJoin(jobs).GroupBy().Count(), [][]any{{int64(16)}}},
		"by alias":     {df.Alias("p").Join(df.Alias("q"), spark.Expr("p.age = q.age AND p.name < q.name"), spark.InnerJoin).SelectExpr("p.name", "q.name"), [][]any{{"Bob", "Dee"}}},
		"union":        {df.Select(name).Union(jobs.Select(name)).GroupBy().Count(), [][]any{{int64(8)}}},
		"by name":      {jobs.UnionByName(jobs.Select(spark.Col("job"), name)).Filter(name.Eq("Ann")), [][]any{{"Ann", "cook"}, {"Ann", "cook"}}},
		"distinct":     {jobs.Select(name).Distinct().OrderBy(name), [][]any{{"Ann"}, {"Bob"}, {"Eva"}}},
		"no rows":      {session.CreateDataFrame(nil, "a INT").Union(session.CreateDataFrame([][]any{{int8(1)}}, "a INT")), [][]any{{int32(1)}}},
		"over":         {df.Select(name, spark.Expr("row_number() OVER (ORDER BY name DESC) AS n")).Filter(spark.Col("n").Eq(1)), [][]any{{"Dee", int32(1)}}},
		"of a command": {must(session.SQL(testContext(t), "SHOW FUNCTIONS LIKE 'array_agg'"))(t).Select(spark.Call("length", spark.Col("function"))), [][]any{{int32(9)}}},
	} {
		if diff := cmp.Diff(c.expected, values(t, c.df)); diff != "" {
			t.Errorf("%s (-expected +got):\n%s", title, diff)
		}
	}
	if n := must(df.Count(testContext(t)))(t); n != 4 {
		t.Errorf("%d rows, expected 4", n)
	}
}

func TestOwnRowsComeBackAsTheyWere(t *testing.T) {
	session := newSession(t)
	row := []any{
		true, int8(1), int16(2), int32(3), int64(4), float32(1.5), 2.5, "é",
		[]byte{0, 0xff},
		spark.Decimal("-12.50"),
		spark.Date{Year: 1969, Month: 12, Day: 31},
		time.Date(2024, 2, 29, 12, 34, 56, 789012000, time.UTC), time.Hour,
		spark.TimestampNTZ{Date: spark.Date{Year: 2024, Month: 2, Day: 29}, Hour: 12, Minute: 34, Second: 56, Microsecond: 789012},
		spark.CalendarInterval{Months: 1, Days: 2, Microseconds: 3},
		[]any{"a", nil},
		spark.Map{{Key: "k", Value: int32(1)}},
		spark.Decimal("1234567890123456789012.34567890"), spark.Decimal("99999999999999999999999999999999999999"),
		[]any{spark.Decimal("0.00000000000000000000000000000000000001"), nil},
	}
	df := session.CreateDataFrame([][]any{row, make([]any, len(row))}, `a BOOLEAN, b TINYINT, c SMALLINT, d INT, e BIGINT, f FLOAT, g DOUBLE, h STRING, i BINARY,
		j DECIMAL(4,2), k DATE, l TIMESTAMP, m INTERVAL DAY TO SECOND, n TIMESTAMP_NTZ, o INTERVAL, p ARRAY<STRING>, q MAP<STRING, INT>,
		r DECIMAL(30,8), s DECIMAL(38,0), t ARRAY<DECIMAL(38,38)>`)
	if diff := cmp.Diff([][]any{row, make([]any, len(row))}, values(t, df)); diff != "" {
		t.Errorf("rows (-sent +got):\n%s", diff)
	}
	_, err := session.CreateDataFrame([][]any{{int64(1) << 40}}, "a INT").Collect(testContext(t))
	var e *spark.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "overflow") {
		t.Errorf("a number too large for the schema gave %v", err)
	}
}

// TestFirstAndLastTimesComeBack sends the ends of what SQL can say, as literals and as rows.
func TestFirstAndLastTimesComeBack(t *testing.T) {
	session := newSession(t)
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	row := []any{
		spark.Date{Year: 1, Month: 1, Day: 1},
		spark.Date{Year: 9999, Month: 12, Day: 31},
		first, last,
		spark.TimestampNTZOf(first), spark.TimestampNTZOf(last),
		(math.MinInt64 * time.Nanosecond).Truncate(time.Microsecond), (math.MaxInt64 * time.Nanosecond).Truncate(time.Microsecond),
		spark.Decimal("-99999999999999999999999999999999999999"), spark.Decimal("0.00000000000000000000000000000000000001"),
	}
	columns := make([]spark.Column, len(row))
	for i, value := range row {
		columns[i] = spark.Lit(value)
	}
	schema := "a DATE, b DATE, c TIMESTAMP, d TIMESTAMP, e TIMESTAMP_NTZ, f TIMESTAMP_NTZ, g INTERVAL DAY TO SECOND, h INTERVAL DAY TO SECOND, i DECIMAL(38,0), j DECIMAL(38,38)"
	for title, df := range map[string]*spark.DataFrame{
		"literals": session.Range(0, 1, 1).Select(columns...), "rows": session.CreateDataFrame([][]any{row}, schema),
	} {
		if diff := cmp.Diff([][]any{row}, values(t, df)); diff != "" {
			t.Errorf("%s (-sent +got):\n%s", title, diff)
		}
	}
}

func TestIntervalLongerThanADurationIsAnError(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	long := must(session.SQL(ctx, "SELECT 1 AS n, INTERVAL '300000 04:00:54.775807' DAY TO SECOND AS span"))(t)
	if rows, err := long.Collect(ctx); err == nil || !strings.Contains(err.Error(), "column span: an interval of") {
		t.Errorf("got %v and %v, expected an error that names the column", rows, err)
	}
	if diff := cmp.Diff([][]any{{"INTERVAL '300000 04:00:54.775807' DAY TO SECOND"}}, values(t, long.SelectExpr("CAST(span AS STRING)"))); diff != "" {
		t.Errorf("as a string (-expected +got):\n%s", diff)
	}
}

// TestVariantsAreWhatToJSONWrites has Spark write the same variants in UTC, which is how this client writes instants.
func TestVariantsAreWhatToJSONWrites(t *testing.T) {
	ctx, session, utc := testContext(t), newSession(t), newSession(t)
	must(0, utc.Config().Set(ctx, "spark.sql.session.timeZone", "UTC"))(t)
	var variants, texts []string
	for i, value := range []string{
		"true", "1Y", "300S", "-70000", "9223372036854775807L",
		"1.5D", "100D", "0.001D", "9.9E-4D", "9999999D", "1e7D", "12345678D", "-0D", "4.9E-324D", "1.7976931348623157E308D", "double('NaN')", "double('-Infinity')",
		"0.1F", "1e10F", "float('NaN')", "float('Infinity')",
		"12.50BD", "0.00BD", "1e-20BD", "1000BD", "-12345678901234567890123456789012345678BD",
		`'é<>&\u2028\u007f😀"\\/\n\t\r\b\u0000\u001f'`, "''", "repeat('a', 100)", "X'00FF10'", "X''",
		"DATE'2024-02-29'", "DATE'0001-01-01'", "DATE'-0044-03-15'", "DATE'+12024-02-29'",
		"TIMESTAMP'2024-02-29 12:34:56.789Z'", "TIMESTAMP'1800-02-28 12:34:00.000001Z'", "TIMESTAMP'+12024-02-29 12:34:00Z'", "TIMESTAMP'-0044-03-15 12:34:00Z'",
		"TIMESTAMP_NTZ'2024-02-29 12:34:56.789'", "TIMESTAMP_NTZ'2024-02-29 00:00:00'",
		"array(1, null)", `parse_json('{"b":1e3,"a":{"z":[],"é":{},"<":"&"},"":[null,1.50,1e400]}')`,
		"to_variant_object(named_struct('z', X'01', 'a', double('NaN'), 'm', map('k', DATE'2024-01-01')))",
	} {
		variants = append(variants, fmt.Sprintf("CAST(%s AS VARIANT) AS v%d", value, i))
		texts = append(texts, fmt.Sprintf("to_json(v%d)", i))
	}
	query := "SELECT " + strings.Join(variants, ", ")
	got := values(t, must(session.SQL(ctx, query))(t))[0]
	for i, text := range values(t, must(utc.SQL(ctx, query))(t).SelectExpr(texts...))[0] {
		if got[i] != spark.Variant(text.(string)) {
			t.Errorf("%s is %v, expected %v", variants[i], got[i], text)
		}
	}
}

// TestSessionIsInTheZoneOfTheRun holds that the tests run in two zones.
func TestSessionIsInTheZoneOfTheRun(t *testing.T) {
	expected := "UTC"
	if inServersZone {
		expected = serversZone
	}
	zones := values(t, must(newSession(t).SQL(testContext(t), "SELECT current_timezone(), hour(TIMESTAMP'2024-01-01 00:00:00Z')"))(t))
	if diff := cmp.Diff([][]any{{expected, map[string]any{"UTC": int32(0), serversZone: int32(9)}[expected]}}, zones); diff != "" {
		t.Errorf("zone (-expected +got):\n%s", diff)
	}
}

// TestWindowsOfAStreamAreCounted runs the shape of the program in example.
func TestWindowsOfAStreamAreCounted(t *testing.T) {
	ctx, session, folder := testContext(t), newSession(t), t.TempDir()
	at := func(second int) time.Time { return time.Date(2024, 1, 1, 0, 0, second, 0, time.UTC) }
	rows := session.CreateDataFrame([][]any{{at(1)}, {at(4)}, {at(5)}, {at(11)}}, "at TIMESTAMP")
	must(0, rows.Write().Format("parquet").Mode(spark.Overwrite).Option("path", folder+"/in").Save(ctx))(t)
	window := spark.Window(spark.Col("at"), 5*time.Second, 5*time.Second)
	query := must(session.ReadStream().Format("parquet").Schema("at TIMESTAMP").Load(folder+"/in").WithWatermark("at", time.Minute).
		GroupBy(window).Count().WriteStream().Format("memory").QueryName("windows").OutputMode(spark.OutputComplete).
		Option("checkpointLocation", folder+"/checkpoint").Trigger(spark.AvailableNow()).Start(ctx))(t)
	must(0, query.AwaitTermination(ctx))(t)
	counts := session.Table("windows").Select(spark.Col("window.start"), spark.Col("window.end"), spark.Col("count")).OrderBy(spark.Col("start"))
	if diff := cmp.Diff([][]any{{at(0), at(5), int64(2)}, {at(5), at(10), int64(1)}, {at(10), at(15), int64(1)}}, values(t, counts)); diff != "" {
		t.Errorf("windows (-expected +got):\n%s", diff)
	}
	sliding := rows.GroupBy(spark.Window(spark.Col("at"), 10*time.Second, 5*time.Second)).Count()
	if n := must(sliding.Count(ctx))(t); n != 4 {
		t.Errorf("%d sliding windows, expected 4", n)
	}
}
