package producer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/producer/generate"
)

// register is the closed register, of which only whoever has the ballot key knows the ballots.
type register struct {
	cluster      kafka.Cluster
	installation *election.Installation
	ballots      *generate.Ballots
	districts    map[string]int  // their indices in the definition
	ends         map[int32]int64 // of the partitions
	seed         maphash.Seed    // of hashes of voters' ids

	keepOrder bool // see VotesConfig
}

func newRegister(cluster kafka.Cluster, installation *election.Installation, key election.BallotKey, ends map[int32]int64) *register {
	r := &register{
		cluster: cluster, installation: installation, ballots: generate.NewBallots(&installation.Definition, installation.Key(key)),
		districts: make(map[string]int), ends: ends, seed: maphash.MakeSeed(),
	}
	for i, district := range installation.Definition.Districts() {
		r.districts[string(district.ID)] = i
	}
	return r
}

// registered is how many voters the definition has in a partition of the register.
func registered(installation *election.Installation, partition int32) int64 {
	var n int64
	for _, district := range installation.Definition.Districts() {
		if election.VoterPartition(district.ID, installation.VotePartitions) == partition {
			n += district.Registered
		}
	}
	return n
}

// ballotOf is the ballot of a voter, and whether the voter casts it.
func (r *register) ballotOf(voter entry) (generate.Ballot, bool) {
	return r.ballots.Of(election.VoterID(voter.id), r.districts[string(voter.district)], voter.age, voter.gender)
}

// electorate is what `votes` computes from the closed register. It is the same in every computation.
type electorate struct {
	ballots     [][]generate.Ballot // by partition of the register, in the order in which they are sent
	commitments *election.Commitments
}

