package spark_test

import (
	"strings"
	"testing"

	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestLeavingTheRowsEarlyReleasesTheOperation(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Reply(scripted.Batch(t, 0, 1, 2)), sparktest.Silence())
	session := scripted.Dial(t, server)
	for row, err := range session.Range(0, 2, 1).Rows(t.Context()) {
		if err != nil || row.At(0) != int64(1) {
			t.Fatalf("row %v, error %v", row, err)
		}
		break
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	released := sparktest.Sent[*wire.ReleaseExecuteRequest](server)
	if len(released) == 0 || released[len(released)-1].GetReleaseAll() == nil {
		t.Errorf("released %v, expected all of the operation at last", released)
	}
}

func TestBatchesWithAGapAreRefused(t *testing.T) {
	for name, second := range map[string]*wire.ExecutePlanResponse{
		"gap":     scripted.Batch(t, 2, 2),
		"overlap": scripted.Batch(t, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			server.Execute(sparktest.Reply(scripted.Batch(t, 0, 0)), sparktest.Reply(second), sparktest.Silence())
			if _, err := scripted.Dial(t, server).Range(0, 4, 1).Collect(t.Context()); err == nil || !strings.Contains(err.Error(), "expected row 1") {
				t.Errorf("got %v, expected an error that names row 1", err)
			}
		})
	}
}
