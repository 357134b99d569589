//go:build services

package spark_test

import (
	"slices"

	"realtime-election/spark"
)

const (
	ofFrame   = "pyspark.sql.dataframe.DataFrame"
	ofGroup   = "pyspark.sql.group.GroupedData"
	ofSession = "pyspark.sql.session.SparkSession"
)

// dataFrameDoctests compare names, types and rows, or what was counted; of a plan the headings.
var dataFrameDoctests = map[string]func(*doctest){
	ofFrame + ".agg": func(d *doctest) {
		df := d.people()
		d.show(df.GroupBy().Agg(spark.Max(col("age"))))
		d.show(df.GroupBy().Agg(spark.Min(df.Col("age"))))
	},
	ofFrame + ".alias": func(d *doctest) {
		df := d.three()
		joined := df.Alias("df_as1").Join(df.Alias("df_as2"), col("df_as1.name").Eq(col("df_as2.name")), spark.InnerJoin)
		d.show(joined.Select(col("df_as1.name"), col("df_as2.name"), col("df_as2.age")).OrderBy(col("df_as1.name").Desc()))
	},
	ofFrame + ".columns": func(d *doctest) {
		df := d.frame("age LONG, name STRING, state STRING", row{14, "Tom", "CA"}, row{23, "Alice", "NY"}, row{16, "Bob", "TX"})
		columns := func(df *spark.DataFrame) (names []string) {
			for _, field := range must(df.Schema(d.ctx))(d.T) {
				names = append(names, field.Name)
			}
			return names
		}
		d.value(columns(df))
		d.show(df.Select(col("name"), col("state")))
		d.value(slices.Contains(columns(df), "state"))
		d.value(slices.Contains(columns(df), "salary"))
		for _, name := range columns(df) {
			df = df.WithColumn(name, call("upper", col(name)))
		}
		d.show(df)
		df = df.WithColumnRenamed("name", "first_name")
		d.value(columns(df))
		df2 := d.frame("age LONG, name STRING, location STRING", row{30, "Eve", "FL"}, row{40, "Sam", "WA"})
		d.value(slices.Equal(columns(df), columns(df2)))
	},
	ofFrame + ".count": func(d *doctest) { d.count(d.three()) },
	ofFrame + ".crossJoin": func(d *doctest) {
		df2 := d.frame("height LONG, name STRING", row{80, "Tom"}, row{85, "Bob"})
		d.show(d.three().CrossJoin(df2.Select(col("height"))).Select(col("age"), col("name"), col("height")))
	},
	ofFrame + ".distinct": func(d *doctest) {
		df := d.frame("age LONG, name STRING", row{14, "Tom"}, row{23, "Alice"}, row{23, "Alice"})
		d.show(df.Distinct())
		d.count(df.Distinct())
		df = d.frame("age LONG, name STRING, gender STRING", row{14, "Tom", "M"}, row{23, "Alice", "F"}, row{23, "Alice", "F"}, row{14, "Tom", "M"})
		d.show(df.Distinct())
		d.show(df.Select(col("name")).Distinct())
		d.count(df.Select(col("name")).Distinct())
		d.show(df.Select(col("name"), col("gender")).Distinct())
		df = d.frame("age LONG, name STRING, gender STRING", row{14, "Tom", "M"}, row{23, "Alice", "F"}, row{23, "Alice", "F"}, row{14, "Tom", nil})
		d.show(df.Distinct())
		d.show(df.Distinct().Filter(df.Col("gender").IsNotNull()))
	},
	ofFrame + ".dropDuplicates": func(d *doctest) {
		df := d.frame("name STRING, age LONG, height LONG", row{"Alice", 5, 80}, row{"Alice", 5, 80}, row{"Alice", 10, 80})
		d.show(df.DropDuplicates())
		d.show(df.DropDuplicates("name", "height"))
	},
	ofFrame + ".explain": func(d *doctest) {
		df := d.three()
		d.explain(df.Explain(d.ctx, spark.ExplainExtended))
		d.explain(df.Explain(d.ctx, spark.ExplainCost))
	},
	ofFrame + ".filter": func(d *doctest) {
		df := d.frame("age LONG, name STRING, subject STRING", row{2, "Alice", "Math"}, row{5, "Bob", "Physics"}, row{7, "Charlie", "Chemistry"})
		age, name, subject := df.Col("age"), df.Col("name"), df.Col("subject")
		d.show(df.Filter(age.Gt(3)))
		d.show(df.Filter(age.Eq(2)))
		d.show(df.Where("age > 3"))
		d.show(df.Where("age = 2"))
		d.show(df.Filter(age.Gt(3).And(subject.Eq("Physics"))))
		d.show(df.Filter(age.Eq(2).Or(subject.Eq("Chemistry"))))
		d.show(df.Where("age > 3 AND name = 'Bob'"))
		d.show(df.Filter(name.IsIn("Alice", "Bob")))
		d.show(df.Filter(subject.IsIn("Math", "Physics")))
		d.show(df.Filter(name.IsIn("Alice", "Charlie").Not()))
		d.show(df.Filter(name.IsNotNull()))
		d.show(df.Filter(name.Like("Al%")))
		d.show(df.Filter(name.Contains("i")))
		d.show(df.Filter(age.Between(2, 5)))
	},
	ofFrame + ".join": func(d *doctest) {
		df := d.frame("name STRING, age LONG", row{"Alice", 2}, row{"Bob", 5})
		df2 := d.frame("name STRING, height LONG", row{"Tom", 80}, row{"Bob", 85})
		df3 := d.frame("name STRING, age LONG, height LONG", row{"Alice", 10, 80}, row{"Bob", 5, nil}, row{"Tom", nil, nil}, row{nil, nil, nil})
		d.show(df.JoinUsing(df2, spark.InnerJoin, "name"))
		d.show(df.JoinUsing(df3, spark.InnerJoin, "name", "age"))
		joined := df.Join(df2, df.Col("name").Eq(df2.Col("name")), spark.FullOuterJoin).OrderBy(df.Col("name").Desc())
		d.show(joined)
		d.show(joined.Select(df.Col("name"), df2.Col("height")))
		d.show(df.Alias("a").Join(df.Alias("b"), col("a.name").Eq(col("b.name")), spark.FullOuterJoin).
			OrderBy(col("a.name").Desc()).Select(col("a.name"), col("b.age")))
		d.show(df.JoinUsing(df2, spark.FullOuterJoin, "name").OrderBy(col("name").Desc()))
		d.show(df.JoinUsing(df3, spark.FullOuterJoin, "name", "age").OrderBy(col("name"), col("age")))
		d.show(df.JoinUsing(df2, spark.LeftOuterJoin, "name"))
		d.show(df.JoinUsing(df2, spark.RightOuterJoin, "name"))
		d.show(df.JoinUsing(df2, spark.LeftSemiJoin, "name"))
		d.show(df.JoinUsing(df2, spark.LeftAntiJoin, "name"))
	},
	ofFrame + ".limit": func(d *doctest) {
		d.show(d.three().Limit(1))
		d.show(d.three().Limit(0))
	},
	ofFrame + ".printSchema": func(d *doctest) {
		d.schema(d.three())
		df := d.frame("a LONG, b STRUCT<_1: LONG, _2: LONG>")
		d.schema(df)
		d.schema(df)
		d.schema(d.session.Range(0, 1, 1).SelectExpr("id AS nonnullable", "NULL AS nullable"))
	},
	ofFrame + ".schema": func(d *doctest) {
		d.schema(d.three())
		d.schema(d.frame("age INT, name STRING", row{14, "Tom"}, row{23, "Alice"}, row{16, "Bob"}))
		d.schema(d.frame("value STRING NOT NULL", row{"a"}, row{"b"}, row{"c"}))
	},
	ofFrame + ".select": func(d *doctest) {
		df := d.people()
		d.show(df.Select(star))
		d.show(df.Select(df.Col("name"), df.Col("age").Plus(10).Alias("age")))
	},
	ofFrame + ".selectExpr": func(d *doctest) { d.show(d.people().SelectExpr("age * 2", "abs(age)")) },
	ofFrame + ".show": func(d *doctest) {
		df := d.frame("age LONG, name STRING", row{14, "Tom"}, row{23, "Alice"}, row{16, "Bob"}, row{19, "This is a super long name"})
		d.show(df)
		d.show(df, 2)
		for range 3 {
			d.show(df)
		}
	},
	ofFrame + ".take":            func(d *doctest) { d.collect(d.three().Limit(2)) },
	ofFrame + ".toDF":            func(d *doctest) { d.show(d.three().ToDF("f1", "f2")) },
	ofFrame + ".toLocalIterator": func(d *doctest) { d.collect(d.three()) },
	ofFrame + ".union": func(d *doctest) {
		df1, df2 := d.frame("id LONG, value STRING", row{1, "A"}, row{2, "B"}), d.frame("id LONG, value STRING", row{3, "C"}, row{4, "D"})
		d.show(df1.Union(df2))
		df1 = d.frame("id LONG, money INT", row{100001, 1}, row{100002, 2}).WithColumn("age", lit(30))
		d.show(df1.Union(d.frame("money INT, id LONG", row{3, 100003}, row{4, 100003}).WithColumn("age", lit(40))))
		d.show(d.frame("A LONG, B LONG", row{1, 2}).Union(d.frame("C LONG, D LONG", row{3, 4})))
		df1 = d.frame("id LONG, value STRING", row{1, "A"}, row{2, "B"}, row{3, "C"})
		d.show(df1.Union(df2).Distinct().OrderBy(col("id")))
	},
	ofFrame + ".withColumn": func(d *doctest) { df := d.people(); d.show(df.WithColumn("age2", df.Col("age").Plus(2))) },
	ofFrame + ".withColumnRenamed": func(d *doctest) {
		d.show(d.people().WithColumnRenamed("age", "age2"))
		d.show(d.people().WithColumnRenamed("non_existing", "new_name"))
		d.show(d.people().WithColumnRenamed("age", "age2").WithColumnRenamed("name", "name2"))
	},
	ofSession + ".createDataFrame": func(d *doctest) {
		d.show(d.frame("_1 STRING, _2 LONG", row{"Alice", 1}))
		d.show(d.frame("age LONG, name STRING", row{1, "Alice"}))
		d.show(d.frame("name STRING, age LONG", row{"Alice", 1}))
		d.show(d.frame("name STRING, age INT", row{"Alice", 1}))
		d.show(d.frame("name: string, age: int", row{"Alice", 1}))
		d.show(d.frame("name: string, age: int"))
		d.show(d.frame("name STRING, age LONG", row{"Alice", 1}))
	},
	ofSession + ".range": func(d *doctest) {
		d.show(d.session.Range(1, 7, 2))
		d.show(d.session.Range(0, 3, 1))
	},
	ofSession + ".table": func(d *doctest) {
		must(0, d.session.Range(0, 5, 1).CreateOrReplaceTempView(d.ctx, "table1"))(d.T)
		d.show(d.session.Table("table1").OrderBy(col("id")))
	},
}

