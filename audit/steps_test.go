package audit_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// newPolling is an election with an electorate, of which 27 have voted in the first district, and results that agree.
func newPolling(t *testing.T) (*fixture, *election.Definition) {
	t.Helper()
	f, d := newElectorateFixture(t, 27)
	f.closeRegister(t, d, 27)
	for n := range 27 {
		kafkatest.Produce(t, f.cluster, castIn(d, n))
	}
	f.recount(t, d)
	f.publish(t)
	f.config.Expect = 27
	return f, d
}

// closePolls says that `votes` has sent so many ballots, which are all.
func (f *fixture) closePolls(t *testing.T, fingerprint string, ballots int64) {
	t.Helper()
	for partition := range int32(partitions) {
		kafkatest.Produce(t, f.cluster, kafkatest.Progress(t, election.VotesProducer(partition), election.Progress{NextSerial: ballots, Size: ballots, Fingerprint: fingerprint}))
		ballots = 0
	}
}

// pageOf is what the real dashboard answers, with which the audit agrees.
func pageOf(t *testing.T, f *fixture) map[string]any {
	t.Helper()
	serveDashboard(t, f)
	var document map[string]any
	for tick := time.Tick(10 * time.Millisecond); document == nil; <-tick {
		response, err := http.Get(f.config.Page + "/api/v1/results")
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusOK { // it has read all topics
			err = json.NewDecoder(response.Body).Decode(&document)
		}
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
	}
	f.config.PageTimeout = time.Nanosecond
	if printed, err := f.audit(t); err != nil {
		t.Errorf("ended with %v:\n%s", err, printed)
	}
	return document
}

// firstDistrict is the first district of a page.
func firstDistrict(document map[string]any) map[string]any {
	return document["districts"].([]any)[0].(map[string]any)
}

// TestAuditKnowsTheStepOfDistricts plants errors in what the real page shows, while the polls are open and afterwards.
func TestAuditKnowsTheStepOfDistricts(t *testing.T) {
	t.Parallel()
	f, d := newPolling(t)
	id, candidate := string(d.Districts()[0].ID), string(d.Candidates[0].ID)
	plant := func(document map[string]any, plant func(map[string]any), says ...string) {
		t.Helper()
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		var changed map[string]any
		if err := json.Unmarshal(text, &changed); err != nil {
			t.Fatal(err)
		}
		plant(changed)
		servePage(t, f, func(w http.ResponseWriter, _ *http.Request) {
			if err := json.NewEncoder(w).Encode(changed); err != nil {
				t.Error(err)
			}
		})
		printed, err := f.audit(t)
		if !errors.Is(err, audit.ErrDisagree) {
			t.Errorf("%s: ended with %v", says, err)
		}
		wantSaid(t, printed, says...)
	}
	step := func(n int) func(map[string]any) {
		return func(document map[string]any) { document["district_step"] = n }
	}
	of := func(n int) func(map[string]any) {
		return func(document map[string]any) { firstDistrict(document)["votes"] = n }
	}
	ofCandidate := func(n int) func(map[string]any) {
		return func(document map[string]any) { firstDistrict(document)["candidates"].(map[string]any)[candidate] = n }
	}

	open := pageOf(t, f)
	if votes := firstDistrict(open)["votes"]; open["district_step"] != 10.0 || votes != 20.0 {
		t.Errorf("while the polls are open the page shows %v votes in steps of %v", votes, open["district_step"])
	}
	plant(open, of(27), "district "+id+" is 27; it must be 20")
	plant(open, of(30), "district "+id+" is 30; it must be 20")
	plant(open, ofCandidate(27), "district "+id+" candidate "+candidate+" is 27; it must be 20")
	plant(open, ofCandidate(10), "district "+id+" candidate "+candidate+" is 10; it must be 20")
	plant(open, step(1), "district step is 1; it must be 10")
	plant(open, step(5), "district step is 5; it must be 10")
	f.closePolls(t, "another", 27)
	plant(open, step(1), "district step is 1; it must be 10")
	polls := f
	f, _ = newPolling(t)
	f.closePolls(t, d.Fingerprint(), 28) // one more than are counted
	plant(open, step(1), "district step is 1; it must be 10")

	f = polls
	f.closePolls(t, d.Fingerprint(), 27)
	plant(open, func(map[string]any) {}, "district step is 10; it must be 1", "district "+id+" is 20; it must be 27", "district "+id+" candidate "+candidate+" is 20; it must be 27")
	closed := pageOf(t, f)
	if votes := firstDistrict(closed)["votes"]; closed["district_step"] != 1.0 || votes != 27.0 {
		t.Errorf("once they are closed the page shows %v votes in steps of %v", votes, closed["district_step"])
	}
}
