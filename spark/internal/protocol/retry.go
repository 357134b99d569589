package protocol

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// RetryPolicy says how often and how fast a call is tried again after a fault that may pass. The waits grow by
// Multiplier from Initial to Max, which are DefaultRetry's where they are zero; from JitterFrom on, a random part of up to Jitter is
// added.
type RetryPolicy struct {
	Retries    int // attempts after the first; 0 never retries
	Initial    time.Duration
	Max        time.Duration
	Multiplier float64
	Jitter     time.Duration
	JitterFrom time.Duration
	// MaxServerDelay bounds a wait that the server itself asks for.
	MaxServerDelay time.Duration
	// Sleep waits for d or until ctx ends, returning ctx's error; nil means the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
	// Random returns a number in [0, 1); nil means math/rand.
	Random func() float64
}

// DefaultRetry is the default policy of Spark's own clients: 15 retries, 50 ms to one minute, about ten minutes in all.
func DefaultRetry() RetryPolicy {
	return RetryPolicy{
		Retries:        15,
		Initial:        50 * time.Millisecond,
		Max:            time.Minute,
		Multiplier:     4,
		Jitter:         500 * time.Millisecond,
		JitterFrom:     2 * time.Second,
		MaxServerDelay: 10 * time.Minute,
	}
}

// filled takes from DefaultRetry what would otherwise make a loop without a pause.
func (p RetryPolicy) filled() RetryPolicy {
	usual := DefaultRetry()
	p.Initial, p.Max, p.Multiplier = cmp.Or(p.Initial, usual.Initial), cmp.Or(p.Max, usual.Max), cmp.Or(p.Multiplier, usual.Multiplier)
	return p
}

// Retry is a fault that the client is about to try again after.
type Retry struct {
	Call    string        // that failed, under Spark's name, such as ExecutePlan or ReattachExecute
	Attempt int           // how many have failed in a row
	Err     error         // what the latest failed with
	Wait    time.Duration // until the next
}

// retrier counts the attempts of one call. It is not safe for concurrent use.
type retrier struct {
	policy  RetryPolicy
	hook    func(Retry)
	call    string
	attempt int
	next    time.Duration
	waited  time.Duration // in all
	last    error         // the fault waited for last
}

func (c *Conn) startRetry(call string) *retrier {
	return &retrier{policy: c.retry, hook: c.retryHook, call: call, next: c.retry.Initial}
}

// reset makes the next fault the first one again, after progress was made.
func (r *retrier) reset() { r.attempt, r.next, r.waited, r.last = 0, r.policy.Initial, 0, nil }

// wait sleeps before the next attempt, or returns what to tell the caller when there is none.
func (r *retrier) wait(ctx context.Context, err error) error {
	if cancelled(err) || !Retryable(err) {
		if ctx.Err() != nil && r.last != nil {
			return fmt.Errorf("%w (last fault: %w)", err, r.last)
		}
		return err
	}
	return r.waitAnyway(ctx, err)
}

// waitAnyway is wait, for a fault that the caller knows to be worth another attempt.
func (r *retrier) waitAnyway(ctx context.Context, err error) error {
	if r.attempt >= r.policy.Retries {
		return fmt.Errorf("give up after %d attempts: %w", r.attempt+1, err)
	}
	r.attempt, r.last = r.attempt+1, err
	delay := r.delay(err)
	if r.hook != nil {
		r.hook(Retry{Call: r.call, Attempt: r.attempt, Err: err, Wait: delay})
	}
	r.waited += delay
	if sleepErr := r.policy.sleep(ctx, delay); sleepErr != nil {
		return fmt.Errorf("%w while retrying (last fault: %w)", sleepErr, err)
	}
	return nil
}

func (r *retrier) delay(err error) time.Duration {
	d := r.next
	r.next = min(r.policy.Max, time.Duration(float64(r.next)*r.policy.Multiplier))
	if asked := min(serverDelay(err), r.policy.MaxServerDelay); asked > d {
		d = asked
	}
	if d >= r.policy.JitterFrom {
		random := r.policy.Random
		if random == nil {
			random = rand.Float64
		}
		d += time.Duration(random() * float64(r.policy.Jitter))
	}
	return d
}

func (p RetryPolicy) sleep(ctx context.Context, d time.Duration) error {
	if p.Sleep != nil {
		err := p.Sleep(ctx, d)
		if err != nil && ctx.Err() != nil {
			return cancellationOf(ctx)
		}
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return cancellationOf(ctx)
	}
}
