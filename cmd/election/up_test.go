package main

import (
	"testing"

	"realtime-election/local"
)

func TestVotersScaleTheRegister(t *testing.T) {
	d, err := electionFlags{Voters: 12345}.read()
	if err != nil || d.RegisteredVoters() != 12345 {
		t.Fatalf("%d voters (%v)", d.RegisteredVoters(), err)
	}
	if l := load(d); l.Voters != 12345 || l.Votes < 9000 || l.Votes > 10000 {
		t.Errorf("the load is %+v", l)
	}
	replayed, err := electionFlags{Replay: file(t, resultLines)}.read()
	if err != nil || load(replayed) != (local.Load{Votes: 45}) {
		t.Errorf("the load of a replay is %+v (%v)", load(replayed), err)
	}
}
