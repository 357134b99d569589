package sparkjob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

const (
	// wantedEvery is how often submit reads whether somebody has stopped or started the query.
	wantedEvery = 2 * time.Second
	// confirmTimeout is how long Stop and Start wait for submit to confirm, which itself may be waiting for Spark.
	confirmTimeout = time.Minute
)

// Stop stops the query, and blocks for at most a minute until submit reports that the query is stopped. The query stays
// stopped until Start, whichever process is started again. The error is kafka.ErrNoElection if Kafka has no election. If
// submit reports nothing for a minute, the error says that the request is noted: submit still carries it out when it can.
func Stop(ctx context.Context, cluster kafka.Cluster) error {
	return setWanted(ctx, cluster, election.Wanted{Stopped: true})
}

// Start lets the query run again from its checkpoint, and blocks for at most a minute until submit reports that it runs. Its
// errors are those of Stop.
func Start(ctx context.Context, cluster kafka.Cluster) error {
	return setWanted(ctx, cluster, election.Wanted{})
}

func setWanted(ctx context.Context, cluster kafka.Cluster, wanted election.Wanted) error {
	if _, err := cluster.Election(ctx); err != nil {
		return err
	}
	cl, err := cluster.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	text, err := json.Marshal(wanted)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	// The offset tells whether a report is newer than the request, since submit may have another clock.
	ends, err := kafka.Ends(ctx, cl, election.QueryStatusTopic)
	if err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: election.QueryControlTopic, Key: []byte(election.WantedKey), Value: text}).FirstErr(); err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	state := running
	if wanted.Stopped {
		state = stopped
	}
	confirming, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	for {
		confirmed, err := stateReported(confirming, cluster, state, ends[0])
		if confirmed {
			return nil
		}
		if err != nil && confirming.Err() == nil {
			return fmt.Errorf("read the query's status: %w", err)
		}
		if !wait(confirming, pollEvery) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.New("the request is noted, but submit has not confirmed it in a minute; does submit run? `election status` says what it does")
		}
	}
}

// stateReported reports whether the query's last status has this state and stands at the offset from or later.
func stateReported(ctx context.Context, cluster kafka.Cluster, state election.QueryState, from int64) (bool, error) {
	latest, err := cluster.Latest(ctx, election.QueryStatusTopic, 0, election.QueryKey)
	if err != nil || latest == nil || latest.Offset < from {
		return false, err
	}
	var status election.QueryStatus
	err = kafka.DecodeJSON(latest, &status)
	return err == nil && status.State == state, err
}

// stopRequested reads whether somebody has stopped the query.
func (r *runTracker) stopRequested(ctx context.Context) (bool, error) {
	if err := r.readTopics(ctx); err != nil {
		return false, fmt.Errorf("read whether the query is to run: %w", err)
	}
	return r.inTopic.wanted.Stopped, nil
}

// stayStopped ends the query's session, and returns when the query is to run again.
func (s *supervisor) stayStopped(ctx context.Context) error {
	session, _, err := s.notedSession(ctx)
	if errors.Is(err, errQueryElsewhere) {
		return fmt.Errorf("stop the query: %w; `election query start` begins the next run on the Spark that submit is given, which can be stopped", err)
	}
	if err != nil {
		return err
	}
	if session != nil {
		if err := s.endSession(ctx, session); err != nil {
			return err
		}
	}
	s.Log.Info("the query is stopped: somebody has requested it")
	if err := s.runs.reportStopped(ctx); err != nil {
		return err
	}
	for wait(ctx, s.wantedEvery) {
		requested, err := s.runs.stopRequested(ctx)
		if err != nil || !requested {
			return err
		}
		if err := s.runs.heartbeat(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
