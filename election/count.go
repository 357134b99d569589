package election

import (
	"bytes"
	"encoding/hex"
	"hash/maphash"
	"time"
)

// VoteRecord is a record of votes_topic.
type VoteRecord struct {
	Partition  int32
	Offset     int64
	Timestamp  time.Time // when it was produced
	Key, Value []byte
}

// Rules decide which records count as votes.
type Rules struct {
	partitions    int32
	opens, closes []byte // in TimeLayout
	candidates    map[CandidateID]*Candidate
	districts     map[DistrictID]*Region
	register      *Commitments // nil where there is no register
}

// NewRules are the rules of a definition whose ballots are spread over this many partitions. Of an election with a register, no
// ballot counts until SetRegister has been called.
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
	if d.Electorate != nil {
		r.register = new(Commitments)
	}
	return r
}

// SetRegister sets which ballots the register allows, in an election that has one.
func (r *Rules) SetRegister(register *Commitments) { r.register = register }

// Classify judges a record by itself. It returns the reason why the record is not counted, or "" for a vote that counts
// unless it is a copy of a counted ballot.
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
	case r.register != nil && !r.register.Has(vote):
		return vote, Unregistered
	}
	return vote, ""
}

// Count is the reference count. The records of a partition must come in the order of their offsets; partitions may
// alternate. It is not for use by several goroutines.
type Count struct {
	definition *Definition
	rules      *Rules
	seed       maphash.Seed
	seen       map[int32]map[BallotID]uint64 // by partition: the counted ballots and a hash of their bytes
	records    int64
	rejected   map[Reason]total
	// Copies of an unregistered ballot are unregistered too. The result topic counts only the first, since Spark drops copies
	// before it looks at the register.
	unregistered       map[int32]map[Commitment]bool // by partition
	unregisteredCopies int64
	votes              int64
	totals             []aggregationTotals
	key                []byte // reused
}

// aggregationTotals are the totals of an aggregation, by natural key.
type aggregationTotals struct {
	Aggregation
	values []func(v Vote, region []byte) []byte // of the key's fields
	byKey  map[string]*total
}

// total is the number of votes of a key, or of records with a reason.
type total struct {
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
		rejected:   make(map[Reason]total),

		unregistered: make(map[int32]map[Commitment]bool),
	}
	for _, a := range aggregations {
		if a.OfRejected() {
			continue // Results takes them from rejected
		}
		of := aggregationTotals{Aggregation: a, byKey: make(map[string]*total)}
		for _, field := range a.Key {
			of.values = append(of.values, fields[field].vote)
		}
		c.totals = append(c.totals, of)
	}
	return c
}

// SetRegister is that of Rules.
func (c *Count) SetRegister(register *Commitments) { c.rules.SetRegister(register) }

// Add counts a record. It returns the reason why the record is not counted, or "" if it is.
func (c *Count) Add(rec VoteRecord) Reason {
	c.records++
	vote, reason := c.rules.Classify(rec)
	if reason == "" {
		reason = c.admit(rec, vote)
	}
	if reason == Unregistered && !c.firstUnregistered(rec.Partition, vote) {
		c.unregisteredCopies++
		return reason
	}
	if reason != "" {
		t := c.rejected[reason]
		t.add(rec.Timestamp)
		c.rejected[reason] = t
		return reason
	}
	c.votes++
	region := []byte(c.rules.districts[DistrictID(vote.DistrictID)].ID)
	for _, of := range c.totals {
		c.key = c.key[:0]
		for i, value := range of.values {
			if i > 0 {
				c.key = append(c.key, '/')
			}
			c.key = append(c.key, value(vote, region)...)
		}
		t := of.byKey[string(c.key)]
		if t == nil {
			t = new(total)
			of.byKey[string(c.key)] = t
		}
		t.add(rec.Timestamp)
	}
	return ""
}

// admit returns "" for the first copy of a ballot, and Duplicate or Conflicting for a later one.
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

func (c *Count) firstUnregistered(partition int32, vote Vote) bool {
	seen := c.unregistered[partition]
	if seen == nil {
		seen = make(map[Commitment]bool)
		c.unregistered[partition] = seen
	}
	x := CommitTo(c.rules.register.fingerprint, vote)
	defer func() { seen[x] = true }()
	return !seen[x]
}

// PartitionDone frees the memory for a partition's ballots. A copy of them on another partition is never counted.
func (c *Count) PartitionDone(partition int32) {
	delete(c.seen, partition)
	delete(c.unregistered, partition)
}

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
	if c.unregisteredCopies > 0 {
		n[Unregistered] += c.unregisteredCopies
	}
	return n
}

func (t *total) add(at time.Time) {
	t.votes++
	if at.After(t.newest) {
		t.newest = at
	}
}
