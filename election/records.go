package election

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Reason is why a record of votes_topic is not counted. If several apply, it is the first of them in Reasons.
type Reason string

// The reasons. Only the ledger and the auditor, which keep every ballot, tell Duplicate and Conflicting.
const (
	Malformed           Reason = "malformed"             // not the grammar, or a key that is not the ballot's id
	WrongPartition      Reason = "wrong_partition"       // not on the partition of its ballot's id
	UnknownCandidate    Reason = "unknown_candidate"     // no such candidate in the definition
	UnknownDistrict     Reason = "unknown_district"      // no such district in the definition
	OutsidePollingHours Reason = "outside_polling_hours" // before the polls open, or after they have closed
	// Not the ballot of a voter on the closed register, with the voter's district, age group and gender. Never in a replay, which
	// has no register. The result topic counts the copies of such a ballot once.
	Unregistered Reason = "unregistered"
	Duplicate    Reason = "duplicate"   // a later copy of a counted ballot, with the same bytes
	Conflicting  Reason = "conflicting" // a later copy of a counted ballot, with other bytes
)

// Reasons are all reasons in the order in which they are checked.
func Reasons() []Reason {
	return []Reason{Malformed, WrongPartition, UnknownCandidate, UnknownDistrict, OutsidePollingHours, Unregistered, Duplicate, Conflicting}
}

// OfficialRun is the value of OfficialRunKey: the run whose totals readers show.
//
// A run is one generation of the query's checkpoint. A changed query or a lost checkpoint starts the next run, which
// counts beside the official one until it has caught up.
type OfficialRun struct {
	Run         int    `json:"run"`         // from 1
	Fingerprint string `json:"fingerprint"` // of the definition that it counts
}

// Wanted is the value of WantedKey: whether somebody has stopped the query.
type Wanted struct {
	Stopped bool `json:"stopped"`
}

// LatestRun is the part of LatestRunKey's value that other services may read. A run newer than the official one is catching up.
type LatestRun struct {
	Run int `json:"run"`
}

// Progress is the value of a producer's record in its topic of progress, written in the transaction of its records.
type Progress struct {
	NextSerial  int64  `json:"next_serial"` // the first serial that is not yet in the topic
	Size        int64  `json:"size"`        // the serials run from 0 to Size-1
	Seed        uint64 `json:"seed"`
	Fingerprint string `json:"fingerprint"` // of the definition that the serials belong to
	// Ends are, for each partition of voters_topic, the offset at which the register ends. They close the register: a voter who
	// is added later is not on it. Only the last record of the producer voters has them.
	Ends map[int32]int64 `json:"end_offsets,omitempty"`
}

// ParseProgress reads the value of a record. The error says why no producer can have written it.
func ParseProgress(value []byte) (Progress, error) {
	var p Progress
	switch {
	case json.Unmarshal(value, &p) != nil: // the error of json quotes what it read
		return Progress{}, errors.New("it is no JSON of a progress")
	case !p.possible():
		return Progress{}, fmt.Errorf("record %d of %d is next", p.NextSerial, p.Size)
	}
	return p, nil
}

func (p Progress) possible() bool {
	return 0 <= p.NextSerial && p.NextSerial <= p.Size && p.Size <= MostVoters
}

// Finished reports whether a producer of the election with this fingerprint has sent everything. voters has then closed the register
// too. Whoever sees that keeps to it, whatever comes later.
func (p Progress) Finished(producer, fingerprint string) bool {
	return p.possible() && p.NextSerial == p.Size && p.Fingerprint == fingerprint && (producer != VotersProducer || p.Ends != nil)
}

// Behind is the number of offsets from where a reader of a topic is to the topic's ends. read has the reader's next offsets
// by partition, as JSON holds them. A partition that is missing in it has not been read.
func Behind(ends map[int32]int64, read map[string]int64) int64 {
	var sum int64
	for partition, end := range ends {
		sum += max(0, end-read[strconv.Itoa(int(partition))])
	}
	return sum
}

// RejectedVote is the value of a record of votes_rejected, whose key is topic:partition:offset.
type RejectedVote struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Reason    Reason `json:"reason"`
	Key       []byte `json:"key"` // unchanged, in base64
	Raw       []byte `json:"raw"` // the record's value, unchanged, in base64
}

// LedgerStatus is `ledger`'s report, under the key "ledger" of pipeline_status.
type LedgerStatus struct {
	State    string `json:"state"` // starting, running, or waiting (for Kafka, PostgreSQL, or another ledger to end)
	Error    string `json:"error,omitempty"`
	Voters   int64  `json:"voters"`   // rows
	Votes    int64  `json:"votes"`    // rows: accepted ballots
	Rejected int64  `json:"rejected"` // rows
	// Stored is, for each topic and partition, the offset up to which (exclusive) PostgreSQL has the records.
	Stored    map[string]map[string]int64 `json:"stored_offsets"`
	UpdatedAt time.Time                   `json:"updated_at"`
}
