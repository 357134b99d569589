package local

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// repeats finds what a process says again and again in its log that something is wrong. What is said once or twice has
// often mended itself. Two lines that differ in numbers only say the same.
type repeats struct {
	seen map[string]*problem
	rest []byte // of a line that is not whole yet
}

type problem struct {
	times  int
	last   time.Time
	passed bool // it was passed on
}

const (
	enoughTimes   = 3               // from then on it is a repetition
	forgetAfter   = 5 * time.Minute // after so long without it, it is a new one
	mostProblems  = 100             // remembered of a process
	longestLine   = 64 << 10        // longer ones are no problem of anybody's
	lookAtLogEach = time.Second
)

var (
	// The lines of our services, of log4j, and of nothing else.
	ourProblem  = regexp.MustCompile(`^(?:time=\S+ )?level=(?:WARN|ERROR) (.*)`)
	javaProblem = regexp.MustCompile(`^[-\d]+ [:.,\d]+ (?:ERROR|FATAL) (.*)`)
	attribute   = regexp.MustCompile(`\b(msg|error)=("(?:[^"\\]|\\.)*"|\S+)`)
	digits      = regexp.MustCompile(`\d+`)
)

// toldToItsClient begins what Spark logs of each call that it answers with an error. The caller says it where it matters.
const toldToItsClient = "ErrorUtils: Spark Connect RPC error"

// problemIn is what a line of a log says is wrong, if it does.
func problemIn(line string) string {
	if match := javaProblem.FindStringSubmatch(line); match != nil {
		if strings.HasPrefix(match[1], toldToItsClient) {
			return ""
		}
		return match[1]
	}
	match := ourProblem.FindStringSubmatch(line)
	if match == nil {
		return ""
	}
	var parts []string
	for _, found := range attribute.FindAllStringSubmatch(match[1], -1) {
		value, err := strconv.Unquote(found[2])
		if err != nil {
			value = found[2]
		}
		parts = append(parts, value)
	}
	return strings.Join(strings.Fields(strings.Join(parts, ": ")), " ")
}

// add takes more of the log and returns the problems that are to be passed on: each once, when it has been repeated.
func (r *repeats) add(text []byte, now time.Time) (news []string) {
	r.rest = append(r.rest, text...)
	for {
		line, rest, whole := bytes.Cut(r.rest, []byte("\n"))
		if !whole {
			break
		}
		r.rest = rest
		if said := problemIn(string(line)); said != "" && r.again(said, now) {
			news = append(news, shortened(said, longestShown))
		}
	}
	if len(r.rest) > longestLine {
		r.rest = nil
	}
	return news
}

// again notes a problem, and says whether it is to be passed on.
func (r *repeats) again(said string, now time.Time) bool {
	key := digits.ReplaceAllString(said, "0")
	known := r.seen[key]
	if known == nil || now.Sub(known.last) > forgetAfter {
		if r.seen == nil || len(r.seen) >= mostProblems {
			r.seen = make(map[string]*problem)
		}
		known = &problem{}
		r.seen[key] = known
	}
	known.times, known.last = known.times+1, now
	if known.times < enoughTimes || known.passed {
		return false
	}
	known.passed = true
	return true
}

// watchLog logs the problems that a process repeats, until it or ctx ends: an operator sees them without opening its log.
func (r *run) watchLog(ctx context.Context, process *Process) error {
	log, err := os.Open(process.logFile)
	if err != nil {
		return nil // it was removed, and so was what it says
	}
	defer log.Close()
	var found repeats
	tick := time.NewTicker(lookAtLogEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-process.Done():
			return nil
		case now := <-tick.C:
			text, err := io.ReadAll(log)
			if err != nil {
				return nil // to look at a log is no reason to stop an election
			}
			for _, said := range found.add(text, now) {
				r.config.log().Warn("a process says again and again that something is wrong", "name", process.Name(), "problem", said, "log", process.logFile)
			}
		}
	}
}
