//go:build attack

package e2e

import (
	"crypto/rand"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/principals"
)

var insiders = flag.Int64("insiders", 20_000, "registered voters of the election in which the services lie")

// TestAttackByServicesIsNamed has services lie in the topics that they may write: `votes` adds ballots, Spark totals, submit a
// status, and `init`, which may write everything, another definition.
func TestAttackByServicesIsNamed(t *testing.T) {
	data := newData(t)
	s := up(t, data, "--voters", fmt.Sprint(*insiders), "--rate", fmt.Sprint(*insiders/20))
	s.await(t, "votes are counted", func(f figures) bool { return f.TotalVotes > 0 })
	lies := int(*insiders / 100)
	reader := clusterOf(t, data, principals.Reader)
	installation, err := reader.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	// Ballots of nobody, and as many with the ids of ballots in another cell.
	real := s.ballots(t, lies)
	districts := installation.Definition.Districts()
	var ballots []*kgo.Record
	for _, vote := range real {
		var id election.BallotID
		rand.Read(id[:])
		invented, moved := vote, vote
		invented.BallotID = []byte(id.String())
		at := slices.IndexFunc(districts, func(d election.DistrictIn) bool { return string(d.ID) == string(vote.DistrictID) })
		moved.DistrictID = []byte(districts[(at+1)%len(districts)].ID)
		for _, v := range []election.Vote{invented, moved} {
			ballots = append(ballots, &kgo.Record{
				Topic: election.VotesTopic, Partition: election.Partition(v.BallotID, installation.VotePartitions), Key: v.BallotID, Value: election.AppendVote(nil, v),
			})
		}
	}
	writeAs(t, data, principals.Votes, ballots...)
	out, code := run(t, "audit", "--data", data, "--wait", "--ballot-key", data+"/secrets/ballot-key")
	if code != 3 || !strings.Contains(strings.Join(strings.Fields(out), " "), fmt.Sprintf("not counted: unregistered %d", 2*lies)) {
		t.Errorf("with %d ballots that the register does not allow, the audit exits with %d\n%s", 2*lies, code, out)
	}
	if differs := strings.Count(out, "DIFFERS"); differs != 1 {
		t.Errorf("%d lines differ, want that of the ballots of nobody alone\n%s", differs, out)
	}
	if state, detail := s.state(t); state != "live" {
		t.Errorf("the page is %s: %s", state, detail)
	}
	counted, err := s.figures()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d ballots of nobody and %d in another cell: none of %d votes is of them, and the audit names them", lies, lies, counted.TotalVotes)

	namesNobody(t, data, installation)

	// Totals that are too high, one in each of many districts.
	var totals []*kgo.Record
	for n := range min(1000, len(districts)) {
		district, candidate := districts[n], installation.Definition.Candidates[0].ID
		id, region := string(district.ID), string(district.Region.ID)
		on := string(candidate)
		totals = append(totals, kafkatest.JSON(t, election.ByDistrictTopic, election.ResultKey(1, id, on), election.Result{
			Run: 1, DistrictID: &id, RegionID: &region, CandidateID: &on, TotalVotes: *insiders, NewestRecordAt: "2100-01-01T00:00:00.000Z",
		}))
	}
	writeAs(t, data, principals.Spark, totals...)
	s.wantWrong(t, "than voters are registered there")
	out, code = run(t, "audit", "--data", data)
	if code != 3 || !strings.Contains(out, election.ByDistrictTopic) || strings.Count(out, "DIFFERS") < 2 {
		t.Errorf("with forged totals the audit exits with %d\n%s", code, out)
	}
	t.Logf("%d forged totals: the page says that they are wrong, and the audit names them", len(totals))

	// A query that has counted more than there is, and another definition that fits its fingerprint.
	writeAs(t, data, principals.Submit, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, election.QueryStatus{
		State: "running", Run: 1, Counted: map[string]int64{"0": 1 << 40},
	}))
	writeAs(t, data, principals.Submit, kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, election.OfficialRun{Run: 1, Fingerprint: "another"}))
	forged := *installation
	forged.Definition.Candidates = slices.Clone(forged.Definition.Candidates)
	forged.Definition.Candidates[0].Name, forged.Definition.Candidates[1].Name = forged.Definition.Candidates[1].Name, forged.Definition.Candidates[0].Name
	forged.Fingerprint = forged.Definition.Fingerprint()
	value, err := forged.Encode()
	if err != nil {
		t.Fatal(err)
	}
	writeAs(t, data, principals.Init, &kgo.Record{Topic: election.ElectionTopic, Key: []byte(election.DefinitionKey), Value: value})
	s.wantWrong(t, "another definition")
	page := s.html(t)
	if name := installation.Definition.Candidates[0].Name; !strings.Contains(page, html.EscapeString(name)) {
		t.Errorf("the page does not name %s any more", name)
	}
	out, code = run(t, "audit", "--data", data)
	if code != 3 || !strings.Contains(out, "the official run counts by the definition") {
		t.Errorf("with another definition the audit exits with %d\n%s", code, out)
	}
	t.Log("another definition, run and status: the page keeps to the first definition and says that there is another, and the audit names them")
}

// ballots are real ballots of votes_topic.
func (s *system) ballots(t *testing.T, n int) []election.Vote {
	t.Helper()
	cluster := clusterOf(t, s.data, principals.Reader)
	var votes []election.Vote
	await(t, fmt.Sprintf("%d ballots are cast", n), func() bool {
		votes = votes[:0]
		err := cluster.Read(t.Context(), election.VotesTopic, 0, func(r *kgo.Record) error {
			if vote, ok := election.ParseVote(slices.Clone(r.Value)); ok && len(votes) < n {
				votes = append(votes, vote)
			}
			return nil
		})
		return err == nil && len(votes) == n
	})
	return votes
}

// writeAs writes records as a principal.
func writeAs(t *testing.T, data string, as principals.Principal, records ...*kgo.Record) {
	t.Helper()
	cl, err := clusterOf(t, data, as).NewClient(kgo.DisableIdempotentWrite(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// html is the page.
func (s *system) html(t *testing.T) string {
	t.Helper()
	response, err := http.Get(s.page() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// state is what the page says of itself.
func (s *system) state(t *testing.T) (state, detail string) {
	t.Helper()
	_, rest, _ := strings.Cut(s.html(t), `data-state="`)
	state, rest, _ = strings.Cut(rest, `"`)
	_, rest, _ = strings.Cut(rest, `aria-label="Detail">`)
	detail, _, _ = strings.Cut(rest, "</p>")
	return state, html.UnescapeString(detail)
}

func (s *system) wantWrong(t *testing.T, says string) {
	t.Helper()
	await(t, "the page says: "+says, func() bool {
		state, detail := s.state(t)
		return state == "wrong" && strings.Contains(detail, says)
	}, func() string { state, detail := s.state(t); return state + ": " + detail })
}
