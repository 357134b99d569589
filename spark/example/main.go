// Command example lets a Spark Connect server count a stream in windows of two seconds for a while, and prints the counts. It leaves
// nothing behind on the server, also when a signal or an error ends it:
//
//	go run ./spark/example sc://localhost:15002
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"realtime-election/spark"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: example sc://HOST:PORT")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1])
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url string) (err error) {
	dialling, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	session, err := spark.Dial(dialling, url)
	if err != nil {
		return err
	}
	defer func() { // the session's end stops the query, also after a signal
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, session.Release(ctx), session.Close())
	}()

	query, err := session.ReadStream().Format("rate").Option("rowsPerSecond", "100").Load().
		GroupBy(spark.Window(spark.Col("timestamp"), 2*time.Second, 2*time.Second)).Count().
		WriteStream().Format("memory").QueryName("counts").OutputMode(spark.OutputComplete).Start(ctx)
	if err != nil {
		return err
	}

	while, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := query.AwaitTermination(while); err == nil {
		return errors.New("the query was stopped by somebody else")
	} else if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	counts := session.Table("counts").Select(spark.Col("window.start"), spark.Col("count"))
	for row, err := range counts.OrderBy(spark.Col("start")).Rows(ctx) {
		if err != nil {
			return err
		}
		fmt.Println(row.Values()...)
	}
	return nil
}
