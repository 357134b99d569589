package sparkjob

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"realtime-election/spark"
)

// run is one generation of the query's checkpoint.
type run struct {
	Run        int    `json:"run"`
	Query      string `json:"query"`      // hash of all that a checkpoint binds
	Partitions int    `json:"partitions"` // state partitions: a checkpoint keeps those it began with
	Began      bool   `json:"began"`      // a micro-batch has committed, so a checkpoint must be there
	// CatchUp is how far the run must have counted, by partition, to become official.
	CatchUp map[string]int64 `json:"catch_up,omitempty"`
	Session sessionRef       `json:"spark_session,omitzero"`
}

// sessionRef is the session in which the run's query was last started: what it takes to find it again, or to end it.
type sessionRef struct {
	Spark    string          `json:"spark"` // host:port
	ID       spark.SessionID `json:"id"`
	User     spark.UserID    `json:"user_id"`
	Server   string          `json:"server_side_id"` // another once Spark has been started again
	Settings string          `json:"settings"`       // hash of what the query was started with besides what its checkpoint binds
}

// checkpoint is the run's folder.
func (r run) checkpoint(folder string) string { return fmt.Sprintf("%s/run-%d", folder, r.Run) }

// patterns are characters that Spark reads as a pattern in a path to read from.
var patterns = regexp.MustCompile(`[{}\[\]*?\\]`)

// exists reports whether a checkpoint is there. Spark looks, since the folder need not be one of this machine.
func exists(ctx context.Context, session *spark.Session, checkpoint string) (bool, error) {
	metadata := patterns.ReplaceAllString(checkpoint, `\$0`) + "/metadata"
	_, err := session.Read().Format("text").Load(metadata).Schema(ctx)
	var spark *spark.Error
	if errors.As(err, &spark) && spark.Class == "PATH_NOT_FOUND" {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the checkpoint: %w", err)
	}
	return true, nil
}

// checkpointURI has Hadoop's reading of one: what follows the scheme and the host is a path as it is written, nothing in it is escaped.
var checkpointURI = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:(?://[^/]*)?(/.*)$`)

// checkpointFolder is the path in Checkpoints, as Spark's messages have it; empty if Checkpoints is no URI.
func (c Config) checkpointFolder() string {
	if parts := checkpointURI.FindStringSubmatch(c.Checkpoints); parts != nil {
		return parts[1]
	}
	return ""
}
