package connect_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"realtime-election/sparkjob/connect"
)

// A view over Kafka, duplicates dropped, counted by SQL and written back to Kafka.
func Example() {
	ctx := context.Background()
	session, err := connect.Dial(ctx, "sc://localhost:15002/;user_id=counter")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	err = session.ReadStream().Format("kafka").
		Option("kafka.bootstrap.servers", "localhost:9092").Option("subscribe", "votes").Option("startingOffsets", "earliest").
		Load().DropDuplicates("key").CreateOrReplaceTempView(ctx, "ballots")
	if err != nil {
		log.Fatal(err)
	}
	totals, err := session.SQL(ctx, "SELECT value AS key, CAST(count(*) AS STRING) AS value FROM ballots GROUP BY value")
	if err != nil {
		log.Fatal(err)
	}
	query, err := totals.WriteStream().Format("kafka").
		Option("kafka.bootstrap.servers", "localhost:9092").Option("topic", "totals").Option("checkpointLocation", "/var/lib/totals").
		OutputMode(connect.OutputUpdate).QueryName("totals").Trigger(connect.ProcessingTime(time.Second)).Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	progress, err := query.LastProgress(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if progress != nil {
		fmt.Println(progress.BatchID, progress.NumInputRows, progress.Sources[0].EndOffset)
	}
}

// What happens to a session's queries, as it happens.
func ExampleStreamingQueries_Events() {
	ctx := context.Background()
	session, err := connect.Dial(ctx, "sc://localhost:15002/;user_id=counter")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	for event, err := range session.Streams().Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch event := event.(type) {
		case connect.ListenerAdded:
			fmt.Println("from here on every event is seen: start queries now")
		case connect.QueryStarted:
			fmt.Println("started", event.Name)
		case connect.QueryProgress:
			fmt.Println("batch", event.Progress.BatchID, "of", event.Progress.NumInputRows, "rows")
		case connect.QueryIdle:
			fmt.Println("nothing to do")
		case connect.QueryTerminated:
			fmt.Println("ended", event.RunID, event.Exception)
		}
	}
}
