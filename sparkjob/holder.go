package sparkjob

import (
	"context"
	"time"

	"github.com/google/uuid"

	"realtime-election/election"
	"realtime-election/internal/lease"
)

// holder is the record in the topic runs of the submit that has the lock, or had it last. A submit writes it before it
// does anything else, so that its successor knows whether to wait for it.
type holder struct {
	Term          string `json:"term"`               // a new one each time that a submit gets the lock; empty once the lock was given back
	PostgresStart string `json:"postgresql_started"` // lease.Lease.PostgresStart of the lock
}

// giveBackTimeout is the part of the time for a stop that quitTimeout leaves.
const giveBackTimeout = time.Second

// awaitHandover blocks until the previous holder h can no longer act. It calls waiting first if it has to wait.
// postgresStart is that of the lock now; ownTerm is the last term of this submit.
//
// A PostgreSQL that keeps running takes the lock from a holder only when its connection has ended, or when PostgreSQL has
// not heard from it for longer than the holder trusts an answer. A PostgreSQL that was started again, or has replaced
// another, gives the lock away at once. A holder that the network has cut off then still trusts the answer that it got a
// moment ago. No clocks are compared, since those of machines differ.
func (h holder) awaitHandover(ctx context.Context, postgresStart, ownTerm string, waiting func()) error {
	if h.Term == "" || h.Term == ownTerm || h.PostgresStart == postgresStart {
		return nil
	}
	waiting()
	if !wait(ctx, lease.Handover) {
		return ctx.Err()
	}
	return nil
}

// becomeHolder waits for the previous holder, fences it, and writes that this submit has the lock. The last call of mayAct
// proves that it had the lock after the write, so whoever gets the lock later reads the record.
func (r *runTracker) becomeHolder(ctx context.Context, postgresStart string, mayAct func() error) error {
	if err := r.readTopics(ctx); err != nil {
		return err
	}
	waiting := func() {
		r.config.Log.Info("PostgreSQL was started again while another submit had the lock; waiting until that submit has noticed", "wait", lease.Handover)
	}
	if err := r.inTopic.holder.awaitHandover(ctx, postgresStart, r.term, waiting); err != nil {
		return err
	}
	r.mayAct = mayAct
	if err := r.fencePredecessor(ctx); err != nil {
		return err
	}
	own := holder{Term: uuid.NewString(), PostgresStart: postgresStart}
	if err := r.note(ctx, election.HolderKey, own); err != nil {
		return err
	}
	if err := mayAct(); err != nil {
		return err
	}
	r.inTopic.holder, r.term = own, own.Term
	return nil
}

// giveBack writes that this submit no longer acts, so that its successor need not wait for it. ctx may have ended.
func (r *runTracker) giveBack(ctx context.Context) {
	if r.fencedWriter == nil || r.inTopic.holder.Term != r.term {
		return // another submit has the lock
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	if err := r.note(ctx, election.HolderKey, holder{}); err != nil {
		r.config.Log.Debug("write that the lock is given back", "error", err)
	}
}
