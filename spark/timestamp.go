package spark

import (
	"fmt"
	"strings"
	"time"
)

// TimestampNTZ is a day and a time of day without a zone, what a clock on a wall shows: Spark's timestamp_ntz. It is the same in a
// session of any zone, where a time.Time is an instant, Spark's timestamp.
type TimestampNTZ struct {
	Date
	Hour, Minute, Second, Microsecond int
}

// TimestampNTZOf is what a clock in the time's own zone shows, without what is less than a microsecond.
func TimestampNTZOf(t time.Time) TimestampNTZ {
	year, month, day := t.Date()
	return TimestampNTZ{Date{year, month, day}, t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1000}
}

// In is the instant at which a clock in the zone shows this, as time.Date finds it.
func (n TimestampNTZ) In(zone *time.Location) time.Time {
	return time.Date(n.Year, n.Month, n.Day, n.Hour, n.Minute, n.Second, n.Microsecond*1000, zone)
}

// String writes the time as 2006-01-02 15:04:05.999999.
func (n TimestampNTZ) String() string {
	text := fmt.Sprintf("%s %02d:%02d:%02d", n.Date, n.Hour, n.Minute, n.Second)
	if n.Microsecond == 0 {
		return text
	}
	return text + strings.TrimRight(fmt.Sprintf(".%06d", n.Microsecond), "0")
}

// micros is the number of microseconds since 1970, had the clock stood in UTC.
func (n TimestampNTZ) micros() (int64, error) {
	micros := n.In(time.UTC).UnixMicro()
	if timestampNTZOf(micros) != n {
		return 0, fmt.Errorf("%s is not a time that Spark has", n)
	}
	return micros, nil
}

func timestampNTZOf(micros int64) TimestampNTZ { return TimestampNTZOf(time.UnixMicro(micros).UTC()) }

// instantMicros is the number of microseconds from 1970 to a time.
func instantMicros(t time.Time) (int64, error) {
	micros := t.UnixMicro()
	if time.UnixMicro(micros).Unix() != t.Unix() {
		return 0, fmt.Errorf("the time %d seconds after 1970 is outside of Spark's timestamps, which are of the years -290308 to 294247", t.Unix())
	}
	return micros, nil
}

// dayTimeMicros is the number of microseconds of an interval.
func dayTimeMicros(d time.Duration) (int64, error) {
	if d%time.Microsecond != 0 {
		return 0, fmt.Errorf("a duration of %s is no whole number of microseconds, which Spark's intervals are counted in; round it", d)
	}
	return d.Microseconds(), nil
}

// durationOf is a number of units as a time.Duration, which holds 292 years where Spark's intervals hold 292,000.
func durationOf(n int64, unit time.Duration) (time.Duration, error) {
	d := time.Duration(n) * unit
	if int64(d/unit) != n {
		return 0, fmt.Errorf("an interval of %d times %s is longer than a time.Duration can be, 292 years; cast it to string in the query", n, unit)
	}
	return d, nil
}
