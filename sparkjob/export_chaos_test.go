//go:build chaos

package sparkjob

import (
	"context"

	"realtime-election/election"
	"realtime-election/spark"
)

// StartUnattended starts the query of a run in a session of its own, as the supervisor does, and makes no further call in
// that session. look makes a call there, and returns its error.
func StartUnattended(ctx context.Context, c Config, installation *election.Installation, number int) (look func(context.Context) error, err error) {
	session, err := spark.Dial(ctx, c.Remote.URL)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	wanted := newQuery(c.StatePartitions, 0, spark.ProcessingTime(c.Trigger))
	if _, err := wanted.start(ctx, session, c, installation, run{Run: number}); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		again, err := spark.Dial(ctx, c.Remote.URL, spark.WithSessionID(session.ID()), spark.WithUserID(session.UserID()), spark.WithServerSessionID(session.ServerSessionID()))
		if err != nil {
			return err
		}
		defer again.Close()
		_, err = again.Streams().Active(ctx)
		return err
	}, nil
}
