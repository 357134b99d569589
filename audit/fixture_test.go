package audit_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/producer/generate"
)

const (
	partitions = 3
	run        = 2
	votes      = 200 // of the file
)

const resultLines = `region,district_id,district,candidate,party,votes
North,N1,Hill,Ana,Red,90
North,N2,Dale,Ana,Red,10
North,N2,Dale,Bo,Blue,60
South,S1,Moor,Bo,Blue,40
South,S1,Moor,Nobody,Grey,0
`

// fixture is an election whose votes are cast, and the results that its topics must hold.
type fixture struct {
	cluster     *kfake.Cluster
	results     map[string]map[string]election.Result // by topic and natural key, of run
	config      audit.Config
	commitments *election.Commitments
	out         *bytes.Buffer
}

// newFixture casts the votes of resultLines, and then others. Nothing is published yet.
func newFixture(t *testing.T, others ...*kgo.Record) *fixture {
	t.Helper()
	f := newEmptyFixture(t)
	file := resultFile(t)
	ballots := generate.NewReplay(file.Definition, file.Votes, 1)
	var records []*kgo.Record
	for serial := range ballots.Size() {
		records = append(records, ballot(ballots.Append(nil, serial)))
	}
	kafkatest.Produce(t, f.cluster, append(records, others...)...)
	f.progress(t, election.ReplayProducer, votes, votes)
	f.recount(t, file.Definition)
	return f
}

// newEmptyFixture is an election without votes.
func newEmptyFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{cluster: kafkatest.NewElection(t, resultFile(t).Definition, partitions), out: new(bytes.Buffer)}
	f.config = audit.Config{Kafka: kafkatest.Cluster(t, f.cluster.ListenAddrs()), Expect: -1, Out: f.out, Log: kafkatest.Log(t)}
	return f
}

func resultFile(t *testing.T) *definition.ResultFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.csv")
	if err := os.WriteFile(path, []byte(resultLines), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := definition.ReadResultFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// recount counts the votes that are committed now, for publish.
func (f *fixture) recount(t *testing.T, d *election.Definition) {
	t.Helper()
	count := election.NewCount(d, partitions)
	if d.Electorate != nil {
		count.SetRegister(f.commitments)
	}
	for partition := range int32(partitions) {
		for _, rec := range kafkatest.Read(t, f.cluster, election.VotesTopic, partition) {
			count.Add(election.VoteRecord{Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp, Key: rec.Key, Value: rec.Value})
		}
	}
	f.results = count.Results(run)
}

// progress writes how far a producer came.
func (f *fixture) progress(t *testing.T, producer string, next, size int64) {
	t.Helper()
	r := kafkatest.Progress(t, producer, election.Progress{NextSerial: next, Size: size})
	kafkatest.Produce(t, f.cluster, r)
}

// publish publishes the results, as the streaming query would, and makes their run official.
func (f *fixture) publish(t *testing.T) {
	t.Helper()
	records := []*kgo.Record{kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, f.official(t, run))}
	for _, topic := range election.ResultTopics() {
		for _, natural := range slices.Sorted(maps.Keys(f.results[topic])) {
			records = append(records, kafkatest.JSON(t, topic, election.ResultKey(run, natural), f.results[topic][natural]))
		}
	}
	kafkatest.Produce(t, f.cluster, records...)
}

// official names a run of the election that is there.
func (f *fixture) official(t *testing.T, run int) election.OfficialRun {
	t.Helper()
	installation, err := f.config.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return election.OfficialRun{Run: run, Fingerprint: installation.Fingerprint}
}

// change publishes a changed result.
func (f *fixture) change(t *testing.T, topic, natural string, change func(*election.Result)) {
	t.Helper()
	result, found := f.results[topic][natural]
	if !found {
		t.Fatalf("%s has no %s", topic, natural)
	}
	change(&result)
	kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, topic, election.ResultKey(run, natural), result))
}

// audit audits, and returns what was printed.
func (f *fixture) audit(t *testing.T) (string, error) {
	t.Helper()
	f.out.Reset()
	err := audit.Run(t.Context(), f.config)
	return f.out.String(), err
}

