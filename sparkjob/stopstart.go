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
	// wantedEvery is how often submit reads whether the query is to run.
	wantedEvery = 2 * time.Second
	// obeyTimeout bounds how long submit takes to do what is wanted: it may be waiting for Spark.
	obeyTimeout = time.Minute
)

// Stop stops the query, and blocks until submit says that it has: at most a minute. It stays stopped, whatever is started
// again, until Start. The error is kafka.ErrNoElection where Kafka has no election. Where submit
// says nothing for a minute, the error says that the stop is noted: submit still does it when it can.
func Stop(ctx context.Context, cluster kafka.Cluster) error {
	return want(ctx, cluster, election.Wanted{Stopped: true})
}

// Start has the query run again, from its checkpoint, and blocks until submit says that it does: at most a minute.
// Its errors are those of Stop.
func Start(ctx context.Context, cluster kafka.Cluster) error {
	return want(ctx, cluster, election.Wanted{})
}

func want(ctx context.Context, cluster kafka.Cluster, wanted election.Wanted) error {
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
		return fmt.Errorf("encode what is wanted: %w", err)
	}
	// Offsets tell what submit says after this, since its clock may be another.
	ends, err := kafka.Ends(ctx, cl, election.PipelineStatusTopic)
	if err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: election.ElectionTopic, Key: []byte(election.WantedKey), Value: text}).FirstErr(); err != nil {
		return fmt.Errorf("note what is wanted: %w", err)
	}
	state := running
	if wanted.Stopped {
		state = stopped
	}
	obeying, cancel := context.WithTimeout(ctx, obeyTimeout)
	defer cancel()
	for {
		obeyed, err := reported(obeying, cluster, state, ends[0])
		if obeyed {
			return nil
		}
		if err != nil && obeying.Err() == nil {
			return fmt.Errorf("read the query's status: %w", err)
		}
		if !wait(obeying, pollEvery) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.New("it is noted, but submit has not said in a minute that it is done; does it run? `election status` says what it does")
		}
	}
}

// reported says whether the query's last status is this state, and was reported at an offset or after it.
func reported(ctx context.Context, cluster kafka.Cluster, state string, from int64) (bool, error) {
	latest, err := cluster.Latest(ctx, election.PipelineStatusTopic, 0, election.QueryKey)
	if err != nil || latest == nil || latest.Offset < from {
		return false, err
	}
	var status election.QueryStatus
	err = kafka.DecodeJSON(latest, &status)
	return err == nil && status.State == state, err
}

// stopRequested reports whether somebody has stopped the query.
func (r *runTracker) stopRequested(ctx context.Context) (bool, error) {
	if err := r.readElectionTopic(ctx); err != nil {
		return false, fmt.Errorf("read whether the query is to run: %w", err)
	}
	return r.inTopic.wanted.Stopped, nil
}

// stayStopped ends the session in which the query was started last, and returns when the query is to run again.
func (s *supervisor) stayStopped(ctx context.Context) error {
	session, _, err := s.notedSession(ctx)
	if errors.Is(err, errQueryElsewhere) {
		return fmt.Errorf("stop the query: %w; `election query start` begins the next run on the Spark that submit is given, which can be stopped", err)
	}
	if err != nil {
		return err
	}
	if session != nil {
		if err := s.end(ctx, session); err != nil {
			return err
		}
	}
	s.Log.Info("the query is stopped, as somebody wants it")
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
