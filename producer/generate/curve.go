package generate

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"realtime-election/election"
)

// curve is how the ballots of a polling day come in: evenly within each part.
type curve []point

type point struct {
	from, to int64   // milliseconds since the polls open
	upTo     float64 // the share of ballots that has come in by to
}

// newCurve makes the curve of a definition's arrival. Each part of the arrival is a time of day. Where the polls are
// open for several days, or over midnight, its share is spread evenly over all the time that the polls are open at that
// time of day. Parts at which the polls are never open are left out. If no part remains, ballots come evenly.
func newCurve(polls election.Polling, arrival []election.Arrival) curve {
	opens, closes := polls.Opens.UTC(), polls.Closes.UTC()
	length := closes.Sub(opens).Milliseconds()
	var c curve
	type piece struct {
		from, to int64
		share    float64
	}
	var pieces []piece
	sum, after := 0.0, time.Duration(0)
	for _, part := range arrival {
		until, ok := part.TimeOfDay()
		if !ok {
			continue // Check refuses it
		}
		first := len(pieces)
		var open int64
		for day := opens.Truncate(24 * time.Hour); day.Before(closes); day = day.Add(24 * time.Hour) {
			from := max(0, day.Add(after).Sub(opens).Milliseconds())
			to := min(length, day.Add(until).Sub(opens).Milliseconds())
			if from < to {
				pieces = append(pieces, piece{from: from, to: to})
				open += to - from
			}
		}
		for i := first; i < len(pieces); i++ {
			pieces[i].share = part.Share * float64(pieces[i].to-pieces[i].from) / float64(open)
			sum += pieces[i].share
		}
		after = until
	}
	if !(sum > 0) {
		pieces, sum = []piece{{0, length, 1}}, 1
	}
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.from, b.from) })
	upTo := 0.0
	for _, p := range pieces {
		if p.share > 0 {
			upTo += p.share / sum
			c = append(c, point{p.from, p.to, upTo})
		}
	}
	return c
}

// at is when that share of the ballots has come in, in milliseconds since the polls open.
func (c curve) at(share float64) uint32 {
	i := min(len(c)-1, sort.Search(len(c), func(i int) bool { return share < c[i].upTo }))
	p, before := c[i], 0.0
	if i > 0 {
		before = c[i-1].upTo
	}
	within := (share - before) / (p.upTo - before)
	// The shares may sum to a little less than 1. What is above their sum belongs to the last part.
	return uint32(min(p.to-1, p.from+int64(within*float64(p.to-p.from))))
}
