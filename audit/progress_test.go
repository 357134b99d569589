package audit_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// garbage is a record that a producer cannot have written, in the place of its progress.
func garbage(producer string, value []byte) *kgo.Record {
	topic, partition := election.ProgressOf(producer)
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte(producer), Value: value}
}

// TestProgressThatCannotBeIsNamed has ten ballots removed, which a forged progress of ballots cast by hand is to hide.
func TestProgressThatCannotBeIsNamed(t *testing.T) {
	t.Parallel()
	const named = "progress_cast 0 offset 1 cannot be what cast has written"
	for forged, says := range map[string][]string{
		`{"next_serial":-10,"size":-10}`:                                 {named + ": record -10 of -10 is next", "200 votes are counted where 211 are sent"},
		`{"next_serial":-10,"size":1}`:                                   {named},
		`{"next_serial":3,"size":2}`:                                     {named},
		fmt.Sprintf(`{"next_serial":%[1]d,"size":%[1]d}`, math.MaxInt64): {named},
		"{": {named + ": it is no JSON of a progress", "200 votes are counted where 211 are sent"},
	} {
		t.Run(forged, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.publish(t)
			f.progress(t, election.CastProducer, 11, 11)
			kafkatest.Produce(t, f.cluster, garbage(election.CastProducer, []byte(forged)))
			printed, err := f.audit(t)
			if !errors.Is(err, audit.ErrDisagree) {
				t.Errorf("ended with %v", err)
			}
			wantSaid(t, printed, append(says, "progress of producers that of each 1 foreign DIFFERS (1)")...)
		})
	}
}

// TestGarbageDoesNotHideProgress has garbage after each producer's progress, also while the audit waits.
func TestGarbageDoesNotHideProgress(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	f.closeRegister(t, d, 24)
	for partition := range int32(partitions) {
		f.progress(t, election.VotesProducer(partition), 0, 0)
	}
	for _, producer := range []string{election.VotersProducer, election.VotesProducer(0), election.VotesProducer(1), election.VotesProducer(2)} {
		kafkatest.Produce(t, f.cluster, garbage(producer, []byte("{")), garbage(producer, nil))
	}
	if sent, err := audit.Sent(t.Context(), f.config.Kafka); err != nil || !sent {
		t.Errorf("all is sent: %t, %v", sent, err)
	}
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "voters on the register 24 24 allowed agrees", "progress of producers that of each 8 foreign DIFFERS (8)",
		"progress_voters 0 offset 1 cannot be what voters has written", "progress_votes 3 offset 2 cannot be what votes/2 has written")
}

// TestRegisterEndsWhereVotesHasReadIt has somebody close the register again, with fewer voters. votes takes the first closing record.
func TestRegisterEndsWhereVotesHasReadIt(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	f.closeRegister(t, d, 24)
	for n := range 7 {
		kafkatest.Produce(t, f.cluster, castIn(d, n))
	}
	f.recount(t, d)
	f.publish(t)
	f.config.Expect = 7
	at := election.VoterPartition(d.Districts()[0].ID, partitions)
	again := election.Progress{NextSerial: 24, Size: 24, Fingerprint: d.Fingerprint(), Ends: map[int32]int64{0: 0, 1: 0, 2: 0, at: 7}}
	kafkatest.Produce(t, f.cluster, kafkatest.Progress(t, election.VotersProducer, again))
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "voters on the register 24 24 allowed agrees", "progress of producers that of each 1 foreign DIFFERS (1)",
		"progress_voters 0 offset 1 cannot be what voters has written: it had finished with another record")
	if n := strings.Count(printed, "DIFFERS"); n != 1 {
		t.Errorf("%d lines differ, want one:\n%s", n, printed)
	}
}
