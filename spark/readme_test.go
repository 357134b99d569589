package spark_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"realtime-election/spark"
	"realtime-election/spark/sparktest"
)

func ticks(ctx context.Context, url string) error { // such as sc://localhost:15002/;user_id=me
	dialling, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	session, err := spark.Dial(dialling, url)
	if err != nil {
		return err
	}
	defer session.Close()

	ticks := session.ReadStream().Format("rate").Load()
	query, err := ticks.WriteStream().Format("console").Trigger(spark.ProcessingTime(time.Second)).Start(ctx)
	if err != nil {
		return err
	}
	return query.AwaitTermination(ctx)
}

func TestReadmesProgramRuns(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Answer(sparktest.Started("id-1", "run-1", ""))...)
	server.Execute(sparktest.Answer(sparktest.Terminated(true))...)
	if err := ticks(t.Context(), server.URL()); err != nil {
		t.Error(err)
	}
	server.Execute(sparktest.Fail(status.Error(codes.Internal, "broken")))
	if err := ticks(t.Context(), server.URL()); err == nil {
		t.Error("no error of a start that failed")
	}
}

func TestReadmesProgramIsTheOneThatRuns(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Split(string(readme), "```go\n")[1:]
	if len(programs) == 0 {
		t.Error("the README has no program")
	}
	for _, program := range programs {
		program, _, _ = strings.Cut(program, "```")
		if !strings.Contains(string(source), "\n"+program) {
			t.Errorf("the README has a program that is not here:\n%s", program)
		}
	}
}