// read reads the whole of the register: the two entries of a voter may be in two partitions.
func (r *register) read(ctx context.Context, log *slog.Logger) (*electorate, error) {
	partitions := make([]registerPartition, r.installation.VotePartitions)
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range partitions {
		group.Go(func() (err error) {
			partitions[i], err = r.readPartition(reading, int32(i), log)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	var ids []uint64
	var commitments []election.Commitment
	e := &electorate{}
	for _, p := range partitions {
		ids = append(ids, p.ids...)
		commitments = append(commitments, p.commitments...)
		e.ballots = append(e.ballots, p.ballots)
	}
	if err := r.refuseDoubles(ctx, ids); err != nil {
		return nil, err
	}
	if err := r.refuseOtherNumbers(partitions); err != nil {
		return nil, err
	}
	e.commitments = election.NewCommitments(r.installation.Fingerprint, commitments)
	return e, nil
}

// registerPartition is what `votes` computes from a partition of the register.
type registerPartition struct {
	ids         []uint64 // a hash of the id of each entry that names a voter
	ballots     []generate.Ballot
	commitments []election.Commitment
	voters      []int64 // of each district of the definition
}

func (r *register) readPartition(ctx context.Context, partition int32, log *slog.Logger) (registerPartition, error) {
	n := registered(r.installation, partition)
	p := registerPartition{ids: make([]uint64, 0, n), ballots: make([]generate.Ballot, 0, n), commitments: make([]election.Commitment, 0, n), voters: make([]int64, len(r.districts))}
	var unreadable, first int64 // how many, and the offset of the first
	var firstErr error
	err := r.eachEntry(ctx, partition, func(offset int64, voter entry, err error) {
		if len(voter.id) > 0 {
			p.ids = append(p.ids, maphash.Bytes(r.seed, voter.id))
		}
		if err != nil { // a voter whose entry cannot be read does not vote
			if unreadable++; unreadable == 1 {
				first, firstErr = offset, err
			}
			return
		}
		p.voters[r.districts[string(voter.district)]]++
		ballot, votes := r.ballotOf(voter)
		p.commitments = append(p.commitments, r.ballots.Commitment(ballot))
		if votes {
			p.ballots = append(p.ballots, ballot)
		}
	})
	if err != nil {
		return p, err
	}
	if unreadable > 0 {
		log.Warn("voters cannot be read, and do not vote; the offset and the error are the first one's",
			"voters", unreadable, "topic", election.VotersTopic, "partition", partition, "offset", first, "error", firstErr)
	}
	if !r.keepOrder {
		slices.SortFunc(p.ballots, generate.Ballot.Compare)
	}
	return p, nil
}

// eachEntry calls each with the entries of a partition of the closed register. err says why an entry cannot be read. Its id may
// be known all the same.
func (r *register) eachEntry(ctx context.Context, partition int32, each func(offset int64, voter entry, err error)) error {
	return r.cluster.ReadTo(ctx, election.VotersTopic, partition, r.ends[partition], func(record *kgo.Record) error {
		voter, err := parseEntry(record.Value)
		if _, known := r.districts[string(voter.district)]; err == nil &&
			(!known || election.VoterPartition(election.DistrictID(voter.district), r.installation.VotePartitions) != partition) {
			err = errors.New("its district is not one of this partition")
		}
		each(record.Offset, voter, err)
		return nil
	})
}

// entriesNamed is how many entries of the register an error names.
const entriesNamed = 10

// refuseDoubles returns an *election.InputError that names the entries of voters who are on the register more than once. To let
// such a voter vote would count for two, if the entries differ, and to refuse the voter would let whoever can add an entry take
// the vote away. ids are hashes; two voters may have the same one.
func (r *register) refuseDoubles(ctx context.Context, ids []uint64) error {
	slices.Sort(ids)
	doubled := make(map[uint64]bool)
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			doubled[ids[i]] = true
		}
	}
	if len(doubled) == 0 {
		return nil
	}
	places := make(map[string][]string)
	for partition := range r.installation.VotePartitions {
		err := r.eachEntry(ctx, partition, func(offset int64, voter entry, _ error) {
			if doubled[maphash.Bytes(r.seed, voter.id)] && len(voter.id) > 0 {
				places[string(voter.id)] = append(places[string(voter.id)], fmt.Sprintf("partition %d offset %d", partition, offset))
			}
		})
		if err != nil {
			return fmt.Errorf("read the register: %w", err)
		}
	}
	maps.DeleteFunc(places, func(_ string, at []string) bool { return len(at) < 2 })
	if len(places) == 0 {
		return nil
	}
	var named []string
	for _, id := range slices.Sorted(maps.Keys(places))[:min(entriesNamed, len(places))] {
		named = append(named, fmt.Sprintf("%q (%s)", id, strings.Join(places[id], ", ")))
	}
	return &election.InputError{Text: fmt.Sprintf("%d voters are on the register (%s) more than once, so the polls do not open: %s; "+
		"find out who wrote that, and begin anew with empty topics", len(places), election.VotersTopic, strings.Join(named, "; "))}
}

// refuseOtherNumbers returns an *election.InputError if a district has another number of voters than the definition. Then somebody has
// added voters, or closed the register before all were on it.
func (r *register) refuseOtherNumbers(partitions []registerPartition) error {
	for i, district := range r.installation.Definition.Districts() {
		n := partitions[election.VoterPartition(district.ID, r.installation.VotePartitions)].voters[i]
		if n != district.Registered {
			return &election.InputError{Text: fmt.Sprintf("%d voters of %s are on the register (%s), and the definition has %d, so the polls do not open; "+
				"find out who wrote that, and begin anew with empty topics", n, district.ID, election.VotersTopic, district.Registered)}
		}
	}
	return nil
}

// entry is the part of a voter that the ballot depends on. The slices share the memory of the record.
type entry struct {
	id, district []byte
	age, gender  int // indices in AgeGroups and Genders
}

// parseEntry reads a voter's record. A line as Voters writes it is cut at the names of its fields. No string can hold
// such a name with its quotes, because JSON escapes them. Any other line is parsed as JSON. No error quotes the voter.
func parseEntry(value []byte) (entry, error) {
	rest, begins := bytes.CutPrefix(value, []byte(`{"voter_id":"`))
	id, _, whole := bytes.Cut(rest, []byte(`","voter_name":"`))
	_, rest, gendered := bytes.Cut(rest, []byte(`,"gender":"`))
	gender, _, _ := bytes.Cut(rest, []byte{'"'})
	at := bytes.LastIndex(rest, []byte(`,"registered_age":`))
	if begins && whole && gendered && at >= 0 {
		age, after, _ := bytes.Cut(rest[at+len(`,"registered_age":`):], []byte(`,"district_id":"`))
		if district, ends := bytes.CutSuffix(after, []byte(`"}`)); ends && plainText(id) && plainText(district) {
			years, err := strconv.Atoi(string(age))
			if err == nil {
				return newEntry(id, district, years, string(gender))
			}
		}
	}
	var voter election.Voter
	if json.Unmarshal(value, &voter) != nil { // the error of json quotes what it read
		return entry{}, errors.New("it is not the JSON of a voter")
	}
	return newEntry([]byte(voter.ID), []byte(voter.DistrictID), voter.RegisteredAge, voter.Gender)
}

func newEntry(id, district []byte, years int, gender string) (entry, error) {
	e := entry{
		id: id, district: district,
		age:    slices.Index(election.AgeGroups(), election.AgeGroupOf(years)),
		gender: slices.Index(election.Genders(), gender),
	}
	switch {
	case len(id) == 0:
		return e, errors.New("it has no voter_id")
	case e.age < 0:
		return e, errors.New("its registered_age is no voter's")
	case e.gender < 0:
		return e, errors.New("its gender is not one of those that a vote may name")
	}
	return e, nil
}

// plainText reports whether the text between the quotes of a JSON string is the string that it stands for.
func plainText(s []byte) bool {
	return !bytes.ContainsFunc(s, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' || r > '~' })
}
