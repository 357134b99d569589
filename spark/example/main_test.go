package main

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"

	"realtime-election/spark"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestSessionIsReleasedHoweverTheProgramEnds(t *testing.T) {
	for name, of := range map[string]struct {
		steps func(cancel func()) []sparktest.Step // of the wait for the query's end
		err   error
	}{
		"interrupted": {func(cancel func()) []sparktest.Step {
			return []sparktest.Step{sparktest.Do(cancel), sparktest.Silence()}
		}, context.Canceled},
		"failed": {func(func()) []sparktest.Step {
			return []sparktest.Step{sparktest.Fail(sparktest.Failure(codes.Internal, "CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND", "Gone."))}
		}, spark.ErrQueryNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server.Execute(sparktest.Answer(sparktest.Started("id-1", "run-1", "counts"))...)
			server.Execute(of.steps(cancel)...)
			if err := run(ctx, server.URL()); !errors.Is(err, of.err) {
				t.Errorf("got %v, expected %v", err, of.err)
			}
			if n := len(sparktest.Sent[*wire.ReleaseSessionRequest](server)); n != 1 {
				t.Errorf("the session was released %d times, expected once", n)
			}
		})
	}
}
