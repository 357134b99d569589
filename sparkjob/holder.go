package sparkjob

import (
	"context"
	"time"

	"github.com/google/uuid"

	"realtime-election/election"
	"realtime-election/internal/lease"
)

// holder is what the topic election holds of the submit that has the lock, or had it last. It is noted before that submit
// does anything else, so that the next one knows whether to wait for it.
type holder struct {
	Term   string `json:"term"`               // a new one each time that somebody gets the lock; empty once it was given back
	Server string `json:"postgresql_started"` // when the PostgreSQL that gave the lock was started, by its clock: it tells one start from another
}

// giveBackTimeout is what is left of a stop after quitTimeout.
const giveBackTimeout = time.Second

// leave blocks until the holder before can do nothing any more, and calls waiting first where that takes a while. server is
// that of the lock now, mine the last term of this submit.
//
// A PostgreSQL that goes on takes the lock from a holder whose connection has ended, or that it has not heard for longer
// than an answer is trusted. One that is started again, or another one in its place, gives the lock away at once, while a
// holder behind a network that is cut still trusts the answer that it had a moment ago. No clocks are compared, since those
// of machines differ.
func (h holder) leave(ctx context.Context, server, mine string, waiting func()) error {
	if h.Term == "" || h.Term == mine || h.Server == server {
		return nil
	}
	waiting()
	if !wait(ctx, lease.Handover) {
		return ctx.Err()
	}
	return nil
}

// succeed waits for the submit before, shuts it out, and notes that this one has the lock. What it asks of mayAct last makes
// it sure: the submit that gets the lock after that finds the note.
func (r *runTracker) succeed(ctx context.Context, server string, mayAct func() error) error {
	if err := r.readElectionTopic(ctx); err != nil {
		return err
	}
	waiting := func() {
		r.config.Log.Info("PostgreSQL was started again while another submit had the lock; waiting until that one knows", "wait", lease.Handover)
	}
	if err := r.inTopic.holder.leave(ctx, server, r.term, waiting); err != nil {
		return err
	}
	r.mayAct = mayAct
	if err := r.fence(ctx); err != nil {
		return err
	}
	mine := holder{Term: uuid.NewString(), Server: server}
	if err := r.note(ctx, election.HolderKey, mine); err != nil {
		return err
	}
	if err := mayAct(); err != nil {
		return err
	}
	r.inTopic.holder, r.term = mine, mine.Term
	return nil
}

// giveBack notes that this submit does nothing any more, so that the next one need not wait for it. ctx may be over.
func (r *runTracker) giveBack(ctx context.Context) {
	if r.accounts == nil || r.inTopic.holder.Term != r.term {
		return // it is another's by now
	}
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	if err := r.note(giving, election.HolderKey, holder{}); err != nil {
		r.config.Log.Debug("note that the lock is given back", "error", err)
	}
}
