//go:build services

package spark_test

import "realtime-election/spark"

const ofColumn = "pyspark.sql.column.Column"

// columnDoctests compare the columns printed as the messages that they are, and all others by names, types and rows.
var columnDoctests = map[string]func(*doctest){
	ofColumn: func(d *doctest) {
		df := d.people()
		d.object(df.Col("name"))
		d.object(df.Col("name"))
		d.object(df.Col("age").Plus(1))
		d.object(spark.Lit(1).Divide(df.Col("age")))
	},
	ofColumn + ".__getattr__": func(d *doctest) {
		df := d.frame("l STRING, d MAP<STRING, STRING>", row{"abcedfg", spark.Map{{Key: "key", Value: "value"}}})
		d.show(df.Select(df.Col("d").GetField("key")))
	},
	ofColumn + ".asc": func(d *doctest) { df := d.tall(); d.collect(df.Select(df.Col("name")).OrderBy(df.Col("name").Asc())) },
	ofColumn + ".asc_nulls_first": func(d *doctest) {
		df := d.nameless()
		d.collect(df.Select(df.Col("name")).OrderBy(df.Col("name").Asc()))
	},
	ofColumn + ".asc_nulls_last": func(d *doctest) {
		df := d.nameless()
		d.collect(df.Select(df.Col("name")).OrderBy(df.Col("name").AscNullsLast()))
	},
	ofColumn + ".desc": func(d *doctest) { df := d.tall(); d.collect(df.Select(df.Col("name")).OrderBy(df.Col("name").Desc())) },
	ofColumn + ".desc_nulls_first": func(d *doctest) {
		df := d.nameless()
		d.collect(df.Select(df.Col("name")).OrderBy(df.Col("name").DescNullsFirst()))
	},
	ofColumn + ".desc_nulls_last": func(d *doctest) {
		df := d.nameless()
		d.collect(df.Select(df.Col("name")).OrderBy(df.Col("name").Desc()))
	},
	ofColumn + ".between": func(d *doctest) {
		df := d.people()
		d.show(df.Select(df.Col("name"), df.Col("age").Between(2, 4)))
		df = d.frame("name STRING, initial STRING", row{"Alice", "A"}, row{"Bob", "B"})
		d.show(df.Select(df.Col("name"), df.Col("initial").Between("A", "B")))
		df = d.frame("height DOUBLE, name STRING", row{2.5, "Alice"}, row{5.5, "Bob"})
		d.show(df.Select(df.Col("name"), df.Col("height").Between(2.0, 5.0)))
		df = d.frame("name STRING, date STRING", row{"Alice", "2023-01-01"}, row{"Bob", "2023-02-01"})
		df = df.WithColumn("date", spark.Call("to_date", df.Col("date")))
		d.show(df.Select(df.Col("name"), df.Col("date").Between("2023-01-01", "2023-01-15")))
		d.show(df.Select(df.Col("name"), df.Col("date").Between(spark.Date{Year: 2023, Month: 1, Day: 1}, spark.Date{Year: 2023, Month: 1, Day: 15})))
		df = d.frame("name STRING, timestamp STRING", row{"Alice", "2023-01-01 10:00:00"}, row{"Bob", "2023-02-01 10:00:00"})
		df = df.WithColumn("timestamp", spark.Call("to_timestamp", df.Col("timestamp")))
		d.show(df.Select(df.Col("name"), df.Col("timestamp").Between("2023-01-01", "2023-02-01")))
		d.show(df.Select(df.Col("name"), df.Col("timestamp").Between("2023-01-01", "2023-02-01 12:00:00")))
	},
	ofColumn + ".cast": func(d *doctest) {
		df := d.people()
		d.collect(df.Select(df.Col("age").Cast("string").Alias("ages")))
		d.collect(df.Select(df.Col("age").Cast("string").Alias("ages")))
	},
	ofColumn + ".contains": func(d *doctest) { df := d.people(); d.collect(df.Filter(df.Col("name").Contains("o"))) },
	ofColumn + ".endswith": func(d *doctest) {
		df := d.people()
		d.collect(df.Filter(df.Col("name").EndsWith("ice")))
		d.collect(df.Filter(df.Col("name").EndsWith("ice$")))
	},
	ofColumn + ".startswith": func(d *doctest) {
		df := d.people()
		d.collect(df.Filter(df.Col("name").StartsWith("Al")))
		d.collect(df.Filter(df.Col("name").StartsWith("^Al")))
	},
	ofColumn + ".eqNullSafe": func(d *doctest) {
		df1 := d.frame("id LONG, value STRING", row{1, "foo"}, row{2, nil})
		value := df1.Col("value")
		d.show(df1.Select(value.Eq("foo"), value.EqNullSafe("foo"), value.EqNullSafe(nil)))
		df2 := d.frame("value STRING", row{"bar"}, row{nil})
		d.count(df1.Join(df2, value.Eq(df2.Col("value")), spark.InnerJoin))
		d.count(df1.Join(df2, value.EqNullSafe(df2.Col("value")), spark.InnerJoin))
		df2 = d.frame("id LONG, value DOUBLE", row{1, nan}, row{2, 42.0}, row{3, nil})
		value = df2.Col("value")
		d.show(df2.Select(value.EqNullSafe(nil), value.EqNullSafe(nan), value.EqNullSafe(42.0)))
	},
	ofColumn + ".getField": func(d *doctest) {
		df := d.session.Range(0, 1, 1).Select(spark.Expr("named_struct('a', 1L, 'b', 'b') AS r"))
		d.show(df.Select(df.Col("r").GetField("b")))
		d.show(df.Select(df.Col("r").GetField("a")))
	},
	ofColumn + ".getItem": func(d *doctest) {
		df := d.frame("l ARRAY<LONG>, d MAP<STRING, STRING>", row{[]any{1, 2}, spark.Map{{Key: "key", Value: "value"}}})
		d.show(df.Select(df.Col("l").GetItem(0), df.Col("d").GetItem("key")))
	},
	ofColumn + ".ilike": func(d *doctest) { df := d.people(); d.collect(df.Filter(df.Col("name").ILike("%Ice"))) },
	ofColumn + ".like":  func(d *doctest) { df := d.people(); d.collect(df.Filter(df.Col("name").Like("Al%"))) },
	ofColumn + ".rlike": func(d *doctest) { df := d.people(); d.collect(df.Filter(df.Col("name").RLike("ice$"))) },
	ofColumn + ".isNaN": func(d *doctest) {
		df := d.frame("name STRING, height DOUBLE", row{"Tom", 80.0}, row{"Alice", nan})
		d.collect(df.Filter(spark.Call("isnan", df.Col("height"))))
	},
	ofColumn + ".isNotNull": func(d *doctest) { df := d.tall(); d.collect(df.Filter(df.Col("height").IsNotNull())) },
	ofColumn + ".isNull":    func(d *doctest) { df := d.tall(); d.collect(df.Filter(df.Col("height").IsNull())) },
	ofColumn + ".otherwise": func(d *doctest) {
		df := d.people()
		d.show(df.Select(df.Col("name"), spark.When(df.Col("age").Gt(3), 1).Otherwise(0)))
	},
	ofColumn + ".when": func(d *doctest) {
		df := d.people()
		d.show(df.Select(df.Col("name"), spark.When(df.Col("age").Gt(4), 1).When(df.Col("age").Lt(3), -1).Otherwise(0)))
		df = d.frame("age LONG, name STRING", row{1, "Alice"}, row{4, "Bob"}, row{6, "Charlie"})
		d.show(df.Select(df.Col("name"), spark.When(df.Col("age").Lt(3), "Young").When(df.Col("age").Lt(5), "Middle-aged").Otherwise("Old")))
		df = d.people()
		d.show(df.Select(df.Col("name"), spark.When(spark.Lit(true), 1).Otherwise(spark.Call("raise_error", spark.Lit("unreachable"))).Alias("when")))
	},
	ofColumn + ".over": func(d *doctest) {
		const window = " OVER (PARTITION BY name ORDER BY age ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
		d.show(d.people().WithColumn("rank", spark.Expr("rank()"+window)).WithColumn("min", spark.Expr("min(age)"+window)).
			OrderBy(spark.Col("age").Desc()))
	},
	ofColumn + ".substr": func(d *doctest) {
		df := d.people()
		d.collect(df.Select(spark.Call("substr", df.Col("name"), spark.Lit(1), spark.Lit(3)).Alias("col")))
		df = d.frame("sidx LONG, eidx LONG, name STRING", row{3, 4, "Alice"}, row{2, 3, "Bob"})
		d.collect(df.Select(spark.Call("substr", df.Col("name"), df.Col("sidx"), df.Col("eidx")).Alias("col")))
	},
	ofColumn + ".transform": func(d *doctest) {
		df := d.frame("text STRING", row{"  hello  "}, row{"  world  "})
		d.show(df.Select(spark.Call("upper", spark.Call("trim", df.Col("text"))).Alias("result")))
		df = d.frame("value LONG", row{10}, row{20}, row{30})
		d.show(df.Select(df.Col("value").Plus(5).Multiply(2).Minus(10).Alias("result")))
	},
}

func (d *doctest) tall() *spark.DataFrame {
	return d.frame("name STRING, height LONG", row{"Tom", 80}, row{"Alice", nil})
}

func (d *doctest) nameless() *spark.DataFrame {
	return d.frame("name STRING, height LONG", row{"Tom", 80}, row{nil, 60}, row{"Alice", nil})
}
