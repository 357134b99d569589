package spark

import "realtime-election/spark/internal/protocol"

// RetryPolicy says how often and how fast a call is tried again after a fault that may pass. The waits grow by
// Multiplier from Initial to Max, which are DefaultRetry's where they are zero; from JitterFrom on, a random part of up to Jitter is
// added. Its fields are
//
//	Retries        int                                         attempts after the first; 0 never retries
//	Initial        time.Duration                               the first wait
//	Max            time.Duration                               the longest wait
//	Multiplier     float64                                     how much longer each wait is than the one before it
//	Jitter         time.Duration                               the most that is added at random
//	JitterFrom     time.Duration                               the shortest wait that jitter is added to
//	MaxServerDelay time.Duration                               bounds a wait that the server itself asks for
//	Sleep          func(context.Context, time.Duration) error  waits for so long or until the context ends, returning its error; nil means the real clock
//	Random         func() float64                              a number in [0, 1); nil means math/rand
type RetryPolicy = protocol.RetryPolicy

// DefaultRetry is the default policy of Spark's own clients: 15 retries, 50 ms to one minute, about ten minutes in all.
func DefaultRetry() RetryPolicy { return protocol.DefaultRetry() }

// Retry is a fault that the client is about to try again after. Its fields are
//
//	Call    string         that failed, under Spark's name, such as ExecutePlan or ReattachExecute
//	Attempt int            how many have failed in a row
//	Err     error          what the latest failed with
//	Wait    time.Duration  until the next
type Retry = protocol.Retry
