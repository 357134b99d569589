// Package results reads the result topics into snapshots, for the programs that show the count.
//
// [Fold] is pure: records in, [Snapshot] out. Result records carry absolute totals and may come twice, late or from a
// dying executor, so the fold keeps the greatest total of each key and run: any order and any repetition of the
// records gives the same snapshot. Only the official run is shown.
//
// [Reader] feeds a fold from Kafka. It publishes nothing before it has read to the ends that it saw at its start, and nothing
// while the official run changes, so that nobody sees half a count:
//
//	reader := results.Reader{Kafka: cluster}
//	snapshot, err := reader.Once(ctx)                        // read to the end
//	err = reader.Follow(ctx, func(s *results.Snapshot) { … }) // and go on reading
package results

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"realtime-election/election"
)

// Topics are the topics from which a snapshot is made.
func Topics() []string {
	return append([]string{election.ElectionTopic, election.RunsTopic, election.QueryStatusTopic, election.VotesProgressTopic}, election.ResultTopics()...)
}

// Fold is the result of the records so far. The zero value is ready for use by one goroutine.
type Fold struct {
	installation *election.Installation // nil until the election topic holds a definition
	ages         []int64                // registered voters by age, nil if not known
	replaced     bool                   // the election topic holds another definition too
	official     election.OfficialRun   // zero until the topic of runs names one
	runs         map[int]*runTotals
	query        *election.QueryStatus
	queryAt      time.Time      // Kafka's timestamp of query
	sent         map[int32]sent // by partition of the register, of the producers that have sent all their ballots
	skipped      int64
	updated      time.Time // Kafka's timestamp of the newest result record, applied or not
}

// sent is what a producer has sent: all its ballots, for the definition of that fingerprint.
type sent struct {
	ballots     int64
	fingerprint string
}

// Effect is how a record changed a fold.
type Effect int

// The effects. Records of different topics come in any order. So after Switched the fold may hold less than viewers have seen,
// until it has all records that were written before the switch.
const (
	Nothing  Effect = iota // a repetition, a stale total, or something that the fold does not read
	Changed                // the snapshot may have changed
	Switched               // the official run has changed, or one of its keys was deleted
	Skipped                // malformed: counted, otherwise ignored
)

// Apply adds a record to the fold. A nil value is a tombstone; at is the record's timestamp. Apply keeps neither slice.
// Records of a result topic may come in any order; those of one key of another topic must come in the topic's.
func (f *Fold) Apply(topic string, key, value []byte, at time.Time) Effect {
	var effect Effect
	switch topic {
	case election.ElectionTopic:
		effect = f.applyElection(string(key), value)
	case election.RunsTopic:
		effect = f.applyRuns(string(key), value)
	case election.QueryStatusTopic:
		effect = f.applyStatus(string(key), value, at)
	case election.VotesProgressTopic:
		effect = f.applyProgress(string(key), value)
	default:
		effect = f.applyResult(topic, string(key), value)
		if effect != Skipped && at.After(f.updated) {
			f.updated = at
		}
	}
	if effect == Skipped {
		f.skipped++
	}
	return effect
}

func (f *Fold) applyElection(key string, value []byte) Effect {
	if key != election.DefinitionKey {
		return Nothing
	}
	var installation election.Installation
	if value == nil || json.Unmarshal(value, &installation) != nil || installation.Definition.ID == "" || installation.Validate() != nil {
		return Skipped
	}
	if f.installation != nil && f.installation.Fingerprint != installation.Fingerprint { // `init` never does that
		f.replaced = true
		return Changed
	}
	f.installation, f.ages = &installation, installation.Definition.RegisteredByAge()
	return Changed
}

func (f *Fold) applyRuns(key string, value []byte) Effect {
	if key != election.OfficialRunKey {
		return Nothing
	}
	var official election.OfficialRun
	if value != nil && (json.Unmarshal(value, &official) != nil || official.Run < 1 || official.Run >= math.MaxInt32) {
		return Skipped
	}
	if official == f.official {
		return Nothing
	}
	f.official = official
	return Switched
}

