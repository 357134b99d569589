package producer

import (
	"context"
	"time"
)

// pace slows a producer to a rate. It counts from its start, so that a pause, a slow commit say, is caught up.
type pace struct {
	rate  int // records a second; 0 for no limit
	start time.Time
	sent  int64
}

func newPace(rate int) *pace { return &pace{rate: rate, start: time.Now()} }

// batch is how many records the next transaction should hold.
func (p *pace) batch() int64 {
	if p.rate == 0 {
		return recordsPerTransaction
	}
	return int64(min(recordsPerTransaction, max(1, p.rate/transactionsPerSecond)))
}

// wait returns when the next transaction is due after n more records.
func (p *pace) wait(ctx context.Context, n int64) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	p.sent += n
	due := p.start.Add(time.Duration(float64(p.sent) / float64(p.rate) * float64(time.Second)))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
