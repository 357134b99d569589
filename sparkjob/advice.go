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

// withAdvice adds to an error of Spark what is wrong and what to do. It returns an *election.InputError where submit cannot
// work before somebody corrects something. Where submit goes on trying (Spark is away, a folder, a topic), it does not.
func withAdvice(c Config, err error) error {
	var failure *spark.Error
	if !errors.As(err, &failure) {
		return err
	}
	// mentions reports whether the error holds one of these texts.
	mentions := func(parts ...string) bool {
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
	case failure.Code == codes.Unavailable && !spark.Retryable(failure): // TLS
		return &election.Wrong{Setting: "remote", Text: fmt.Sprintf("cannot be used: %s", firstLine(failure))}
	case spark.Retryable(failure):
		return &election.Hint{Err: fmt.Errorf("no answer from Spark: %w", err), Text: "does it run at the address in {remote}?"}
	case mentions("Failed to find the data source: kafka", "Failed to find data source: kafka"):
		return &election.InputError{Text: "Spark has no connector for Kafka; start it with spark-sql-kafka-0-10 of its own version, and what that needs, among its jars"}
	case mentions("ClassNotFoundException: org.postgresql.Driver", "No suitable driver"):
		return &election.InputError{Text: "Spark has no driver for PostgreSQL; start it with org.postgresql:postgresql among its jars"}
	case mentions("SSL root certificate", "SSL error", "hostnameverifier"):
		return &election.Hint{Err: fmt.Errorf("no connection to PostgreSQL for Spark: %w", err), Text: "Spark's machines need the file that sslrootcert names in {postgres}, at the same path"}
	case mentions("SaslAuthenticationException", "SslAuthenticationException", "TopicAuthorizationException", "GroupAuthorizationException"):
		return &election.Hint{Err: fmt.Errorf("no login to Kafka for Spark, or no right there: %w", err), Text: "see {spark-kafka-config}, on Spark's machines"}
	case mentions("KAFKA_DATA_LOSS", "some data may have been missed", "failOnDataLoss"):
		return fmt.Errorf("votes_topic no longer holds the records that this run continues from: it was created anew, or records were deleted; "+
			"start with the old topic, or remove the run's folder in %s to count the records that it holds now: %w", c.Checkpoints, err)
	case c.checkpointFolder() != "" && mentions(c.checkpointFolder()) && mentions("Permission denied", "AccessControlException", "AccessDenied", "kdir", "Read-only file system", "No space left"):
		return fmt.Errorf("the checkpoint cannot be written; let Spark's driver and executors write to %s: %w", c.Checkpoints, err)
	}
	return err
}
