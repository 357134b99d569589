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

// repeatedProblems finds the problems that a process logs again and again. A problem that is logged once or twice has
// often passed. Two lines that differ only in numbers are the same problem.
type repeatedProblems struct {
	seen map[string]*problem
	rest []byte // of a line that has not come whole yet
}

type problem struct {
	times    int
	last     time.Time
	passedOn bool
}

const (
	timesToPassOn = 3               // after so many times a problem is passed on
	forgetAfter   = 5 * time.Minute // after so long without it, a problem counts as new
	mostProblems  = 100             // more than these are not remembered
	longestLine   = 64 << 10        // longer lines are not looked at
	readLogEvery  = time.Second
)

var (
	// They match lines of this program's services and of log4j, and no others.
	ourProblem  = regexp.MustCompile(`^(?:time=\S+ )?level=(?:WARN|ERROR) (.*)`)
	javaProblem = regexp.MustCompile(`^[-\d]+ [:.,\d]+ (?:ERROR|FATAL) (.*)`)
	attribute   = regexp.MustCompile(`\b(msg|error)=("(?:[^"\\]|\\.)*"|\S+)`)
	digits      = regexp.MustCompile(`\d+`)
)

// clientErrorPrefix begins the line that Spark logs for each call that it answers with an error. The caller logs those
// that matter.
const clientErrorPrefix = "ErrorUtils: Spark Connect RPC error"

// problemIn is the problem that a line of a log tells, or empty.
func problemIn(line string) string {
	if match := javaProblem.FindStringSubmatch(line); match != nil {
		if strings.HasPrefix(match[1], clientErrorPrefix) {
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

// add reads more of the log, and returns the problems to pass on: each once, when it has come timesToPassOn times.
func (r *repeatedProblems) add(text []byte, now time.Time) (news []string) {
	r.rest = append(r.rest, text...)
	for {
		line, rest, whole := bytes.Cut(r.rest, []byte("\n"))
		if !whole {
			break
		}
		r.rest = rest
		if text := problemIn(string(line)); text != "" && r.note(text, now) {
			news = append(news, shortened(text, longestShown))
		}
	}
	if len(r.rest) > longestLine {
		r.rest = nil
	}
	return news
}

// note counts a problem, and reports whether to pass it on.
func (r *repeatedProblems) note(text string, now time.Time) bool {
	key := digits.ReplaceAllString(text, "0")
	known := r.seen[key]
	if known == nil || now.Sub(known.last) > forgetAfter {
		if r.seen == nil || len(r.seen) >= mostProblems {
			r.seen = make(map[string]*problem)
		}
		known = &problem{}
		r.seen[key] = known
	}
	known.times, known.last = known.times+1, now
	if known.times < timesToPassOn || known.passedOn {
		return false
	}
	known.passedOn = true
	return true
}

// watchLog logs the problems that a process logs repeatedly, until the process or ctx ends. So an operator sees them
// without opening the log of the process. It keeps the log from filling the disk: a client without a password can have
// PostgreSQL log megabytes a second.
func (r *run) watchLog(ctx context.Context, process *Process) error {
	log, err := os.OpenFile(process.logFile, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil // somebody removed it
	}
	defer log.Close()
	var found repeatedProblems
	tick := time.NewTicker(readLogEvery)
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
				return nil // an election does not stop because a log cannot be read
			}
			for _, problem := range found.add(text, now) {
				r.config.log().Warn("a process says again and again that something is wrong", "name", process.Name(), "problem", problem, "log", process.logFile)
			}
			switch trimmed, err := trimLog(log, logsBytes); {
			case err != nil:
				r.config.log().Warn("a log is too long, and cannot be cut", "name", process.Name(), "log", process.logFile, "error", err)
			case trimmed:
				r.config.log().Warn("a log was too long, and only its end is kept", "name", process.Name(), "log", process.logFile)
			}
		}
	}
}
