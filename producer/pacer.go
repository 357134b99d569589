package producer

import (
	"context"
	"math"
	"sort"
	"time"
)

// pacer spreads the transactions of a stream over time.
type pacer interface {
	// batch is how many records the next transaction may hold.
	batch() int64
	// wait notes that n records were sent, and returns when the next transaction is due.
	wait(ctx context.Context, n int64) error
}

// ratePacer slows a producer to a rate. It counts from its start, so a delay, such as a slow commit, is made up for.
type ratePacer struct {
	rate  float64 // records a second; 0 for no limit
	start time.Time
	sent  int64
}

func newRatePacer(rate float64) *ratePacer { return &ratePacer{rate: rate, start: time.Now()} }

// atRate makes a pacer of a rate, at whichever serial a stream resumes.
func atRate(rate float64) func(int64) pacer { return func(int64) pacer { return newRatePacer(rate) } }

func (p *ratePacer) batch() int64 {
	if p.rate == 0 {
		return recordsPerTransaction
	}
	return int64(min(recordsPerTransaction, max(1, p.rate/transactionsPerSecond)))
}

func (p *ratePacer) wait(ctx context.Context, n int64) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	p.sent += n
	return sleepUntil(ctx, p.start.Add(multiply(time.Second, float64(p.sent)/p.rate)))
}

// dayPacer lets the polling day pass faster or slower than by the clock. Each record is due at its time of that day. A
// stream that resumes in the middle of the day begins at the time of the last record that was sent.
type dayPacer struct {
	due       func(serial int64) time.Duration // since the polls open, in the polling day's time; it never decreases
	size      int64
	speed     float64 // how fast the polling day's time passes, relative to the clock
	next      int64   // the serial that is sent next
	resumedAt time.Duration
	start     time.Time
	ticks     int64
}

func newDayPacer(next, size int64, speed float64, due func(int64) time.Duration) *dayPacer {
	d := &dayPacer{due: due, size: size, speed: speed, next: next, start: time.Now()}
	if next > 0 {
		d.resumedAt = due(next - 1)
	}
	return d
}

func (d *dayPacer) batch() int64 {
	passed := multiply(time.Since(d.start), d.speed)
	limit := min(d.size-d.next, recordsPerTransaction)
	return int64(sort.Search(int(limit), func(i int) bool { return d.due(d.next+int64(i))-d.resumedAt > passed }))
}

func (d *dayPacer) wait(ctx context.Context, n int64) error {
	d.next += n
	if n == recordsPerTransaction {
		return ctx.Err() // more may be due
	}
	const tick = time.Second / transactionsPerSecond
	d.ticks = max(d.ticks+1, int64(time.Since(d.start)/tick))
	return sleepUntil(ctx, d.start.Add(time.Duration(d.ticks)*tick))
}

// multiply is a duration times a factor, or the longest Duration if the product is longer.
func multiply(d time.Duration, factor float64) time.Duration {
	if product := float64(d) * factor; product < math.MaxInt64 {
		return time.Duration(product)
	}
	return math.MaxInt64
}

// sleepUntil returns at a time, or when ctx is over.
func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
