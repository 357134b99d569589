//go:build services

package spark_test

import (
	"realtime-election/spark"
)

const (
	ofQuery    = "pyspark.sql.streaming.query.StreamingQuery"
	ofStreams  = "pyspark.sql.streaming.query.StreamingQueryManager"
	ofListener = "pyspark.sql.streaming.listener.StreamingQueryListener"
)

// queryDoctests are of running queries. Ids differ, but which are the same does not; of a status compared are the fields and
// their kinds, of a progress report what its batch is of, of a plan the headings, of a listener that it comes and goes.
var queryDoctests = map[string]func(*doctest){
	ofQuery + ".awaitTermination": func(d *doctest) {
		sq := d.memory("query_awaitTermination")
		d.ended(sq.AwaitTermination)
		d.stop(sq)
	},
	ofQuery + ".explain": func(d *doctest) {
		d.schema(d.rate())
		sq := d.memory("query_explain")
		must(0, sq.ProcessAllAvailable(d.ctx))(d.T)
		d.explain(sq.Explain(d.ctx, false))
		d.explain(sq.Explain(d.ctx, true))
		d.stop(sq)
	},
	ofQuery + ".id": func(d *doctest) {
		sq := d.memory("this_query")
		d.value(string(sq.ID()))
		d.stop(sq)
	},
	ofQuery + ".isActive": func(d *doctest) {
		sq := d.memory("this_query")
		d.active(sq)
		d.stop(sq)
	},
	ofQuery + ".lastProgress": func(d *doctest) {
		sq := d.memory("this_query")
		awaitRows(d.T, sq)
		d.report(must(sq.LastProgress(d.ctx))(d.T))
		d.stop(sq)
	},
	ofQuery + ".name": func(d *doctest) {
		sq := d.memory("this_query")
		d.value(sq.Name())
		d.stop(sq)
	},
	ofQuery + ".recentProgress": func(d *doctest) {
		sq := d.memory("this_query")
		awaitRows(d.T, sq)
		recent := must(sq.RecentProgress(d.ctx))(d.T)
		d.report(recent[len(recent)-1])
		d.stop(sq)
	},
	ofQuery + ".runId": func(d *doctest) {
		sq := d.memory("this_query")
		d.value(string(sq.RunID()))
		d.stop(sq)
	},
	ofQuery + ".status": func(d *doctest) {
		sq := d.memory("this_query")
		status := must(sq.Status(d.ctx))(d.T)
		d.value(object{"message": kind(status.Message), "isDataAvailable": kind(status.DataAvailable), "isTriggerActive": kind(status.TriggerActive)})
		d.stop(sq)
	},
	ofQuery + ".stop": func(d *doctest) {
		sq := d.memory("this_query")
		d.active(sq)
		d.stop(sq)
		d.active(sq)
	},
	ofStreams + ".active": func(d *doctest) {
		d.schema(d.rate())
		sq := d.memory("this_query")
		var names []string
		for _, q := range must(d.session.Streams().Active(d.ctx))(d.T) {
			names = append(names, q.Name())
		}
		d.value(names)
		d.stop(sq)
	},
	ofStreams + ".awaitAnyTermination": func(d *doctest) {
		sq := d.memory("this_query")
		d.ended(d.session.Streams().AwaitAnyTermination)
		d.stop(sq)
	},
	ofStreams + ".get": func(d *doctest) {
		d.schema(d.rate())
		sq := d.memory("this_query")
		d.value(sq.Name())
		sq = must(d.session.Streams().Get(d.ctx, sq.ID()))(d.T)
		d.active(sq)
		d.stop(sq)
	},
	ofStreams + ".addListener":    func(d *doctest) { d.listen(func() {}) },
	ofStreams + ".removeListener": func(d *doctest) { d.listen(func() {}) },
	// It ends with the listener still there.
	ofListener: func(d *doctest) { d.listen(d.end) },
}

func (d *doctest) memory(name string) *spark.StreamingQuery {
	d.Helper()
	return d.start(d.rate().WriteStream().Format("memory").QueryName(name))
}

// listen is a listener from its coming to its going.
func (d *doctest) listen(there func()) {
	d.Helper()
	for event, err := range d.session.Streams().Events(d.ctx) {
		if err != nil {
			d.Fatal(err)
		}
		if _, added := event.(spark.ListenerAdded); added {
			there()
			return
		}
	}
}
