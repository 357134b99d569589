package sparkjob

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"realtime-election/election"
	"realtime-election/spark"
)

// isFinal reports whether an error will come again however often the query is started.
func isFinal(err error) bool {
	var wrong *election.InputError
	if errors.As(err, &wrong) {
		return true
	}
	var failure *spark.Error
	return errors.As(err, &failure) && strings.HasPrefix(failure.SQLState, "42") // a mistake in the SQL
}

// withAdvice says of what Spark refuses what is wrong and what to do. What somebody must correct before submit is of use is
// an *election.InputError. What may be mended while submit goes on trying is not: a Spark that is away, a folder, a topic.
func withAdvice(c Config, err error) error {
	var failure *spark.Error
	if !errors.As(err, &failure) {
		return err
	}
	says := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(failure.Class, part) || strings.Contains(failure.Message, part) {
				return true
			}
		}
		return false
	}
	switch {
	case failure.Code == codes.Unauthenticated || failure.Code == codes.PermissionDenied:
		return &election.InputError{Text: "Spark refuses the token of its address; give the one that it was started with (spark.connect.authenticate.token)"}
	case failure.Code == codes.Unimplemented:
		return &election.Wrong{Setting: "remote", Text: fmt.Sprintf("leads to no Spark Connect server, or one older than Spark %d.0: %s", oldestSpark, firstLine(failure))}
	case spark.Retryable(failure):
		return &election.Hint{Err: fmt.Errorf("no answer from Spark: %w", err), Text: "is it running, and where {remote} says?"}
	case says("Failed to find the data source: kafka", "Failed to find data source: kafka"):
		return &election.InputError{Text: "Spark has no connector for Kafka; start it with spark-sql-kafka-0-10 of its own version, and what that needs, among its jars"}
	case says("ClassNotFoundException: org.postgresql.Driver", "No suitable driver"):
		return &election.InputError{Text: "Spark has no driver for PostgreSQL; start it with org.postgresql:postgresql among its jars"}
	case says("KAFKA_DATA_LOSS", "some data may have been missed", "failOnDataLoss"):
		return fmt.Errorf("votes_topic does not hold any more what this run goes on from: it was made again, or records were deleted; "+
			"start with the old topic, or remove the run's folder in %s to count what there is: %w", c.Checkpoints, err)
	case c.checkpointFolder() != "" && says(c.checkpointFolder()) && says("Permission denied", "AccessControlException", "AccessDenied", "kdir", "Read-only file system", "No space left"):
		return fmt.Errorf("the checkpoint cannot be written; let Spark's driver and executors write to %s: %w", c.Checkpoints, err)
	}
	return err
}