// ballot is the record of a vote.
func ballot(line []byte) *kgo.Record {
	id := line[election.BallotIDStart:election.BallotIDEnd]
	return &kgo.Record{Topic: election.VotesTopic, Key: id, Value: line, Partition: election.Partition(id, partitions)}
}

// cast is a vote that is not in the result file, with ballot id n.
func cast(n int, candidate, district string) *kgo.Record {
	return ballot(election.AppendVote(nil, election.Vote{
		BallotID: fmt.Appendf(nil, "%032x", n), CandidateID: []byte(candidate), DistrictID: []byte(district),
		VotingTime: []byte("2024-11-05T12:34:56.789Z"),
	}))
}

func wantSaid(t *testing.T, printed string, says ...string) {
	t.Helper()
	for _, line := range says {
		if !strings.Contains(squeeze(printed), line) {
			t.Errorf("it does not say %q:\n%s", line, printed)
		}
	}
}

// squeeze reduces the spaces of a table to one each.
func squeeze(printed string) string {
	var lines []string
	for line := range strings.Lines(printed) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

// genderIn is that of voter n, who is from 45 to 54 years old. Voters whom the definition does not have are women.
func genderIn(d *election.Definition, n int) string {
	of := int64(n)
	for i, voters := range d.VotersOf(d.Districts()[0].District) {
		if of -= voters; of < 0 {
			return election.Genders()[i%len(election.Genders())]
		}
	}
	return "female"
}

// castIn is the vote of voter n in an election of that definition, with ballot id n.
func castIn(d *election.Definition, n int) *kgo.Record {
	age, gender, _ := election.NewDisclosure(d).Of(d.Districts()[0].ID, "45-54", genderIn(d, n))
	return ballot(election.AppendVote(nil, election.Vote{
		BallotID: fmt.Appendf(nil, "%032x", n), CandidateID: []byte(d.Candidates[0].ID), DistrictID: []byte(d.Districts()[0].ID),
		AgeGroup: []byte(age), Gender: []byte(gender), VotingTime: election.AppendTime(nil, d.Polling.Opens),
	}))
}

// voterIn is the voter whose ballot castIn makes, in an election with this many partitions.
func voterIn(t *testing.T, d *election.Definition, n int) *kgo.Record {
	t.Helper()
	district := d.Districts()[0].ID
	id := fmt.Sprint("voter-", n)
	r := kafkatest.JSON(t, election.VotersTopic, id, election.Voter{
		ID: election.VoterID(id), DateOfBirth: "1970-01-01", Gender: genderIn(d, n), RegisteredAge: 54, DistrictID: district,
	})
	r.Partition = election.VoterPartition(district, partitions)
	return r
}

// closeRegister closes a register of voters and of others, with commitments to the ballots that castIn makes of 0 up to voters.
func (f *fixture) closeRegister(t *testing.T, d *election.Definition, voters int, others ...*kgo.Record) {
	t.Helper()
	var ballots []*kgo.Record
	for n := range voters {
		ballots = append(ballots, castIn(d, n))
		others = append(others, voterIn(t, d, n))
	}
	f.closeRegisterOf(t, d, others, ballots)
}

// closeRegisterOf closes a register with these entries, which allows these ballots.
func (f *fixture) closeRegisterOf(t *testing.T, d *election.Definition, entries, ballots []*kgo.Record) {
	t.Helper()
	var commitments []election.Commitment
	for _, r := range ballots {
		vote, _ := election.ParseVote(r.Value)
		commitments = append(commitments, election.CommitTo(d.Fingerprint(), vote))
	}
	ends := map[int32]int64{0: 0, 1: 0, 2: 0}
	for _, r := range entries {
		ends[r.Partition]++
	}
	kafkatest.Produce(t, f.cluster, entries...)
	size := int64(len(entries))
	kafkatest.Produce(t, f.cluster, kafkatest.Progress(t, election.VotersProducer,
		election.Progress{NextSerial: size, Size: size, Fingerprint: d.Fingerprint(), Ends: ends}))
	f.commitments = election.NewCommitments(d.Fingerprint(), commitments)
	kafkatest.PublishCommitments(t, f.config.Kafka, f.commitments)
}
