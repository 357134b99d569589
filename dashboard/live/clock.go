package live

import "time"

// clock tells how long ago an event was whose time another machine's clock has recorded.
//
// A report is new when it arrives, and from then on this machine's clock measures its age. Only the first report may be of any
// age when it is read. Its age is the difference of this machine's clock and Kafka's, and the next report corrects that.
type clock struct {
	reported     time.Time     // Kafka's timestamp of the query's last report
	reportedHere time.Time     // the same on this machine's clock
	kafkaAhead   time.Duration // by how much Kafka's clock is ahead of this machine's; 0 within clockTolerance
}

// clockTolerance is the largest difference of clocks that is ignored. A report takes some seconds from Kafka to here.
const clockTolerance = 5 * time.Second

// report sets Kafka's timestamp of the newest report, which is zero if there is none.
func (c *clock) report(now, reported time.Time) {
	switch {
	case reported.IsZero() || reported.Equal(c.reported):
		return
	case c.reported.IsZero():
		c.reportedHere = now.Add(-max(0, now.Sub(reported)))
	default:
		c.reportedHere, c.kafkaAhead = now, reported.Sub(now)
		if c.kafkaAhead.Abs() <= clockTolerance {
			c.kafkaAhead = 0
		}
	}
	c.reported = reported
}

// silence is the time since the newest report.
func (c clock) silence(now time.Time) time.Duration { return now.Sub(c.reportedHere) }

// age is the time since a time on Kafka's clock.
func (c clock) age(now, at time.Time) time.Duration { return max(0, now.Add(c.kafkaAhead).Sub(at)) }
