package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// register is what the audit knows of the register, to compare it with the ballots. It is nil in an election without one, and
// its methods do nothing then.
type register struct {
	commitments  *election.Commitments
	definition   *election.Definition
	disclosure   *election.Disclosure
	seen         map[uint64]bool // hashes of the ids of voters
	seed         maphash.Seed
	entered      map[cell]int64 // entries, by what they say of the voter
	voters       map[cell]int64 // the same entries, by what their ballots state
	counted      map[cell]int64 // ballots, by what they state
	unregistered *kind
	conflicting  *kind
	doubled      *kind
	unknown      *kind // voters without a commitment; only with the ballot key
	electorate   *electorate
	entries      int64
	closed       bool
	announced    int64 // entries, by the record that closes the register
}

// cell is what an entry of the register or a ballot says of a voter.
type cell struct {
	district         election.DistrictID
	ageGroup, gender string
}

func (c cell) String() string {
	return strings.Join([]string{string(c.district), c.ageGroup, c.gender}, "/")
}

// readRegister reads the closed register, and the commitments to the ballots of its voters. It finds voters who are on it twice.
func readRegister(ctx context.Context, c Config, report *report, installation *election.Installation) (*register, error) {
	if installation.Definition.Electorate == nil {
		return nil, nil
	}
	r := &register{
		commitments: new(election.Commitments), definition: &installation.Definition,
		disclosure: election.NewDisclosure(&installation.Definition),
		seen:       make(map[uint64]bool), seed: maphash.MakeSeed(),
		entered: make(map[cell]int64), voters: make(map[cell]int64), counted: make(map[cell]int64),
		unregistered: report.newKind("unregistered"), conflicting: report.newKind("conflicting"), doubled: report.newKind("voters: twice"), unknown: report.newKind("commitments"),
	}
	commitments, _, err := c.Kafka.Commitments(ctx, installation)
	if err != nil {
		return nil, fmt.Errorf("read which ballots the register allows: %w", err)
	}
	progress, _, err := readProgress(ctx, c.Kafka, installation.Fingerprint, election.VotersProducer, ignore)
	if err != nil {
		return nil, err
	}
	if commitments == nil || !progress.Finished(election.VotersProducer, installation.Fingerprint) {
		report.addNote("The polls have not opened: the register is not closed, or `votes` has not begun. No ballot counts.")
		return r, nil
	}
	r.commitments, r.closed, r.announced = commitments, true, progress.Size
	r.electorate = newElectorate(report, installation, c.BallotKey, commitments.Len())
	if err := r.read(ctx, c, report, installation.VotePartitions, progress.Ends); err != nil {
		return nil, err
	}
	return r, nil
}

