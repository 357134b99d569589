package spark_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"realtime-election/spark"
)

// A view over Kafka, duplicates dropped, counted by SQL and written back to Kafka.
func Example() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002/;user_id=counter")
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
		OutputMode(spark.OutputUpdate).QueryName("totals").Trigger(spark.ProcessingTime(time.Second)).Start(ctx)
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

// Rows arrive in batches, so a result need not fit in memory.
func ExampleDataFrame_Rows() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	ages, err := session.SQL(ctx, "SELECT id, id % 100 AS age FROM range(:n)", spark.Args{"n": 1_000_000})
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range ages.Filter(spark.Col("age").Ge(18)).Limit(3).Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		id, age := row.At(0).(int64), row.At(1).(int64)
		fmt.Println(id, age)
	}
}

// Columns are built in Go; a mistake in one is the error of Collect.
func ExampleDataFrame_GroupBy() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	sales := session.CreateDataFrame([][]any{
		{"Delft", "tea", 3}, {"Delft", "coffee", 5}, {"Breda", "tea", nil},
	}, "shop STRING, product STRING, amount INT")
	amount := spark.Col("amount")
	totals, err := sales.
		WithColumn("size", spark.When(amount.Gt(4), "large").Otherwise("small")).
		GroupBy(spark.Col("shop"), spark.Col("size")).
		Agg(spark.Sum(amount).Alias("total"), spark.Call("collect_list", spark.Col("product")).Alias("products")).
		OrderBy(spark.Col("total").Desc()).Collect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range totals {
		fmt.Println(row.Values()...)
	}
}

// Each side of a join says which of two columns of one name is meant.
func ExampleDataFrame_Join() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	shops := session.CreateDataFrame([][]any{{1, "Delft"}, {2, "Breda"}}, "id INT, town STRING")
	orders := session.CreateDataFrame([][]any{{7, 1}, {8, 1}}, "id INT, shop INT")
	quiet, err := shops.Join(orders, shops.Col("id").Eq(orders.Col("shop")), spark.LeftOuterJoin).
		Filter(orders.Col("id").IsNull()).Select(spark.Col("town")).Collect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(quiet[0].At(0))
}

// A stream counted in windows: a row that comes a minute late still counts.
func ExampleWindow() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	query, err := session.ReadStream().Format("rate").Load().WithWatermark("timestamp", time.Minute).
		GroupBy(spark.Window(spark.Col("timestamp"), 10*time.Second, 10*time.Second)).
		Agg(spark.Count(spark.Col("*")).Alias("rows"), spark.Max(spark.Col("value")).Alias("last")).
		WriteStream().Format("console").OutputMode(spark.OutputUpdate).Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := query.AwaitTermination(ctx); err != nil {
		log.Fatal(err)
	}
}

// A program that was restarted comes back to its session and its queries.
func ExampleStreamingQueries_Active() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002/;user_id=counter",
		spark.WithSessionID("6a2c6e5e-1c8b-4b8e-9a3f-0d6f4c3b2a19"), spark.WithServerSessionID("the one remembered"))
	if errors.Is(err, spark.ErrSessionChanged) || errors.Is(err, spark.ErrSessionClosed) {
		log.Fatal("the queries of that session have ended; start them in a new session, from their checkpoints")
	}
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	queries, err := session.Streams().Active(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, query := range queries {
		fmt.Println(query.Name(), query.ID())
	}
}

// What runs under a tag can be ended by it, also by another program that dialled the same session.
func ExampleWithTag() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	nightly := spark.WithTag(ctx, "nightly")
	query, err := session.ReadStream().Format("rate").Load().WriteStream().Format("console").Start(nightly)
	if err != nil {
		log.Fatal(err)
	}
	ended, err := session.InterruptTag(ctx, "nightly")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ended, query.AwaitTermination(ctx))
}

// What went wrong is known by its class, as Spark's documentation lists them.
func ExampleError() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	_, err = session.SQL(ctx, "SELECT * FROM nobody_made_this")
	var failure *spark.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Class, failure.SQLState, failure.Parameters["relationName"], spark.Retryable(err))
	}
}

// What happens to a session's queries, as it happens.
func ExampleStreamingQueries_Events() {
	ctx := context.Background()
	session, err := spark.Dial(ctx, "sc://localhost:15002/;user_id=counter")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	for event, err := range session.Streams().Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch event := event.(type) {
		case spark.ListenerAdded:
			fmt.Println("from here on every event is seen: start queries now")
		case spark.QueryStarted:
			fmt.Println("started", event.Name)
		case spark.QueryProgress:
			fmt.Println("batch", event.Progress.BatchID, "of", event.Progress.NumInputRows, "rows")
		case spark.QueryIdle:
			fmt.Println("nothing to do")
		case spark.QueryTerminated:
			fmt.Println("ended", event.RunID, event.Exception)
		}
	}
}
