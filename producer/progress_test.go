package producer

import (
	"encoding/json"
	"testing"

	"realtime-election/election"
)

// FuzzProgress reads bytes that anybody may have written into a topic of progress. They must not finish a producer that
// has not sent all, and no stream may resume at a serial that it does not have.
func FuzzProgress(f *testing.F) {
	const size = 5
	for _, p := range []election.Progress{
		{NextSerial: 5, Size: 5, Fingerprint: "this", Ends: map[int32]int64{0: 7}},
		{NextSerial: 4, Size: 5, Fingerprint: "this"},
		{NextSerial: -1, Size: 5, Fingerprint: "this", Ends: map[int32]int64{-1: -7}},
		{NextSerial: 3, Fingerprint: "this"},
		{NextSerial: 9, Seed: 1, Fingerprint: "another"},
	} {
		value, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	f.Add([]byte("null"))
	f.Add([]byte(`{"next_serial":1e3,"END_OFFSETS":{"x":1}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		var p election.Progress
		readable := value != nil && json.Unmarshal(value, &p) == nil
		c := newProducersProgress(&election.Installation{Fingerprint: "this", VotePartitions: 1})
		for _, producer := range []string{election.VotesProducer(0), election.VotersProducer, election.VotersProducer, election.CommitmentsProducer, election.CastProducer} {
			c.learn(producer, value)
		}
		if len(c.unfinished) == 0 && (!readable || p.Fingerprint != "this" || p.NextSerial < p.Size || p.Ends == nil) {
			t.Errorf("all is sent, according to %q", value)
		}
		s := sender{initial: election.Progress{Fingerprint: "this"}}
		if readable && s.checkResume(stream{name: election.ReplayProducer, size: size}, p) == nil && (p.NextSerial < 0 || p.NextSerial > size || p.Fingerprint != "this" || p.Seed != 0 || p.Size == 0 && p.NextSerial > 0) {
			t.Errorf("a stream of %d goes on from %q", size, value)
		}
	})
}
