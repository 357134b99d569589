package local

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAProblemIsPassedOnWhenItIsRepeated(t *testing.T) {
	const away = `time=2026-11-03T10:00:0%d.1Z level=WARN msg="the query does not run; trying again" run=1 error="start it: spark said \"no\""` + "\n"
	const full = "time=2026-11-03T10:00:00Z level=ERROR msg=\"no room\"\n"
	var found repeatedProblems
	now := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	// logged adds the line so many times, five seconds apart, and wants these problems passed on.
	logged := func(line string, times int, want ...string) {
		t.Helper()
		var got []string
		for n := range times {
			now = now.Add(5 * time.Second)
			line := line
			if strings.Contains(line, "%d") {
				line = fmt.Sprintf(line, n)
			}
			half := len(line) / 2
			got = append(got, found.add([]byte(line[:half]), now)...)
			got = append(got, found.add([]byte(line[half:]), now)...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d times %q: passed on %q, want %q", times, line, got, want)
		}
	}
	logged(away, 2)
	logged(away, 20, `the query does not run; trying again: start it: spark said "no"`)
	logged(full, 2)
	logged(full, 20, "no room")
	logged(away, 20)
	now = now.Add(forgetAfter)
	logged(full, 2)
	logged(full, 1, "no room")
	logged("2026-11-29 00:58:22.604 ERROR Executor: task 17 failed\n", 3, "Executor: task 17 failed")
	logged("2026-11-29 00:59:22.604 ERROR Executor: task 18 failed\n", 3)
	logged("2026-11-29 00:58:22.604 WARN SparkConf: a setting is old\n", 9)
	logged("2026-11-29 00:58:22.604 ERROR ErrorUtils: Spark Connect RPC error during: analyze. UserId: ana. SessionId: 7.\n", 9)
	logged("2026-11-29 00:58:22.604 UTC [7] ERROR:  a client's statement\n", 9)
	logged("time=2026-11-03T10:00:00Z level=INFO msg=\"all is well\" error=none\n", 9)
	logged("time=2026-11-03T10:00:00Z level=WARN msg="+strings.Repeat("x", 1000)+"\n", 3, strings.Repeat("x", longestShown)+"…")
}

func TestUpShowsAProblemThatAChildRepeats(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 0")
	s.script("replay", "exit 0")
	s.script("audit", "exit 0")
	s.script("submit", `repeat level=WARN msg="the query does not run" error="no such class"`)
	s.script(Spark, "repeat 2026-11-29 00:58:22.604 ERROR Executor: no room")
	config, _ := s.upConfig()
	shown := &output{}
	config.Log = slog.New(slog.NewTextHandler(shown, nil))
	wanted := []string{`name=submit problem="the query does not run: no such class"`, `name=spark problem="Executor: no room`}
	config.allCounted = func(context.Context, string) (bool, error) {
		return !slices.ContainsFunc(wanted, func(want string) bool { return !strings.Contains(shown.String(), want) }), nil
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, fmt.Errorf("waited in vain for the problems"))
	defer cancel()
	if err := up(ctx, config, s.servers()); err != nil {
		t.Error(err)
	}
	for _, want := range wanted {
		if n := strings.Count(shown.String(), want); n != 1 {
			t.Errorf("%s is shown %d times:\n%s", want, n, shown)
		}
	}
}