// applyStatus keeps the last record. It does not compare the times in them, since submits on other machines have other clocks.
func (f *Fold) applyStatus(key string, value []byte, at time.Time) Effect {
	if key != election.QueryKey {
		return Nothing
	}
	if value == nil {
		f.query, f.queryAt = nil, time.Time{}
		return Changed
	}
	var status election.QueryStatus
	if json.Unmarshal(value, &status) != nil || status.Validate() != nil {
		return Skipped
	}
	f.query, f.queryAt = &status, at
	return Changed
}

// applyProgress keeps which producers have sent all. They stay so, whatever comes later, as for `votes` itself. Only `votes` may write
// the topic.
func (f *Fold) applyProgress(key string, value []byte) Effect {
	if key == election.CommitmentsProducer {
		return Nothing
	}
	partition, known := election.VotesPartition(key)
	progress, err := election.ParseProgress(value)
	if !known || err != nil || progress.Fingerprint == "" {
		return Skipped
	}
	earlier, ended := f.sent[partition]
	kept := ended && (earlier.fingerprint == progress.Fingerprint || f.installation != nil && earlier.fingerprint == f.installation.Fingerprint)
	if kept || !progress.Finished(key, progress.Fingerprint) {
		return Nothing
	}
	all := sent{progress.Size, progress.Fingerprint}
	if f.sent == nil {
		f.sent = map[int32]sent{}
	}
	f.sent[partition] = all
	return Changed
}

func (f *Fold) applyResult(topic, key string, value []byte) Effect {
	aggregation, known := election.AggregationOf(topic)
	if !known {
		return Skipped
	}
	return f.applyTotal(aggregation, key, value)
}

func (f *Fold) applyTotal(a election.Aggregation, key string, value []byte) Effect {
	run, natural, ok := election.CutRun(key)
	if !ok || run < 1 {
		return Skipped
	}
	at := cell{aggregation: a, natural: natural}
	if value == nil {
		if f.runs[run] == nil || !f.runs[run].remove(at) {
			return Nothing
		}
		if f.runs[run].empty() {
			delete(f.runs, run)
		}
		if run == f.official.Run {
			return Switched
		}
		return Nothing
	}
	var err error
	if at.values, err = a.Cut(natural); err != nil {
		return Skipped
	}
	total, err := parseTotal(at, run, value)
	if err != nil {
		return Skipped
	}
	if f.runs == nil {
		f.runs = map[int]*runTotals{}
	}
	if f.runs[run] == nil {
		f.runs[run] = newRunTotals()
	}
	if !f.runs[run].raise(at, total) || run != f.official.Run {
		return Nothing
	}
	return Changed
}

// parseTotal reads the value of a result record. It is an error if the value contradicts the key.
func parseTotal(at cell, run int, value []byte) (total, error) {
	var r election.Result
	if err := json.Unmarshal(value, &r); err != nil {
		return total{}, fmt.Errorf("decode result: %w", err)
	}
	if r.Run != run {
		return total{}, fmt.Errorf("the key says run %d, the value says %d", run, r.Run)
	}
	if r.TotalVotes < 0 || r.TotalVotes > election.MostVoters {
		return total{}, fmt.Errorf("the total is below 0 or above %d: %d", election.MostVoters, r.TotalVotes)
	}
	newest, err := time.Parse(election.TimeLayout, r.NewestRecordAt)
	if err != nil {
		return total{}, fmt.Errorf("read newest_record_at: %w", err)
	}
	for i, field := range at.aggregation.Key {
		if says := r.Value(field); says != at.values[i] {
			return total{}, fmt.Errorf("the key says %s %q, the value says %q", field, at.values[i], says)
		}
	}
	return total{r.TotalVotes, newest.UnixMilli()}, nil
}
