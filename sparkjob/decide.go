package sparkjob

// action is what submit does next to have the right query run.
type action string

const (
	stayStopped     action = "end the session and stay stopped"
	findSession     action = "look for the session in which the query was started last"
	adoptQuery      action = "adopt the query that runs there"
	awaitRegister   action = "wait until the register is closed"
	openSession     action = "end the previous session and open a new one"
	beginNextRun    action = "begin the next run"
	startQuery      action = "start the query of the current run"
	promoteRun      action = "make the current run official"
	awaitMicroBatch action = "wait for the next micro-batch"
)

// sessionState says which session of Spark submit is in.
type sessionState string

const (
	sessionNotLookedFor sessionState = "not looked for"
	sessionNotFound     sessionState = "not found"
	sessionFound        sessionState = "found"
	sessionOpened       sessionState = "opened" // to start the query in it
	sessionFollowed     sessionState = "followed"
)

// observation is what submit knows when it decides.
type observation struct {
	stopRequested bool // by `election query stop`

	registerClosed bool // it is known which ballots the register allows; true without a register

	runIsOfThisQuery bool // false also where there is no run yet
	runHasCommitted  bool // a micro-batch was committed, so a checkpoint must exist
	runIsOfficial    bool
	runHasCaughtUp   bool // it has counted as far as the previous run had when this one began

	session        sessionState
	queryElsewhere bool // the query was last started on a Spark that --remote does not know

	queryRuns          bool // in the session that was found
	settingsAreTheSame bool // the query was started with the settings of this submit

	checkpointExists bool // meaningful only if needsCheckpoint
}

// needsCheckpoint reports whether the decision depends on the checkpoint. Otherwise submit does not ask Spark for it.
func (o observation) needsCheckpoint() bool {
	return o.runHasCommitted && o.runIsOfThisQuery && !o.queryElsewhere && (o.mayAdopt() || o.session == sessionOpened)
}

func (o observation) mayAdopt() bool {
	return o.session == sessionFound && o.queryRuns && o.settingsAreTheSame
}

// nextRunIsDue reports whether submit must begin a run: there is none yet, the query has changed, the checkpoint is lost, or
// the query of the current run may go on in another Spark. There it cannot change the totals of the next run.
func (o observation) nextRunIsDue() bool {
	return !o.runIsOfThisQuery || o.queryElsewhere || o.runHasCommitted && !o.checkpointExists
}

// decide is the whole policy of submit. DESIGN.md draws it. After a failure submit observes again and decides anew.
func decide(o observation) action {
	switch {
	case o.stopRequested:
		return stayStopped
	case o.session == sessionNotLookedFor:
		return findSession
	case o.session == sessionFollowed && !o.runIsOfficial && o.runHasCaughtUp:
		return promoteRun
	case o.session == sessionFollowed:
		return awaitMicroBatch
	case o.mayAdopt() && !o.nextRunIsDue():
		return adoptQuery
	case o.session != sessionOpened:
		return openSession
	case !o.registerClosed:
		return awaitRegister
	case o.nextRunIsDue():
		return beginNextRun
	default:
		return startQuery
	}
}
