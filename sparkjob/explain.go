package sparkjob

import (
	"context"
	"errors"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// ErrNotRunning is the error of Plan while Spark does not run the query.
var ErrNotRunning = errors.New("the query does not run; `election status` says why")

// Plan returns the plan of the query's latest micro-batch as Spark prints it. If extended is set, it includes the logical
// plans.
func Plan(ctx context.Context, cluster kafka.Cluster, remote Remote, extended bool) (string, error) {
	var latest run
	if _, err := cluster.LatestJSON(ctx, election.RunsTopic, election.LatestRunKey, &latest); err != nil {
		return "", err
	}
	ctx, cancel := withAnswerTimeout(ctx, answerTimeout)
	defer cancel()
	session, query, err := remote.resumeSession(ctx, latest.Session)
	if err != nil {
		return "", withAdvice(Config{}, err)
	}
	if session == nil {
		return "", ErrNotRunning
	}
	defer session.Close()
	if query == nil {
		return "", ErrNotRunning
	}
	return query.Explain(ctx, extended)
}
