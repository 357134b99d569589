// Package resultstest makes records of the result topics as the streaming query writes them, for tests of their readers.
package resultstest

import (
	"encoding/json"
	"fmt"
	"time"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// Record is a record of one of [results.Topics]. A nil Value is a tombstone.
type Record struct {
	Topic, Key string
	Value      []byte
	At         time.Time // Kafka's timestamp; may be zero
}

// Votes are a count: for each district, the votes of each candidate.
type Votes map[election.DistrictID]map[election.CandidateID]int64

// Definition is the record that announces an election.
func Definition(d election.Definition) Record {
	return Record{Topic: election.ElectionTopic, Key: election.DefinitionKey, Value: encode(election.Installation{
		Definition: d, Fingerprint: d.Fingerprint(), VotePartitions: 1,
	})}
}

// Official is the record that names the official run of an election.
func Official(d election.Definition, run int) Record {
	return Record{Topic: election.RunsTopic, Key: election.OfficialRunKey, Value: encode(election.OfficialRun{Run: run, Fingerprint: d.Fingerprint()})}
}

// Status is a record of the streaming query's status.
func Status(s election.QueryStatus) Record {
	return Record{Topic: election.QueryStatusTopic, Key: election.QueryKey, Value: encode(s)}
}

// Rejected is the record with the number of records that a run has rejected for a reason.
func Rejected(run int, reason election.Reason, records int64, newest time.Time) Record {
	key := string(reason)
	return result(election.PerReasonTopic, election.Result{Run: run, Reason: &key, TotalVotes: records}, newest, key)
}

// Totals are the records of a count. All votes are cast in one minute, by women of all ages, more by the older ones.
func Totals(d election.Definition, run int, votes Votes, newest time.Time) []Record {
	var all []Record
	perCandidate := map[election.CandidateID]int64{}
	slot := newest.UTC().Format(results.SlotLayout)
	gender := "female"
	for _, region := range d.Regions {
		id := string(region.ID)
		inRegion, turnout := map[election.CandidateID]int64{}, int64(0)
		for _, district := range region.Districts {
			for c, n := range votes[district.ID] {
				inRegion[c] += n
				perCandidate[c] += n
				turnout += n
				district, candidate := string(district.ID), string(c)
				all = append(all, result(election.ByDistrictTopic, election.Result{
					Run: run, DistrictID: &district, RegionID: &id, CandidateID: &candidate, TotalVotes: n,
				}, newest, district, candidate))
			}
		}
		for c, n := range inRegion {
			candidate := string(c)
			all = append(all,
				result(election.ByLocationTopic, election.Result{Run: run, RegionID: &id, CandidateID: &candidate, TotalVotes: n}, newest, id, candidate),
				result(election.PerSlotTopic, election.Result{Run: run, RegionID: &id, Slot: &slot, CandidateID: &candidate, TotalVotes: n}, newest, id, slot, candidate),
			)
			left, groups := n, election.AgeGroups()
			for i := range groups {
				votes := n * int64(i+4) / 40
				if left -= votes; i == len(groups)-1 {
					votes += left
				}
				all = append(all, result(election.ByDemographicTopic, election.Result{
					Run: run, RegionID: &id, AgeGroup: &groups[i], Gender: &gender, CandidateID: &candidate, TotalVotes: votes,
				}, newest, id, groups[i], gender, candidate))
			}
		}
		all = append(all, result(election.TurnoutByLocationTopic, election.Result{Run: run, RegionID: &id, TotalVotes: turnout}, newest, id))
	}
	for c, n := range perCandidate {
		candidate := string(c)
		all = append(all, result(election.PerCandidateTopic, election.Result{Run: run, CandidateID: &candidate, TotalVotes: n}, newest, candidate))
	}
	return all
}

// Snapshot folds records.
func Snapshot(records ...Record) *results.Snapshot {
	var fold results.Fold
	for _, r := range records {
		if fold.Apply(r.Topic, []byte(r.Key), r.Value, r.At) == results.Skipped {
			panic(fmt.Sprintf("malformed record: %+v", r))
		}
	}
	return fold.Snapshot()
}

func result(topic string, r election.Result, newest time.Time, natural ...string) Record {
	r.NewestRecordAt = string(election.AppendTime(nil, newest))
	return Record{topic, election.ResultKey(r.Run, natural...), encode(r), newest}
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // only what JSON can hold is passed
	}
	return text
}
