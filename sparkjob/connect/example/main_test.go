package main

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"

	"realtime-election/sparkjob/connect"
	"realtime-election/sparkjob/connect/connecttest"
	"realtime-election/sparkjob/connect/wire"
)

func TestSessionIsReleasedHoweverTheProgramEnds(t *testing.T) {
	for name, of := range map[string]struct {
		steps func(cancel func()) []connecttest.Step // of the wait for the query's end
		err   error
	}{
		"interrupted": {func(cancel func()) []connecttest.Step {
			return []connecttest.Step{connecttest.Do(cancel), connecttest.Silence()}
		}, context.Canceled},
		"failed": {func(func()) []connecttest.Step {
			return []connecttest.Step{connecttest.Fail(connecttest.Failure(codes.Internal, "CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND", "Gone."))}
		}, connect.ErrQueryNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			server := connecttest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server.Execute(connecttest.Answer(connecttest.Started("id-1", "run-1", "counts"))...)
			server.Execute(of.steps(cancel)...)
			if err := run(ctx, server.URL()); !errors.Is(err, of.err) {
				t.Errorf("got %v, expected %v", err, of.err)
			}
			if n := len(connecttest.Sent[*wire.ReleaseSessionRequest](server)); n != 1 {
				t.Errorf("the session was released %d times, expected once", n)
			}
		})
	}
}