// groupDoctests compare names, types and rows.
var groupDoctests = map[string]func(*doctest){
	ofGroup + ".avg": func(d *doctest) { d.group(spark.Avg) },
	ofGroup + ".max": func(d *doctest) { d.group(spark.Max) },
	ofGroup + ".min": func(d *doctest) { d.group(spark.Min) },
	ofGroup + ".sum": func(d *doctest) { d.group(spark.Sum) },
	ofGroup + ".count": func(d *doctest) {
		df := d.frame("age LONG, name STRING", row{2, "Alice"}, row{3, "Alice"}, row{5, "Bob"}, row{10, "Bob"})
		d.show(df)
		d.show(df.GroupBy(df.Col("name")).Count().OrderBy(col("name")))
	},
}

func (d *doctest) group(by func(spark.Column) spark.Column) {
	d.Helper()
	df := d.frame("age LONG, name STRING, height LONG", row{2, "Alice", 80}, row{3, "Alice", 100}, row{5, "Bob", 120}, row{10, "Bob", 140})
	d.show(df)
	d.show(df.GroupBy(col("name")).Agg(by(col("age"))).OrderBy(col("name")))
	d.show(df.GroupBy().Agg(by(col("age")), by(col("height"))))
}

func (d *doctest) three() *spark.DataFrame {
	return d.frame("age LONG, name STRING", row{14, "Tom"}, row{23, "Alice"}, row{16, "Bob"})
}
