package sparkjob

import "testing"

func TestDecisions(t *testing.T) {
	t.Parallel()
	// running is what submit observes while the right query runs. Each case changes it.
	running := observation{
		registerClosed: true, runIsOfThisQuery: true, runHasCommitted: true, runIsOfficial: true, runHasCaughtUp: true,
		session: sessionFound, queryRuns: true, settingsAreTheSame: true, checkpointExists: true,
	}
	opened := func(o *observation) { o.session, o.queryRuns = sessionOpened, false }
	for name, c := range map[string]struct {
		change func(*observation)
		action action
	}{
		"submit has looked for nothing yet":            {func(o *observation) { *o = observation{session: sessionNotLookedFor} }, findSession},
		"the right query runs":                         {func(*observation) {}, adoptQuery},
		"the right query runs, before a micro-batch":   {func(o *observation) { o.runHasCommitted, o.checkpointExists = false, false }, adoptQuery},
		"its run has not caught up":                    {func(o *observation) { o.runIsOfficial, o.runHasCaughtUp = false, false }, adoptQuery},
		"the query runs with other settings":           {func(o *observation) { o.settingsAreTheSame = false }, openSession},
		"the query of another run goes on":             {func(o *observation) { o.runIsOfThisQuery = false }, openSession},
		"the query runs, its checkpoint is lost":       {func(o *observation) { o.checkpointExists = false }, openSession},
		"the query has ended":                          {func(o *observation) { o.queryRuns = false }, openSession},
		"the session is gone":                          {func(o *observation) { o.session, o.queryRuns = sessionNotFound, false }, openSession},
		"no run yet, no session":                       {func(o *observation) { *o = observation{session: sessionNotFound, registerClosed: true} }, openSession},
		"no run yet, no session, the register is open": {func(o *observation) { *o = observation{session: sessionNotFound} }, openSession},
		"a session is open, the register is too":       {func(o *observation) { opened(o); o.registerClosed = false }, awaitRegister},
		"the query runs, the register is not read yet": {func(o *observation) { o.registerClosed = false }, adoptQuery},
		"the query went on elsewhere, no session":      {func(o *observation) { o.session, o.queryRuns, o.queryElsewhere = sessionNotFound, false, true }, openSession},
		"a session is open":                            {opened, startQuery},
		"a session is open, before a micro-batch":      {func(o *observation) { opened(o); o.runHasCommitted, o.checkpointExists = false, false }, startQuery},
		"a session is open, no run yet":                {func(o *observation) { *o = observation{session: sessionOpened, registerClosed: true} }, beginNextRun},
		"a session is open, the query is another":      {func(o *observation) { opened(o); o.runIsOfThisQuery = false }, beginNextRun},
		"a session is open, the checkpoint is lost":    {func(o *observation) { opened(o); o.checkpointExists = false }, beginNextRun},
		"a session is open, the query went elsewhere":  {func(o *observation) { opened(o); o.queryElsewhere = true }, beginNextRun},
		"the query is followed":                        {func(o *observation) { o.session = sessionFollowed }, awaitMicroBatch},
		"it is followed, its checkpoint is lost":       {func(o *observation) { o.session, o.checkpointExists = sessionFollowed, false }, awaitMicroBatch},
		"it is followed, and has caught up":            {func(o *observation) { o.session, o.runIsOfficial = sessionFollowed, false }, promoteRun},
		"it is followed, and has not caught up":        {func(o *observation) { o.session, o.runIsOfficial, o.runHasCaughtUp = sessionFollowed, false, false }, awaitMicroBatch},
	} {
		o := running
		c.change(&o)
		if got := decide(o); got != c.action {
			t.Errorf("%s: submit decides to %s, expected %s", name, got, c.action)
		}
		o.stopRequested = true
		if got := decide(o); got != stayStopped {
			t.Errorf("%s, and a stop is requested: submit decides to %s", name, got)
		}
	}
}

// TestDecisionsLeadToTheQuery starts from each possible observation, and carries out the decisions.
func TestDecisionsLeadToTheQuery(t *testing.T) {
	t.Parallel()
	for bits := range 1 << 9 {
		bit := func(n int) bool { return bits>>n&1 == 1 }
		o := observation{
			registerClosed: true, runIsOfThisQuery: bit(0), runHasCommitted: bit(1), runIsOfficial: bit(2), runHasCaughtUp: bit(3), session: sessionNotLookedFor,
			queryElsewhere: bit(4), settingsAreTheSame: bit(5), checkpointExists: bit(6),
		}
		sessionExists, queryRuns := bit(7) && !bit(4), bit(7) && !bit(4) && bit(8)
		began, mayBegin := 0, !o.runIsOfThisQuery || o.queryElsewhere || o.runHasCommitted && !o.checkpointExists
		for step := 0; o.session != sessionFollowed; step++ {
			if step > 4 {
				t.Fatalf("%b: no query after %d steps: %+v", bits, step, o)
			}
			if o.checkpointExists && !o.needsCheckpoint() {
				with := o
				with.checkpointExists = false
				if decide(with) != decide(o) {
					t.Fatalf("%+v: the decision depends on the checkpoint, but needsCheckpoint denies that", o)
				}
			}
			switch decide(o) {
			case findSession:
				o.session, o.queryRuns = sessionNotFound, false
				if sessionExists {
					o.session, o.queryRuns = sessionFound, queryRuns
				}
			case openSession:
				o.session, o.queryRuns, queryRuns = sessionOpened, false, false
			case beginNextRun:
				began++
				o.runIsOfThisQuery, o.runHasCommitted, o.runIsOfficial, o.queryElsewhere = true, false, false, false
			case adoptQuery, startQuery:
				if !o.runIsOfThisQuery || queryRuns == (decide(o) == startQuery) {
					t.Fatalf("%+v: submit decides to %s, while a query runs: %t", o, decide(o), queryRuns)
				}
				o.session = sessionFollowed
			default:
				t.Fatalf("%+v: submit decides to %s", o, decide(o))
			}
		}
		if began > 1 || (began == 1) != mayBegin {
			t.Errorf("%b: %d runs begin, where one is due: %t", bits, began, mayBegin)
		}
	}
}
