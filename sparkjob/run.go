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
	Run             int    `json:"run"`
	QueryHash       string `json:"query"`      // of all that requires a new checkpoint when it changes
	StatePartitions int    `json:"partitions"` // a checkpoint keeps the number that it began with
	Committed       bool   `json:"began"`      // a micro-batch has committed, so a checkpoint must exist
	// CatchUp is, for each partition, the offset to which the run must have counted to become official.
	CatchUp map[string]int64 `json:"catch_up,omitempty"`
	Session sessionRef       `json:"spark_session,omitzero"`
}

// sessionRef names the session in which the run's query was last started, so that a submit can find or end it.
type sessionRef struct {
	Spark           string          `json:"spark"` // host:port
	ID              spark.SessionID `json:"id"`
	User            spark.UserID    `json:"user_id"`
	ServerSessionID string          `json:"server_side_id"` // another one after a restart of Spark
	Settings        string          `json:"settings"`       // query.fingerprint of the start
}

// checkpoint is the run's folder.
func (r run) checkpoint(folder string) string { return fmt.Sprintf("%s/run-%d", folder, r.Run) }

// patternCharacters are the characters of a path that Spark takes for a pattern when it reads.
var patternCharacters = regexp.MustCompile(`[{}\[\]*?\\]`)

// lookForCheckpoint reports whether a checkpoint exists. It asks Spark, since the folder need not be one of this machine.
func lookForCheckpoint(ctx context.Context, session *spark.Session, checkpoint string) (bool, error) {
	metadata := patternCharacters.ReplaceAllString(checkpoint, `\$0`) + "/metadata"
	_, err := session.Read().Format("text").Load(metadata).Schema(ctx)
	var failure *spark.Error
	if errors.As(err, &failure) && failure.Class == "PATH_NOT_FOUND" {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the checkpoint: %w", err)
	}
	return true, nil
}

// checkpointURI reads a URI as Hadoop does: the path after scheme and host is taken as it is written, without escapes.
var checkpointURI = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:(?://[^/]*)?(/.*)$`)

// checkpointFolder is the path in Checkpoints, as Spark's messages write it. It is empty if Checkpoints is no URI.
func (c Config) checkpointFolder() string {
	if parts := checkpointURI.FindStringSubmatch(c.Checkpoints); parts != nil {
		return parts[1]
	}
	return ""
}
