// Command example lets a Spark Connect server count a stream in windows of two seconds for a while, and prints the counts:
//
//	go run ./sparkjob/connect/example sc://localhost:15002
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"realtime-election/sparkjob/connect"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: example sc://HOST:PORT")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url string) error {
	session, err := connect.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer session.Close()

	query, err := session.ReadStream().Format("rate").Option("rowsPerSecond", "100").Load().
		GroupBy(connect.Window(connect.Col("timestamp"), 2*time.Second, 2*time.Second)).Count().
		WriteStream().Format("memory").QueryName("counts").OutputMode(connect.OutputComplete).Start(ctx)
	if err != nil {
		return err
	}
	defer query.Stop(ctx)

	while, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := query.AwaitTermination(while); err == nil {
		return errors.New("the query was stopped by somebody else")
	} else if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	counts := session.Table("counts").Select(connect.Col("window.start"), connect.Col("count"))
	for row, err := range counts.OrderBy(connect.Col("start")).Rows(ctx) {
		if err != nil {
			return err
		}
		fmt.Println(row.Values()...)
	}
	return nil
}