// read reads the entries up to the offsets at which the register was closed.
func (r *register) read(ctx context.Context, c Config, report *report, partitions int32, closedAt map[int32]int64) error {
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := kafka.Ends(ctx, cl, election.VotersTopic)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for partition := range partitions {
		end := closedAt[partition]
		if end > ends[partition] { // nobody must wait for it
			report.addDifference("%s: the register ends at offset %d of %s %d, which ends at %d", election.VotersProgressTopic, end, election.VotersTopic, partition, ends[partition])
			end = ends[partition]
		}
		err := c.Kafka.ReadTo(ctx, election.VotersTopic, partition, end, func(record *kgo.Record) error {
			r.addEntry(record, partitions)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the register: %w", err)
		}
	}
	r.electorate.sort()
	return nil
}

// addEntry takes a record of the closed register. An entry without an id, age, gender or district of this partition is nobody's.
func (r *register) addEntry(record *kgo.Record, partitions int32) {
	var v election.Voter
	if json.Unmarshal(record.Value, &v) != nil || v.ID == "" {
		return
	}
	id := maphash.String(r.seed, string(v.ID))
	if r.seen[id] {
		r.doubled.add("voters: voter %s is on the register again at %s %d offset %d", v.ID, election.VotersTopic, record.Partition, record.Offset)
	}
	r.seen[id] = true
	in := cell{v.DistrictID, election.AgeGroupOf(v.RegisteredAge), v.Gender}
	statedAge, statedGender, known := r.disclosure.Of(in.district, in.ageGroup, in.gender)
	if !known || election.VoterPartition(v.DistrictID, partitions) != record.Partition {
		return
	}
	r.entries++
	r.entered[in]++
	r.voters[cell{in.district, statedAge, statedGender}]++
	if r.electorate != nil && !r.commitments.Has(r.electorate.add(v.ID, in)) {
		r.unknown.add("%s: the ballot of voter %s is not among them", election.BallotCommitmentsTopic, v.ID)
	}
}

// add takes a record of votes_topic that is counted, or why it is not.
func (r *register) add(record *kgo.Record, reason election.Reason) {
	if r == nil {
		return
	}
	switch reason {
	case "":
		vote, _ := election.ParseVote(record.Value)
		r.counted[cell{election.DistrictID(vote.DistrictID), string(vote.AgeGroup), string(vote.Gender)}]++
		r.electorate.count(record, vote)
	case election.Unregistered:
		r.unregistered.add("%s %d offset %d is the ballot of nobody on the register", record.Topic, record.Partition, record.Offset)
	case election.Conflicting:
		r.conflicting.add("%s %d offset %d differs from the counted copy of its ballot", record.Topic, record.Partition, record.Offset)
	}
}

// compareDefinition compares the closed register with how many voters of each group the definition has. It returns how many differ.
func (r *register) compareDefinition(report *report) (differences int) {
	if registered := r.definition.RegisteredVoters(); r.announced != registered {
		differences++
		report.addDifference("the register was to have %d voters, and the definition has %d", r.announced, registered)
	}
	for _, district := range r.definition.Districts() {
		for i, defined := range r.definition.VotersOf(district.District) {
			in := cell{district.ID, election.AgeGroups()[i/len(election.Genders())], election.Genders()[i%len(election.Genders())]}
			if n := r.entered[in]; n != defined {
				differences++
				report.addDifference("%d voters of %s are on the register, and the definition has %d", n, in, defined)
			}
		}
	}
	return differences
}

// compareBallots adds what the ballot key tells of the counted ballots to the report.
func (r *register) compareBallots(report *report, expect expectation) {
	if r != nil && r.closed {
		r.electorate.compare(report, expect)
	}
}

// compare adds the findings to the report.
func (r *register) compare(report *report) {
	if r == nil {
		return
	}
	differences := r.doubled.finish() + r.unknown.finish()
	if n := int64(r.commitments.Len()); n != r.entries {
		differences++
		report.addDifference("%d voters are on the register, and %s allows %d ballots", r.entries, election.BallotCommitmentsTopic, n)
	}
	if r.closed {
		differences += r.compareDefinition(report)
	}
	for in, ballots := range r.counted {
		if ballots > r.voters[in] {
			differences++
			report.addDifference("%d ballots of %s are counted, where %d voters are registered", ballots, in, r.voters[in])
		}
	}
	if n := r.unregistered.n; n > 0 {
		report.addDifference("%d ballots are of nobody on the register, and are not counted: a service that may write ballots (`votes`, `cast`, `replay`) has invented them", n)
	}
	if n := r.conflicting.n; n > 0 {
		report.addDifference("%d copies of ballots conflict with the counted ones: a service that may write ballots (`votes`, `cast`, `replay`) "+
			"has invented these copies or the counted ones; an audit with the ballot key tells which", n)
	}
	report.addRow("voters on the register", fmt.Sprint(r.entries), fmt.Sprintf("%d allowed", r.commitments.Len()), differences)
	report.addRow("ballots of nobody on it", "0", fmt.Sprint(r.unregistered.n), r.unregistered.finish())
	report.addRow("conflicting copies of ballots", "0", fmt.Sprint(r.conflicting.n), r.conflicting.finish())
}
