package live

import "time"

// clock tells how long ago things happened whose time another machine's clock has said.
//
// When a report arrives it is new, whatever the clocks say, and from then on this machine's clock measures its age. Only
// the first report may be of any age when it is read: there this machine's clock is compared with Kafka's, and is right
// again with the next report.
type clock struct {
	reported time.Time     // Kafka's timestamp of the query's last report
	heard    time.Time     // when it was made, on this machine's clock
	ahead    time.Duration // how far Kafka's clock is beyond this machine's; 0 where they agree
}

// agreement is how far apart clocks may be to count as the same. A report takes some seconds from Kafka to here.
const agreement = 5 * time.Second

// hear notes the Kafka timestamp of the newest report known, zero for none.
func (c *clock) hear(now, reported time.Time) {
	switch {
	case reported.IsZero() || reported.Equal(c.reported):
		return
	case c.reported.IsZero():
		c.heard = now.Add(-max(0, now.Sub(reported)))
	default:
		c.heard, c.ahead = now, reported.Sub(now)
		if c.ahead.Abs() <= agreement {
			c.ahead = 0
		}
	}
	c.reported = reported
}

// silence is how long ago the newest report was made.
func (c clock) silence(now time.Time) time.Duration { return now.Sub(c.heard) }

// age is how long ago it was what Kafka's clock says.
func (c clock) age(now, at time.Time) time.Duration { return max(0, now.Add(c.ahead).Sub(at)) }
