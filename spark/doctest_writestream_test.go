//go:build services

package spark_test

import (
	"time"

	"realtime-election/spark"
)

const writeStream = "pyspark.sql.streaming.readwriter.DataStreamWriter"

// writeStreamDoctests are compared as readStreamDoctests are; of the rows that a rate source left in files or a table it is
// the columns, and whether there are any. foreach and foreachBatch run Python on the server, which this client does not;
// clusterBy it does not have.
var writeStreamDoctests = map[string]func(*doctest){
	writeStream: func(d *doctest) { d.thirds() },
	writeStream + ".format": func(d *doctest) {
		df := d.rate()
		d.object(df.WriteStream().Format("text"))
		folder, checkpoint := d.temp("format1"), d.temp("format2")
		query := d.start(df.WriteStream().Format("csv").Option("checkpointLocation", checkpoint).Option("path", folder))
		d.sleep()
		d.stop(query)
		d.show(d.session.Read().Schema("timestamp TIMESTAMP, value STRING").Format("csv").Load(folder))
	},
	writeStream + ".option": func(d *doctest) {
		d.object(d.rate().WriteStream().Option("x", "1"))
		query := d.start(d.session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().
			WriteStream().Format("console").Option("numRows", "3"))
		d.sleep()
		d.stop(query)
	},
	writeStream + ".options": func(d *doctest) {
		df := d.rate()
		d.object(df.WriteStream().Option("x", "1"))
		d.object(df.WriteStream().Options(map[string]string{"k1": "v1", "k2": "v2"}))
		query := d.start(d.session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().
			WriteStream().Format("console").Options(map[string]string{"numRows": "3", "truncate": "false"}))
		d.sleep()
		d.stop(query)
	},
	writeStream + ".outputMode": func(d *doctest) {
		d.object(d.rate().WriteStream().OutputMode(spark.OutputAppend))
		counted := d.session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().GroupBy().Count()
		query := d.start(counted.WriteStream().OutputMode(spark.OutputComplete).Format("console"))
		d.sleep()
		d.stop(query)
	},
	writeStream + ".partitionBy": func(d *doctest) {
		d.object(d.rate().WriteStream().PartitionBy("value"))
		folder, checkpoint := d.temp("partitionBy1"), d.temp("partitionBy2")
		query := d.start(d.session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().
			WriteStream().PartitionBy("timestamp").Format("parquet").Option("checkpointLocation", checkpoint).Option("path", folder))
		d.sleep()
		d.stop(query)
		d.show(d.session.Read().Schema("timestamp TIMESTAMP, value LONG").Format("parquet").Load(folder))
	},
	writeStream + ".queryName": func(d *doctest) {
		query := d.start(d.rate().WriteStream().QueryName("streaming_query").Format("console"))
		d.stop(query)
		d.value(query.Name())
	},
	writeStream + ".start": func(d *doctest) {
		df := d.rate()
		query := d.start(df.WriteStream().Format("memory").QueryName("this_query"))
		d.active(query)
		d.value(query.Name())
		d.stop(query)
		d.active(query)
		query = d.start(df.WriteStream().Trigger(spark.ProcessingTime(5 * time.Second)).
			QueryName("that_query").OutputMode(spark.OutputAppend).Format("memory"))
		d.value(query.Name())
		d.active(query)
		d.stop(query)
	},
	writeStream + ".toTable": func(d *doctest) {
		d.sql("DROP TABLE IF EXISTS my_table2")
		query := d.toTable(d.session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().WriteStream().
			QueryName("that_query").OutputMode(spark.OutputAppend).Format("parquet").
			Option("checkpointLocation", d.temp("toTable")), "my_table2")
		d.sleep()
		d.stop(query)
		d.show(d.session.Table("my_table2"))
		d.sql("DROP TABLE my_table2")
	},
	writeStream + ".trigger": func(d *doctest) {
		df := d.rate()
		d.object(df.WriteStream().Trigger(spark.ProcessingTime(5 * time.Second)))
		d.object(df.WriteStream().Trigger(spark.Continuous(5 * time.Second)))
		d.object(df.WriteStream().Trigger(spark.AvailableNow()))
		d.object(df.WriteStream().Trigger(spark.RealTime(5 * time.Second)))
	},
	"pyspark.sql.dataframe.DataFrame.writeStream": func(d *doctest) {
		query := d.toTable(d.rate().WriteStream().Option("checkpointLocation", d.temp("writeStream")), "my_table")
		d.sleep()
		d.stop(query)
	},
}
