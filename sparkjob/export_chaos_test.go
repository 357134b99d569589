//go:build chaos

package sparkjob

import (
	"context"

	"realtime-election/election"
	"realtime-election/sparkjob/connect"
)

// StartUnattended starts the query of a run in a session of its own, as the supervisor does, and leaves it alone: no call
// is made in that session afterwards. Look comes back to it, and is a call.
func StartUnattended(ctx context.Context, c Config, record *election.Record, number int) (look func(context.Context) error, err error) {
	session, err := connect.Dial(ctx, c.Remote)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	wanted := newQuery(c.Partitions, connect.ProcessingTime(c.Trigger))
	if _, err := wanted.start(ctx, session, c, record, run{Run: number}); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		again, err := connect.Dial(ctx, c.Remote, connect.WithSessionID(session.ID()), connect.WithUserID(session.UserID()), connect.WithServerSessionID(session.ServerSessionID()))
		if err != nil {
			return err
		}
		defer again.Close()
		_, err = again.Streams().Active(ctx)
		return err
	}, nil
}
