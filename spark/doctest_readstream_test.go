//go:build services

package spark_test

import (
	"time"

	"realtime-election/spark"
)

const readStream = "pyspark.sql.streaming.readwriter.DataStreamReader"

// readStreamDoctests start a query on the console and wait for rows. The rows themselves are on the server's console; compared
// are the message that starts the query and the report of the batch: how many rows came from where. Of a rate source it is
// whether any came.
var readStreamDoctests = map[string]func(*doctest){
	readStream: func(d *doctest) {
		d.object(d.session.ReadStream())
		d.thirds()
	},
	readStream + ".csv": func(d *doctest) {
		d.stream("csv", "csv", "col0 INT, col1 STRING", d.frame("_1 LONG, _2 STRING", row{1, "2"}))
	},
	readStream + ".json": func(d *doctest) { d.stream("json", "json", "age INT, name STRING", d.hyukjin()) },
	readStream + ".load": func(d *doctest) { d.stream("load", "json", "age INT, name STRING", d.hyukjin()) },
	readStream + ".orc":  func(d *doctest) { d.stream("orc", "orc", "id LONG", d.session.Range(0, 10, 1)) },
	readStream + ".parquet": func(d *doctest) {
		d.stream("parquet", "parquet", "id LONG", d.session.Range(0, 10, 1))
	},
	readStream + ".text": func(d *doctest) {
		folder := d.temp("text")
		d.save(d.frame("_1 STRING", row{"hello"}, row{"this"}).Write().Format("text"), folder)
		// PySpark's text() has the option from a default argument.
		d.console(d.session.ReadStream().Format("text").Option("wholetext", "False").Load(folder))
	},
	readStream + ".format": func(d *doctest) {
		d.object(d.session.ReadStream().Format("text"))
		d.stream("format", "text", "", d.frame("_1 STRING", row{"hello"}, row{"this"}))
	},
	readStream + ".xml": func(d *doctest) {
		folder := d.temp("xml")
		d.save(d.hyukjin().Write().Format("xml").Option("rowTag", "person"), folder)
		d.console(d.session.ReadStream().Schema("age INT, name STRING").Format("xml").Option("rowTag", "person").Load(folder))
	},
	readStream + ".option": func(d *doctest) {
		d.object(d.session.ReadStream().Option("x", "1"))
		d.console(d.session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load())
	},
	readStream + ".options": func(d *doctest) {
		d.object(d.session.ReadStream().Options(map[string]string{"x": "1", "y": "2"}))
		d.object(d.session.ReadStream().Options(map[string]string{"k1": "v1", "k2": "v2"}))
		d.console(d.session.ReadStream().Format("rate").Options(map[string]string{"rowsPerSecond": "10", "numPartitions": "10"}).Load())
	},
	readStream + ".schema": func(d *doctest) {
		// Spark takes a StructType as its JSON.
		d.object(d.session.ReadStream().Schema(`{"fields":[{"metadata":{},"name":"data","nullable":true,"type":"string"}],"type":"struct"}`))
		d.object(d.session.ReadStream().Schema("col0 INT, col1 DOUBLE"))
		d.schema(d.session.ReadStream().Schema("col0 INT, col1 STRING").Format("csv").Load(d.temp("schema")))
	},
	readStream + ".table": func(d *doctest) {
		d.sql("DROP TABLE IF EXISTS my_table")
		q1 := d.toTable(d.rate().WriteStream().Option("checkpointLocation", d.temp("table")), "my_table")
		q2 := d.start(d.session.ReadStream().Table("my_table").WriteStream().Format("console"))
		d.sleep()
		d.stop(q1)
		d.stop(q2)
		d.sql("DROP TABLE my_table")
	},
	"pyspark.sql.session.SparkSession.readStream": func(d *doctest) {
		d.object(d.session.ReadStream())
		d.thirds()
	},
	"pyspark.sql.dataframe.DataFrame.isStreaming": func(d *doctest) {
		d.value(must(d.rate().IsStreaming(d.ctx))(d.T))
	},
	"pyspark.sql.dataframe.DataFrame.withWatermark": func(d *doctest) {
		df := d.fifths()
		d.schema(df.Select(spark.Col("value"), df.Col("timestamp").Alias("time")).WithWatermark("time", 10*time.Minute))
		counts := df.WithWatermark("timestamp", 10*time.Minute).
			GroupBy(spark.Window(df.Col("timestamp"), 10*time.Minute, 5*time.Minute), df.Col("value")).Count()
		query := d.start(counts.WriteStream().OutputMode(spark.OutputComplete).Format("console"))
		d.sleep()
		d.stop(query)
	},
	// PySpark skips the lines with the method itself.
	"pyspark.sql.dataframe.DataFrame.dropDuplicatesWithinWatermark": func(d *doctest) {
		df := d.fifths()
		d.schema(df.Select(spark.Col("value"), df.Col("timestamp").Alias("time")).WithWatermark("time", 10*time.Minute))
	},
}

// thirds is the example that the classes share.
func (d *doctest) thirds() {
	d.Helper()
	d.console(d.rate().SelectExpr("value % 3 as v"))
}

func (d *doctest) fifths() *spark.DataFrame {
	return d.rate().SelectExpr("value % 5 AS value", "timestamp")
}

func (d *doctest) console(df *spark.DataFrame) {
	d.Helper()
	query := d.start(df.WriteStream().Format("console"))
	d.sleep()
	d.stop(query)
}

// stream writes rows into files and reads them as a stream.
func (d *doctest) stream(prefix, format, schema string, rows *spark.DataFrame) {
	d.Helper()
	folder := d.temp(prefix)
	d.save(rows.Write().Format(format), folder)
	d.console(d.session.ReadStream().Schema(schema).Format(format).Load(folder))
}

func (d *doctest) hyukjin() *spark.DataFrame {
	return d.frame("age LONG, name STRING", row{100, "Hyukjin Kwon"})
}

func (d *doctest) save(w *spark.Writer, folder string) {
	d.Helper()
	must(0, w.Mode(spark.Overwrite).Option("path", folder).Save(d.ctx))(d.T)
}
