package producer

import (
	"context"
	"math"
	"sort"
	"time"
)

// pacing says how many records the next transaction may hold, and when it is due.
type pacing interface {
	batch() int64
	// wait returns when the next transaction is due after n more records.
	wait(ctx context.Context, n int64) error
}

// pace slows a producer to a rate. It counts from its start, so that a pause, a slow commit say, is caught up.
type pace struct {
	rate  float64 // records a second; 0 for no limit
	start time.Time
	sent  int64
}

func newPace(rate float64) *pace { return &pace{rate: rate, start: time.Now()} }

// steady is the pace of a rate, from wherever a stream goes on.
func steady(rate float64) func(int64) pacing { return func(int64) pacing { return newPace(rate) } }

func (p *pace) batch() int64 {
	if p.rate == 0 {
		return recordsPerTransaction
	}
	return int64(min(recordsPerTransaction, max(1, p.rate/transactionsPerSecond)))
}

func (p *pace) wait(ctx context.Context, n int64) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	p.sent += n
	return until(ctx, p.start.Add(times(time.Second, float64(p.sent)/p.rate)))
}

// day lets the polling day pass faster or slower than it would: a record is due at its time of that day. Who goes on in
// the middle of the day begins at the last record that was sent.
type day struct {
	due   func(serial int64) time.Duration // since the polls open, in the polling day's time; never falls
	size  int64
	speed float64 // of the polling day's time to the clock's
	next  int64   // the serial that is sent next
	from  time.Duration
	start time.Time
	ticks int64
}

func newDay(next, size int64, speed float64, due func(int64) time.Duration) *day {
	d := &day{due: due, size: size, speed: speed, next: next, start: time.Now()}
	if next > 0 {
		d.from = due(next - 1)
	}
	return d
}

func (d *day) batch() int64 {
	passed := times(time.Since(d.start), d.speed)
	limit := min(d.size-d.next, recordsPerTransaction)
	return int64(sort.Search(int(limit), func(i int) bool { return d.due(d.next+int64(i))-d.from > passed }))
}

func (d *day) wait(ctx context.Context, n int64) error {
	d.next += n
	if n == recordsPerTransaction {
		return ctx.Err() // more may be due
	}
	const tick = time.Second / transactionsPerSecond
	d.ticks = max(d.ticks+1, int64(time.Since(d.start)/tick))
	return until(ctx, d.start.Add(time.Duration(d.ticks)*tick))
}

// times is a duration multiplied, or the longest that there is.
func times(d time.Duration, factor float64) time.Duration {
	if product := float64(d) * factor; product < math.MaxInt64 {
		return time.Duration(product)
	}
	return math.MaxInt64
}

// until returns at a time.
func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
