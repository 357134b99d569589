//go:build services

package spark_test

import "realtime-election/spark"

const (
	fileReader = "pyspark.sql.readwriter.DataFrameReader"
	fileWriter = "pyspark.sql.readwriter.DataFrameWriter"
)

// fileDoctests compare rows written and read back; of readers and writers printed, the message.
var fileDoctests = map[string]func(*doctest){
	fileReader + ".csv":    func(d *doctest) { d.nullValue("csv") },
	fileReader + ".option": func(d *doctest) { d.object(d.session.Read().Option("key", "value")); d.nullValue("option") },
	fileReader + ".format": func(d *doctest) {
		d.object(d.session.Read().Format("json"))
		d.roundTrip("format", "json")
	},
	fileReader + ".load": func(d *doctest) {
		folder := d.temp("load")
		d.save(d.hyukjin().Write().Option("header", "true").Format("csv"), folder)
		df := d.session.Read().Schema("age LONG, name STRING").Option("nullValue", "Hyukjin Kwon").Option("header", "true").Format("csv").Load(folder)
		d.schema(df)
		d.show(df)
	},
	fileReader + ".options": func(d *doctest) {
		d.object(d.session.Read().Options(map[string]string{"key": "value"}))
		d.object(d.session.Read().Options(map[string]string{"k1": "v1", "k2": "v2"}))
		folder := d.temp("options")
		d.save(d.hyukjin().Write().Option("header", "true").Format("csv"), folder)
		d.show(d.session.Read().Options(map[string]string{"nullValue": "Hyukjin Kwon", "header": "true"}).Format("csv").Load(folder))
	},
	fileReader + ".orc": func(d *doctest) { d.roundTrip("orc", "orc") },
	fileReader + ".parquet": func(d *doctest) {
		df := d.frame("age LONG, name STRING", row{10, "Alice"}, row{15, "Bob"}, row{20, "Tom"})
		df2 := d.frame("height LONG, name STRING", row{70, "Alice"}, row{80, "Bob"})
		folder := d.temp("parquet1")
		d.save(df.Write().Format("parquet"), folder)
		d.show(d.session.Read().Format("parquet").Load(folder).OrderBy(col("name")))
		folder = d.temp("parquet2")
		d.save(df.Write().Format("parquet"), folder)
		d.show(d.session.Read().Schema("name string").Format("parquet").Load(folder).OrderBy(col("name")))
		folder, other := d.temp("parquet3"), d.temp("parquet4")
		d.save(df.Write().Format("parquet"), folder)
		d.save(df2.Write().Format("parquet"), other)
		d.show(d.session.Read().Option("mergeSchema", "true").Format("parquet").Load(folder, other).
			Select(col("name"), col("age"), col("height")).OrderBy(col("name"), col("age")))
	},
	fileReader + ".schema": func(d *doctest) {
		d.object(d.session.Read().Schema("col0 INT, col1 DOUBLE"))
		d.schema(d.session.Read().Schema("col0 INT, col1 DOUBLE").Format("csv").Load(d.temp("schema")))
	},
	fileReader + ".table": func(d *doctest) {
		must(0, d.session.Range(0, 10, 1).CreateOrReplaceTempView(d.ctx, "tblA"))(d.T)
		d.show(d.session.Read().Table("tblA"))
	},
	fileReader + ".text": func(d *doctest) { d.letters() },
	fileWriter + ".text": func(d *doctest) { d.letters() },
	fileWriter + ".csv": func(d *doctest) {
		folder := d.temp("csv")
		d.save(d.hyukjin().Write().Format("csv"), folder)
		d.show(d.session.Read().Schema("age LONG, name STRING").Format("csv").Option("nullValue", "Hyukjin Kwon").Load(folder))
	},
	fileWriter + ".format": func(d *doctest) {
		d.object(d.session.Range(0, 1, 1).Write().Format("parquet"))
		d.roundTrip("format", "parquet")
	},
	fileWriter + ".insertInto": func(d *doctest) {
		d.sql("DROP TABLE IF EXISTS tblA")
		df := d.lees()
		must(0, df.Write().SaveAsTable(d.ctx, "tblA"))(d.T)
		must(0, df.SelectExpr("age AS col1", "name AS col2").Write().InsertInto(d.ctx, "tblA"))(d.T)
		d.show(d.session.Read().Table("tblA").OrderBy(col("age")))
		d.sql("DROP TABLE tblA")
	},
	fileWriter + ".json": func(d *doctest) { d.roundTrip("json", "json") },
	fileWriter + ".option": func(d *doctest) {
		d.object(d.session.Range(0, 1, 1).Write().Option("key", "value"))
		folder := d.temp("option")
		d.save(d.frame("age INT, name STRING", row{100, nil}).Write().Option("nullValue", "Hyukjin Kwon").Format("csv"), folder)
		d.show(d.session.Read().Schema("age INT, name STRING").Format("csv").Load(folder))
	},
	fileWriter + ".options": func(d *doctest) {
		d.object(d.session.Range(0, 1, 1).Write().Options(map[string]string{"key": "value"}))
		d.object(d.session.Range(0, 1, 1).Write().Options(map[string]string{"k1": "v1", "k2": "v2"}))
		folder := d.temp("options")
		d.save(d.frame("age INT, name STRING", row{100, nil}).Write().Options(map[string]string{"nullValue": "Hyukjin Kwon", "header": "true"}).Format("csv"), folder)
		d.show(d.session.Read().Option("header", "true").Format("csv").Load(folder))
	},
	fileWriter + ".orc":     func(d *doctest) { d.roundTrip("orc", "orc") },
	fileWriter + ".parquet": func(d *doctest) { d.roundTrip("parquet", "parquet") },
	fileWriter + ".partitionBy": func(d *doctest) {
		folder := d.temp("partitionBy")
		d.save(d.frame("age LONG, name STRING", row{100, "Hyukjin Kwon"}, row{120, "Ruifeng Zheng"}).Write().PartitionBy("name").Format("parquet"), folder)
		d.show(d.session.Read().Format("parquet").Load(folder).OrderBy(col("age")))
		d.show(d.session.Read().Format("parquet").Load(folder + "/name=Hyukjin Kwon"))
	},
	fileWriter + ".save": func(d *doctest) { d.roundTrip("save", "json") },
	fileWriter + ".saveAsTable": func(d *doctest) {
		d.sql("DROP TABLE IF EXISTS tblA")
		must(0, d.lees().Write().SaveAsTable(d.ctx, "tblA"))(d.T)
		d.show(d.session.Read().Table("tblA").OrderBy(col("age")))
		d.sql("DROP TABLE tblA")
	},
	fileWriter + ".xml": func(d *doctest) {
		folder := d.temp("xml")
		d.save(d.hyukjin().Write().Option("rowTag", "person").Format("xml"), folder)
		d.show(d.session.Read().Option("rowTag", "person").Format("xml").Load(folder))
	},
	ofSession + ".read": func(d *doctest) {
		d.object(d.session.Read())
		d.roundTrip("read", "json")
	},
}

// roundTrip writes one row and reads it.
func (d *doctest) roundTrip(prefix, format string) {
	d.Helper()
	folder := d.temp(prefix)
	d.save(d.hyukjin().Write().Format(format), folder)
	d.show(d.session.Read().Format(format).Load(folder))
}

// nullValue writes a text that is read as null.
func (d *doctest) nullValue(prefix string) {
	d.Helper()
	folder := d.temp(prefix)
	d.save(d.hyukjin().Write().Format("csv"), folder)
	d.show(d.session.Read().Schema("age LONG, name STRING").Option("nullValue", "Hyukjin Kwon").Format("csv").Load(folder))
}

func (d *doctest) letters() {
	d.Helper()
	folder := d.temp("text")
	d.save(d.frame("alphabets STRING", row{"a"}, row{"b"}, row{"c"}).Write().Format("text"), folder)
	d.show(d.session.Read().Schema("alphabets STRING").Format("text").Load(folder).OrderBy(col("alphabets")))
}

func (d *doctest) lees() *spark.DataFrame {
	return d.frame("age LONG, name STRING", row{100, "Hyukjin Kwon"}, row{120, "Hyukjin Kwon"}, row{140, "Haejoon Lee"})
}
