//go:build services

package spark_test

import (
	"context"
	"errors"
	"testing"

	"realtime-election/spark"
)

// TestInterruptTagEndsWhatCarriesIt runs a query and a streaming query under a tag beside a streaming query without it.
func TestInterruptTagEndsWhatCarriesIt(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	nightly := spark.WithTag(ctx, "nightly")
	stream := func(ctx context.Context, name string) *spark.StreamingQuery {
		return must(session.ReadStream().Format("rate").Load().WriteStream().Format("noop").QueryName(name).Start(ctx))(t)
	}
	tagged, other := stream(nightly, "tagged"), stream(ctx, "other")
	// A row from each of so many tasks takes minutes; the first says that the query runs.
	slow := must(session.SQL(ctx, "SELECT id FROM range(0, 100000, 1, 100000)"))(t)
	var ended error
	for row, err := range slow.Rows(nightly) {
		if ended = err; err == nil && row.At(0) == int64(0) {
			must(session.InterruptTag(ctx, "nightly"))(t)
		}
	}
	var e *spark.Error
	if !errors.As(ended, &e) || e.Class != "OPERATION_CANCELED" {
		t.Errorf("the query ended with %v, expected OPERATION_CANCELED", ended)
	}
	must(0, tagged.AwaitTermination(ctx))(t)
	if !must(other.Status(ctx))(t).Active {
		t.Error("the streaming query without the tag was stopped")
	}
	awaitRows(t, other)
}
