package spark_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// ofVersion makes the server one of another Spark.
func ofVersion(server *sparktest.Server, version string) {
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		if analyze, ok := request.(*wire.AnalyzePlanRequest); ok && analyze.GetSparkVersion() != nil {
			return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_SparkVersion_{
				SparkVersion: &wire.AnalyzePlanResponse_SparkVersion{Version: version},
			}}, nil
		}
		return nil, nil
	})
}

func TestRealTimeTriggerIsForServersThatHaveIt(t *testing.T) {
	for version, has := range map[string]bool{
		"4.1.9": false, "3.5.1": false, "unknown": false, "": false, "4.2.0": true, "4.2.0-SNAPSHOT": true, "4.10.0": true, "5.0.0": true,
	} {
		t.Run(version, func(t *testing.T) {
			server := sparktest.New(t)
			ofVersion(server, version)
			session := scripted.Dial(t, server)
			if has {
				server.Execute(sparktest.Answer(sparktest.Started("i", "r", "q"))...)
			}
			_, err := session.Table("t").WriteStream().Trigger(spark.RealTime(5 * time.Second)).Start(t.Context())
			if n := len(sparktest.Sent[*wire.AnalyzePlanRequest](server)); n != 1 {
				t.Errorf("the version was asked for %d times, expected once a session", n)
			}
			if has {
				if got := lastPlan(t, server).GetCommand().GetWriteStreamOperationStart().GetRealTimeBatchDuration(); err != nil || got != "5000 milliseconds" {
					t.Errorf("sent %q, error %v", got, err)
				}
				return
			}
			var old *spark.VersionError
			if !errors.As(err, &old) || old.Needs != "4.2" || old.Server != version || old.Feature == "" {
				t.Errorf("got %v, expected a *VersionError of 4.2", err)
			}
			if len(scripted.OperationIDs(server)) != 0 {
				t.Error("the query was sent to a server that would start it with another trigger")
			}
		})
	}
}
