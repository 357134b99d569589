//go:build services

package spark_test

import (
	"math"
	"time"

	"realtime-election/spark"
)

const ofFunction = "pyspark.sql.functions.builtin."

var (
	nan  = math.NaN()
	star = spark.Col("*")
	col  = spark.Col
	call = spark.Call
	lit  = spark.Lit
)

// functionDoctests compare names, types and rows.
var functionDoctests = map[string]func(*doctest){
	ofFunction + "abs": func(d *doctest) {
		df := d.frame("value LONG", row{-1}, row{-2}, row{-3}, row{nil})
		d.show(df.Select(star, call("abs", df.Col("value"))))
		df = d.frame("value DOUBLE", row{-1.5}, row{-2.5}, row{nil}, row{nan})
		d.show(df.Select(star, call("abs", df.Col("value"))))
		df = d.frame("id LONG, value LONG", row{1, 1}, row{2, -2}, row{3, 3})
		d.show(df.Select(star, call("abs", df.Col("id").Minus(df.Col("value")))))
	},
	ofFunction + "add_months": func(d *doctest) { d.shift("add_months") },
	ofFunction + "date_add":   func(d *doctest) { d.shift("date_add") },
	ofFunction + "array": func(d *doctest) {
		df := d.frame("name STRING, occupation STRING", row{"Alice", "doctor"}, row{"Bob", "engineer"})
		for range 3 {
			d.show(df.Select(call("array", col("name"), col("occupation"))))
		}
		df = d.frame("name STRING, age LONG, weight DOUBLE", row{"Alice", 2, 22.2}, row{"Bob", 5, 36.1})
		d.show(df.Select(call("array", col("age"), col("weight"))))
		df = d.frame("name STRING, occupation STRING", row{"Alice", nil}, row{"Bob", "engineer"})
		d.show(df.Select(call("array", col("name"), col("occupation"))))
	},
	ofFunction + "array_contains": func(d *doctest) {
		abc := []any{"a", "b", "c"}
		df := d.frame("data ARRAY<STRING>", row{abc}, row{[]any{}})
		d.show(df.Select(call("array_contains", df.Col("data"), lit("a"))))
		df = d.frame("data ARRAY<STRING>, item STRING", row{abc, "c"}, row{[]any{"c", "d", "e"}, "d"}, row{[]any{"e", "a", "c"}, "b"})
		d.show(df.Select(call("array_contains", df.Col("data"), col("item"))))
		df = d.frame("data ARRAY<STRING>", row{nil}, row{abc})
		d.show(df.Select(call("array_contains", df.Col("data"), lit("a"))))
		df = d.frame("data ARRAY<STRING>", row{[]any{"a", nil, "c"}})
		d.show(df.Select(call("array_contains", df.Col("data"), lit("a"))))
	},
	ofFunction + "avg": func(d *doctest) {
		d.show(d.frame("birth LONG, age LONG", row{1982, 15}, row{1990, 2}).Select(spark.Avg(col("age"))))
		d.show(d.births().Select(spark.Avg(col("age"))))
	},
	ofFunction + "sum": func(d *doctest) {
		df := d.session.Range(0, 10, 1)
		d.show(df.Select(spark.Sum(df.Col("id"))))
		d.show(d.frame("A LONG, B LONG", row{1, 2}, row{3, 4}).Select(spark.Sum(col("A").Plus(col("B")))))
		d.show(d.births().Select(spark.Sum(col("age"))))
	},
	ofFunction + "min": func(d *doctest) {
		df := d.session.Range(0, 10, 1)
		d.show(df.Select(spark.Min(df.Col("id"))))
		d.show(d.frame("name STRING", row{"Alice"}, row{"Bob"}, row{"Charlie"}).Select(spark.Min(col("name"))))
		d.show(d.frame("value LONG", row{1}, row{nil}, row{3}).Select(spark.Min(col("value"))))
		d.show(d.frame("name STRING, value LONG", row{"Alice", 1}, row{"Alice", 2}, row{"Bob", 3}).GroupBy(col("name")).Agg(spark.Min(col("value"))))
		d.show(d.frame("name STRING, value1 LONG, value2 LONG", row{"Alice", 1, 100}, row{"Bob", 2, 200}, row{"Charlie", 3, 300}).
			Select(spark.Min(col("value1")), spark.Min(col("value2"))))
	},
	ofFunction + "max": func(d *doctest) {
		df := d.session.Range(0, 10, 1)
		d.show(df.Select(spark.Max(df.Col("id"))))
		df = d.frame("value STRING", row{"A"}, row{"B"}, row{"C"})
		d.show(df.Select(spark.Max(df.Col("value"))))
		df = d.frame("key STRING, value LONG", row{"A", 1}, row{"A", 2}, row{"B", 3}, row{"B", 4})
		d.show(df.GroupBy(col("key")).Agg(spark.Max(df.Col("value"))))
		df = d.frame("key STRING, value1 LONG, value2 LONG", row{"A", 1, 2}, row{"A", 2, 3}, row{"B", 3, 4}, row{"B", 4, 5})
		d.show(df.GroupBy(col("key")).Agg(spark.Max(col("value1")), spark.Max(col("value2"))))
		df = d.frame("value LONG", row{1}, row{2}, row{nil})
		d.show(df.Select(spark.Max(df.Col("value"))))
		df = d.frame("value DOUBLE", row{1.1}, row{nan}, row{3.3})
		d.show(df.Select(spark.Max(df.Col("value"))))
	},
	ofFunction + "count": func(d *doctest) {
		df := d.frame("alphabets STRING", row{nil}, row{"a"}, row{"b"}, row{"c"})
		d.show(df.Select(spark.Count(star)))
		d.show(df.Select(spark.Count(df.Col("alphabets"))))
		df = d.frame("id LONG, fruit STRING", row{1, "apple"}, row{2, "banana"}, row{3, nil})
		d.show(df.Select(spark.Count(star)))
		d.show(df.Select(spark.Count(df.Col("id")), spark.Count(df.Col("fruit"))))
	},
	ofFunction + "count_distinct": func(d *doctest) {
		df := d.frame("value LONG", row{1}, row{1}, row{3})
		d.show(df.Select(spark.CountDistinct(df.Col("value"))))
		df = d.frame("value1 LONG, value2 LONG", row{1, 1}, row{1, 2})
		d.show(df.Select(spark.CountDistinct(df.Col("value1"), df.Col("value2"))))
		d.show(df.Select(spark.CountDistinct(col("value1"), col("value2"))))
	},
	ofFunction + "coalesce": func(d *doctest) {
		df := d.frame("a LONG, b LONG", row{nil, nil}, row{1, nil}, row{nil, 2})
		d.show(df)
		d.show(df.Select(star, call("coalesce", col("a"), df.Col("b"))))
		d.show(df.Select(star, call("coalesce", df.Col("a"), lit(0.0))))
	},
	ofFunction + "col": func(d *doctest) {
		d.object(col("x"))
		d.object(col("x"))
	},
	ofFunction + "concat": func(d *doctest) {
		df := d.frame("s STRING, d STRING", row{"abcd", "123"})
		d.show(df.Select(call("concat", df.Col("s"), df.Col("d"))))
		df = d.frame("a ARRAY<LONG>, b ARRAY<LONG>, c ARRAY<LONG>", row{[]any{1, 2}, []any{3, 4}, []any{5}}, row{[]any{1, 2}, nil, []any{3}})
		d.show(df.Select(call("concat", df.Col("a"), df.Col("b"), df.Col("c"))))
		df = d.frame("a LONG, b LONG, c LONG", row{1, 2, 3})
		d.show(df.Select(call("concat", df.Col("a"), df.Col("b"), df.Col("c"))))
		df = d.frame("a BINARY, b BINARY", row{[]byte("abc"), []byte("def")})
		d.show(df.Select(call("concat", df.Col("a"), df.Col("b"))))
		df = d.frame("a LONG, b STRING, c LONG, d STRING", row{1, "abc", 3, "def"})
		d.show(df.Select(call("concat", df.Col("a"), df.Col("b"), df.Col("c"), df.Col("d"))))
	},
	ofFunction + "concat_ws": func(d *doctest) {
		df := d.frame("s STRING, d STRING", row{"abcd", "123"})
		d.show(df.Select(star, call("concat_ws", lit("-"), df.Col("s"), col("d"), lit("xyz"))))
	},
	ofFunction + "create_map": func(d *doctest) {
		df := d.frame("name STRING, age LONG", row{"Alice", 2}, row{"Bob", 5})
		d.show(df.Select(call("map", col("name"), col("age"))))
		d.show(df.Select(call("map", df.Col("name"), df.Col("age"))))
		df = d.frame("name STRING, age LONG, gender STRING", row{"Alice", 2, "female"}, row{"Bob", 5, "male"})
		d.show(df.Select(call("map", lit("name"), df.Col("name"), lit("gender"), df.Col("gender"))))
		df = d.frame("name STRING, age LONG, weight DOUBLE", row{"Alice", 2, 22.2}, row{"Bob", 5, 36.1})
		d.show(df.Select(call("map", lit("age"), df.Col("age"), lit("weight"), df.Col("weight"))))
	},
	ofFunction + "datediff": func(d *doctest) {
		df := d.frame("d1 STRING, d2 STRING", row{"2015-04-08", "2015-05-10"})
		d.show(df.Select(star, call("datediff", col("d1"), col("d2"))))
		d.show(df.Select(star, call("datediff", df.Col("d2"), df.Col("d1"))))
	},
	ofFunction + "element_at": func(d *doctest) {
		df := d.frame("data ARRAY<STRING>", row{[]any{"a", "b", "c"}})
		d.show(df.Select(call("element_at", df.Col("data"), lit(1))))
		d.show(df.Select(call("element_at", df.Col("data"), lit(-1))))
		ab := spark.Map{{Key: "a", Value: 1.0}, {Key: "b", Value: 2.0}}
		df = d.frame("data MAP<STRING, DOUBLE>", row{ab})
		d.show(df.Select(call("element_at", df.Col("data"), lit("a"))))
		d.show(df.Select(call("element_at", df.Col("data"), lit("c"))))
		df = d.frame("data MAP<STRING, DOUBLE>, b STRING", row{ab, "a"})
		d.show(df.Select(call("element_at", df.Col("data"), lit("b"))))
	},
	ofFunction + "expr": func(d *doctest) {
		d.show(d.frame("name STRING", row{"Alice"}, row{"Bob"}).Select(star, spark.Expr("length(name)")))
	},
	ofFunction + "greatest": func(d *doctest) {
		df := d.frame("a LONG, b LONG, c LONG", row{1, 4, 3})
		d.show(df.Select(star, call("greatest", df.Col("a"), col("b"), df.Col("c"))))
	},
	ofFunction + "hex": func(d *doctest) {
		df := d.frame("a STRING, b LONG", row{"ABC", 3})
		d.show(df.Select(star, call("hex", col("a")), call("hex", df.Col("b"))))
	},
	ofFunction + "isnan": func(d *doctest) {
		df := d.frame("a DOUBLE, b DOUBLE", row{1.0, nan}, row{nan, 2.0})
		d.show(df.Select(star, call("isnan", col("a")), call("isnan", df.Col("b"))))
	},
	ofFunction + "isnull": func(d *doctest) {
		df := d.frame("a LONG, b LONG", row{1, nil}, row{nil, 2})
		d.show(df.Select(star, col("a").IsNull(), df.Col("b").IsNull()))
	},
	ofFunction + "last_day": func(d *doctest) {
		df := d.frame("dt STRING", row{"1997-02-10"})
		d.show(df.Select(star, call("last_day", df.Col("dt"))))
		d.show(df.Select(star, call("last_day", col("dt"))))
	},
	ofFunction + "make_date": func(d *doctest) {
		df := d.frame("Y LONG, M LONG, D LONG", row{2020, 6, 26})
		d.show(df.Select(star, call("make_date", df.Col("Y"), col("M"), df.Col("D"))))
	},
	ofFunction + "map_keys": func(d *doctest) {
		sorted := call("sort_array", call("map_keys", col("data")))
		d.show(d.sql("SELECT map(1, 'a', 2, 'b') as data").Select(sorted))
		d.show(d.sql("SELECT map(array(1, 2), 'a', array(3, 4), 'b') as data").Select(sorted))
		const policy = "spark.sql.mapKeyDedupPolicy"
		before := must(d.session.Config().Get(d.ctx, policy))(d.T)
		must(0, d.session.Config().Set(d.ctx, policy, "LAST_WIN"))(d.T)
		d.show(d.sql("SELECT map(1, 'a', 1, 'b') as data").Select(call("map_keys", col("data"))))
		must(0, d.session.Config().Set(d.ctx, policy, before))(d.T)
		d.show(d.sql("SELECT map() as data").Select(call("map_keys", col("data"))))
	},
	ofFunction + "named_struct": func(d *doctest) {
		df := d.frame("a LONG, b LONG", row{1, 2})
		d.show(df.Select(star, call("named_struct", lit("x"), df.Col("a"), lit("y"), col("b"))))
	},
	ofFunction + "struct": func(d *doctest) {
		df := d.frame("name STRING, age LONG", row{"Alice", 2}, row{"Bob", 5})
		d.show(df.Select(star, call("struct", col("age"), df.Col("name"))))
	},
	ofFunction + "size": func(d *doctest) {
		df := d.frame("data ARRAY<LONG>", row{[]any{1, 2, 3}}, row{[]any{1}}, row{[]any{}})
		d.collect(df.Select(call("size", df.Col("data"))))
	},
	ofFunction + "to_binary": func(d *doctest) {
		df := d.frame("e STRING", row{"abc"})
		d.collect(df.Select(call("try_to_binary", df.Col("e"), lit("utf-8")).Alias("r")))
		df = d.frame("e STRING", row{"414243"})
		d.collect(df.Select(call("try_to_binary", df.Col("e")).Alias("r")))
	},
	ofFunction + "to_date": func(d *doctest) {
		df := d.frame("ts STRING", row{"1997-02-28 10:30:00"})
		d.show(df.Select(star, call("to_date", df.Col("ts"))))
		d.show(df.Select(star, call("to_date", col("ts"), lit("yyyy-MM-dd HH:mm:ss"))))
	},
	ofFunction + "to_timestamp": func(d *doctest) {
		df := d.frame("t STRING", row{"1997-02-28 10:30:00"})
		d.show(df.Select(call("to_timestamp", df.Col("t"))))
		d.show(df.Select(call("to_timestamp", df.Col("t"), lit("yyyy-MM-dd HH:mm:ss"))))
	},
	ofFunction + "upper": func(d *doctest) { d.show(d.sparks().Select(star, call("upper", col("value")))) },
	ofFunction + "lower": func(d *doctest) { d.show(d.sparks().Select(star, call("lower", col("value")))) },
	ofFunction + "when": func(d *doctest) {
		df := d.session.Range(0, 3, 1)
		d.show(df.Select(star, spark.When(df.Col("id").Eq(2), 3).Otherwise(4)))
		d.show(df.Select(star, spark.When(df.Col("id").Eq(2), df.Col("id").Plus(1))))
	},
	ofFunction + "window": func(d *doctest) {
		df := d.windows(spark.Window(col("dt"), 5*time.Second, 5*time.Second))
		d.show(df)
		d.schema(df)
	},
	ofFunction + "window_time": func(d *doctest) {
		d.show(d.windows(spark.Window(col("dt"), 5*time.Second, 5*time.Second)).Select(star, call("window_time", col("window"))))
	},
	ofFunction + "session_window": func(d *doctest) {
		df := d.frame("dt STRING, v LONG", row{"2016-03-11 09:00:07", 1}).GroupBy(call("session_window", col("dt"), lit("5 seconds"))).Agg(spark.Sum(col("v")))
		d.show(df)
		d.schema(df)
	},
}

// windows are the sums of a window.
func (d *doctest) windows(window spark.Column) *spark.DataFrame {
	return d.frame("dt TIMESTAMP, v LONG", row{time.Date(2016, 3, 11, 9, 0, 7, 0, time.UTC), 1}).GroupBy(window).Agg(spark.Sum(col("v")))
}

func (d *doctest) births() *spark.DataFrame {
	return d.frame("birth LONG, age LONG", row{1982, nil}, row{1990, 2}, row{2000, 4})
}

func (d *doctest) sparks() *spark.DataFrame {
	return d.frame("value STRING", row{"Spark"}, row{"PySpark"}, row{"Pandas API"})
}

// shift moves a date by a function of it and a number.
func (d *doctest) shift(function string) {
	d.Helper()
	df := d.frame("dt STRING, a INT", row{"2015-04-08", 2})
	d.show(df.Select(star, call(function, df.Col("dt"), lit(1))))
	d.show(df.Select(star, call(function, col("dt"), col("a"))))
	d.show(df.Select(star, call(function, col("dt"), lit(-1))))
}
