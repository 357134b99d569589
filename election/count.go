package election

import (
	"bytes"
	"encoding/hex"
	"hash/maphash"
	"time"
)

// VoteRecord is a record of votes_topic as Kafka holds it.
type VoteRecord struct {
	Partition  int32
	Offset     int64
	Timestamp  time.Time // when it was produced
	Key, Value []byte
}

// Rules decide which records are votes that count.
type Rules struct {
	partitions    int32
	opens, closes []byte // in TimeLayout
	candidates    map[CandidateID]*Candidate
	districts     map[DistrictID]*Region
}

// NewRules are the rules of a definition whose ballots are spread over this many partitions.
func NewRules(d *Definition, partitions int32) *Rules {
	r := &Rules{
		partitions: partitions,
		opens:      AppendTime(nil, d.Polling.Opens),
		closes:     AppendTime(nil, d.Polling.Closes),
		candidates: make(map[CandidateID]*Candidate, len(d.Candidates)),
		districts:  make(map[DistrictID]*Region),
	}
	for i := range d.Candidates {
		r.candidates[d.Candidates[i].ID] = &d.Candidates[i]
	}
	for _, district := range d.Districts() {
		r.districts[district.ID] = district.Region
	}
	return r
}

// Classify reads a record by itself. It returns why the record is not counted, or "" for a vote that counts unless an
// earlier copy of its ballot did.
func (r *Rules) Classify(rec VoteRecord) (Vote, Reason) {
	vote, ok := ParseVote(rec.Value)
	switch {
	case !ok || !bytes.Equal(rec.Key, vote.BallotID):
		return Vote{}, Malformed
	case rec.Partition != Partition(vote.BallotID, r.partitions):
		return vote, WrongPartition
	case r.candidates[CandidateID(vote.CandidateID)] == nil:
		return vote, UnknownCandidate
	case r.districts[DistrictID(vote.DistrictID)] == nil:
		return vote, UnknownDistrict
	case bytes.Compare(vote.VotingTime, r.opens) < 0 || bytes.Compare(vote.VotingTime, r.closes) >= 0:
		return vote, OutsidePollingHours
	}
	return vote, ""
}

// Count is the reference count. It takes the records of each partition in the order of their offsets; partitions may
// be mixed. It is not for use by several goroutines.
type Count struct {
	definition *Definition
	rules      *Rules
	seed       maphash.Seed
	seen       map[int32]map[BallotID]uint64 // by partition: the counted ballots and a hash of their bytes
	records    int64
	rejected   map[Reason]tally
	votes      int64
	counted    []counted
	key        []byte // reused
}

// counted is what an aggregation has counted, by natural key.
type counted struct {
	Aggregation
	values []func(v Vote, region []byte) []byte // of the key's fields
	totals map[string]*tally
}

type tally struct {
	votes  int64
	newest time.Time
}

// NewCount starts a count by the rules of a definition.
func NewCount(d *Definition, partitions int32) *Count {
	c := &Count{
		definition: d,
		rules:      NewRules(d, partitions),
		seed:       maphash.MakeSeed(),
		seen:       make(map[int32]map[BallotID]uint64),
		rejected:   make(map[Reason]tally),
	}
	for _, a := range aggregations {
		if a.OfRejected() {
			continue // see Results
		}
		of := counted{Aggregation: a, totals: make(map[string]*tally)}
		for _, field := range a.Key {
			of.values = append(of.values, fields[field].vote)
		}
		c.counted = append(c.counted, of)
	}
	return c
}

// Add counts a record, and returns why it is not counted, or "".
func (c *Count) Add(rec VoteRecord) Reason {
	c.records++
	vote, reason := c.rules.Classify(rec)
	if reason == "" {
		reason = c.admit(rec, vote)
	}
	if reason != "" {
		t := c.rejected[reason]
		t.add(rec.Timestamp)
		c.rejected[reason] = t
		return reason
	}
	c.votes++
	region := []byte(c.rules.districts[DistrictID(vote.DistrictID)].ID)
	for _, of := range c.counted {
		c.key = c.key[:0]
		for i, value := range of.values {
			if i > 0 {
				c.key = append(c.key, '/')
			}
			c.key = append(c.key, value(vote, region)...)
		}
		t := of.totals[string(c.key)]
		if t == nil {
			t = new(tally)
			of.totals[string(c.key)] = t
		}
		t.add(rec.Timestamp)
	}
	return ""
}

// admit lets the first copy of a ballot pass.
func (c *Count) admit(rec VoteRecord, vote Vote) Reason {
	var id BallotID
	if _, err := hex.Decode(id[:], vote.BallotID); err != nil {
		panic(err) // the grammar lets only hexadecimal digits pass
	}
	seen := c.seen[rec.Partition]
	if seen == nil {
		seen = make(map[BallotID]uint64)
		c.seen[rec.Partition] = seen
	}
	sum := maphash.Bytes(c.seed, rec.Value)
	first, again := seen[id]
	switch {
	case !again:
		seen[id] = sum
		return ""
	case first == sum:
		return Duplicate
	default:
		return Conflicting
	}
}

// PartitionDone frees what was remembered of a partition's ballots: no copy of them counts on another partition.
func (c *Count) PartitionDone(partition int32) { delete(c.seen, partition) }

// Records is how many records were added.
func (c *Count) Records() int64 { return c.records }

// Votes is how many of them are counted.
func (c *Count) Votes() int64 { return c.votes }

// Rejected is how many are not counted, by reason.
func (c *Count) Rejected() map[Reason]int64 {
	n := make(map[Reason]int64)
	for reason, t := range c.rejected {
		n[reason] = t.votes
	}
	return n
}

func (t *tally) add(at time.Time) {
	t.votes++
	if at.After(t.newest) {
		t.newest = at
	}
}
