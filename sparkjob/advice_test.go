package sparkjob

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/election"
	"realtime-election/spark"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// TestBadInputIsOneSentence checks that submit ends where somebody must correct something, and that it reports all other
// errors and goes on trying.
func TestBadInputIsOneSentence(t *testing.T) {
	t.Parallel()
	fail := func(class, message string) error { return sparktest.Failure(codes.Internal, class, message) }
	for name, of := range map[string]struct {
		url     string
		version string
		every   error
		refuse  error
		says    string
		goesOn  bool
	}{
		"parameter":  {url: "sc://127.0.0.1:1/;tokn=hunter2", says: `remote cannot be used: read the Spark Connect address: the parameter "tokn" is unknown`},
		"port":       {url: "sc://127.0.0.1:x", says: "the port is not a number"},
		"no TLS":     {url: "SERVER;use_ssl=true", says: "remote cannot be used: spark: 127.0.0.1"},
		"token":      {every: grpcstatus.Error(codes.Unauthenticated, "Invalid token"), says: "Spark refuses the token of its address"},
		"other port": {every: grpcstatus.Error(codes.Unimplemented, "unknown service"), says: "no Spark Connect server"},
		"old":        {version: "3.5.6", says: "remote is Spark 3.5.6, which is too old; the query needs Spark 4.0"},
		"kafka jar":  {refuse: fail("_LEGACY_ERROR_TEMP_1140", "Failed to find data source: kafka. Please deploy"), says: "Spark has no connector for Kafka"},
		"jdbc jar":   {refuse: fail("", "java.lang.ClassNotFoundException: org.postgresql.Driver"), says: "Spark has no driver for PostgreSQL"},
		"crowd":      {refuse: fail("", "PSQLException: FATAL: sorry, too many clients already\n\tat org.postgresql.Driver.connect(Driver.java:298)"), says: "too many clients", goesOn: true},
		"jdbc TLS":   {refuse: fail("", "PSQLException: Could not open SSL root certificate file /etc/election/ca.pem."), says: "Spark's machines need the file that sslrootcert names", goesOn: true},
		"checkpoint": {refuse: fail("", "java.io.IOException: mkdir of CHECKPOINTS/run-1 failed"), says: "the checkpoint cannot be written", goesOn: true},
		"login":      {refuse: fail("", "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed"), says: "no login to Kafka for Spark, or no right there", goesOn: true},
		"topic":      {refuse: fail("KAFKA_DATA_LOSS.START_OFFSET_RESET", "offsets were reset"), says: "votes_topic no longer holds", goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := newElection(t)
			server := newScriptedSpark(t)
			server.startError = of.refuse
			if of.refuse != nil {
				text := strings.ReplaceAll(of.refuse.Error(), "CHECKPOINTS", c.checkpointFolder())
				server.startError = grpcstatus.Error(codes.Internal, text)
			}
			if of.every != nil || of.version != "" {
				server.HandleCall(func(context.Context, proto.Message) (proto.Message, error) {
					return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_SparkVersion_{
						SparkVersion: &wire.AnalyzePlanResponse_SparkVersion{Version: of.version},
					}}, of.every
				})
			}
			url := server.URL()
			if of.url != "" {
				url = strings.Replace(of.url, "SERVER", strings.TrimSuffix(url, "/")+"/", 1)
			}
			s := newSubmit(t, c, url, "a")
			if of.goesOn {
				until(t, "the status has the error", func() bool { return strings.Contains(status(t, cluster).Error, of.says) })
				return
			}
			err := s.end(t)
			var wrong *election.InputError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), of.says) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// TestUnreachableSparkIsReported leaves out the minute for which submit asks before it reports.
func TestUnreachableSparkIsReported(t *testing.T) {
	t.Parallel()
	away := withAdvice(Config{}, &spark.Error{Code: codes.Unavailable, Message: "connection refused"})
	if isFinal(away) || !strings.HasPrefix(away.Error(), "no answer from Spark: spark: connection refused; does it run at the address in remote?") {
		t.Error(away)
	}
}

// TestFaultOfAnotherFolderIsNotTheCheckpoints fills a disk that holds no checkpoint.
func TestFaultOfAnotherFolderIsNotTheCheckpoints(t *testing.T) {
	t.Parallel()
	c := Config{Checkpoints: "file:///var/lib/election/checkpoints"}
	for message, ours := range map[string]bool{
		"java.io.IOException: /tmp/blockmgr-1: No space left on device":                               false,
		"java.io.FileNotFoundException: /var/lib/election/checkpoints/run-1/state: Permission denied": true,
		"/var/lib/election/checkpoints/run-1 is odd":                                                  false,
	} {
		says := withAdvice(c, &spark.Error{Message: message}).Error()
		if strings.Contains(says, "the checkpoint cannot be written") != ours || !strings.Contains(says, message) {
			t.Errorf("%s is told as %s", message, says)
		}
	}
}

// TestMistakeInTheSQLIsFinal tells errors that come at each start of the query from those that need not.
func TestMistakeInTheSQLIsFinal(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]bool{"42703": true, "42S02": true, "XXKST": false, "": false} {
		if got := isFinal(fmt.Errorf("read totals.sql: %w", &spark.Error{SQLState: state})); got != want {
			t.Errorf("SQL state %q: %t", state, got)
		}
	}
}
