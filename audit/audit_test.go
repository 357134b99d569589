package audit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
)

func TestAuditOfAgreeingResults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed,
		"votes counted 200 200 sent agrees",
		"aggregated_votes_per_candidate 200 in 2 keys 200 agrees",
		"aggregated_turnout_by_location 200 in 2 keys 200 agrees",
		"aggregated_votes_by_location 200 in 3 keys 200 agrees",
		"aggregated_votes_by_district 200 in 4 keys 200 agrees",
		"aggregated_votes_by_demographic 200 in 3 keys 200 agrees",
		"aggregated_votes_rejected 0 in 0 keys 0 agrees",
		"Everything agrees.")
}

// TestAuditNamesWhatIsPlanted plants one error at a time.
func TestAuditNamesWhatIsPlanted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(t *testing.T, f *fixture)
		says  []string
	}{
		"a total raised": {
			func(t *testing.T, f *fixture) {
				f.change(t, election.PerCandidateTopic, "ana", func(r *election.Result) { r.TotalVotes++ })
			},
			[]string{
				"aggregated_votes_per_candidate: key 2/ana holds 101; it must hold 100",
				"aggregated_votes_per_candidate 200 in 2 keys 201 DIFFERS (1)",
				"aggregated_votes_by_district 200 in 4 keys 200 agrees",
			},
		},
		"two totals exchanged": {
			func(t *testing.T, f *fixture) {
				topic := election.ByDistrictTopic
				f.results[topic]["N2/ana"], f.results[topic]["N2/bo"] = swapped(f.results[topic]["N2/ana"], f.results[topic]["N2/bo"])
			},
			[]string{
				"aggregated_votes_by_district: key 2/N2/ana holds 60; it must hold 10",
				"aggregated_votes_by_district: key 2/N2/bo holds 10; it must hold 60",
				"aggregated_votes_by_district 200 in 4 keys 200 DIFFERS (2)",
			},
		},
		"a key never written": {
			func(_ *testing.T, f *fixture) { delete(f.results[election.ByLocationTopic], "south/bo") },
			[]string{
				"aggregated_votes_by_location: key 2/south/bo is missing; it must hold 40",
				"aggregated_votes_by_location 200 in 3 keys 160 DIFFERS (1)",
			},
		},
		"a key deleted": {
			func(t *testing.T, f *fixture) {
				f.publish(t)
				kafkatest.Produce(t, f.cluster, &kgo.Record{Topic: election.TurnoutByLocationTopic, Key: []byte("2/north")})
				delete(f.results[election.TurnoutByLocationTopic], "north")
			},
			[]string{"aggregated_turnout_by_location: key 2/north is missing; it must hold 160"},
		},
		"a key of another run": {
			func(t *testing.T, f *fixture) {
				stale := f.results[election.PerCandidateTopic]["bo"]
				stale.Run = 1
				kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.PerCandidateTopic, "1/bo", stale))
			},
			[]string{"aggregated_votes_per_candidate: key \"1/bo\" is of run 1, and the official run is 2"},
		},
		"a wrong name": {
			func(t *testing.T, f *fixture) {
				f.change(t, election.PerCandidateTopic, "ana", func(r *election.Result) { name := "Anna"; r.CandidateName = &name })
				delete(f.results[election.PerCandidateTopic], "ana")
			},
			[]string{`key 2/ana holds {"run":2,"candidate_id":"ana","candidate_name":"Anna"`, `it must hold {"run":2,"candidate_id":"ana","candidate_name":"Ana"`},
		},
		"a wrong time": {
			func(_ *testing.T, f *fixture) {
				r := f.results[election.PerCandidateTopic]["ana"]
				r.NewestRecordAt = "2001-01-01T00:00:00.000Z"
				f.results[election.PerCandidateTopic]["ana"] = r
			},
			[]string{`"newest_record_at":"2001-01-01T00:00:00.000Z"}; it must hold`},
		},
		"a record that is not JSON": {
			func(t *testing.T, f *fixture) {
				kafkatest.Produce(t, f.cluster, &kgo.Record{Topic: election.ByDistrictTopic, Key: []byte("2/S1/bo"), Value: []byte("{")})
			},
			[]string{"aggregated_votes_by_district: key 2/S1/bo: offset 0 cannot be read: unexpected EOF"},
		},
		"a field that is not known": {
			func(t *testing.T, f *fixture) {
				kafkatest.Produce(t, f.cluster, &kgo.Record{Topic: election.ByDistrictTopic, Key: []byte("2/S1/bo"), Value: []byte(`{"run":2,"votes":40}`)})
			},
			[]string{`key 2/S1/bo: offset 0 cannot be read: json: unknown field "votes"`},
		},
		"a key that is not known": {
			func(t *testing.T, f *fixture) {
				kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.PerSlotTopic, "2/north/2024-11-06T00:00/ana", election.Result{Run: 2, TotalVotes: 1}))
			},
			[]string{"aggregated_votes_per_slot: key \"2/north/2024-11-06T00:00/ana\" must not be there"},
		},
		"a key without a run": {
			func(t *testing.T, f *fixture) {
				kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.PerCandidateTopic, "ana", election.Result{Run: 2, TotalVotes: 1}))
			},
			[]string{"aggregated_votes_per_candidate: key \"ana\" must not be there"},
		},
		"rejects where there are none": {
			func(t *testing.T, f *fixture) {
				kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.PerReasonTopic, "2/malformed", election.Result{Run: 2, TotalVotes: 1}))
			},
			[]string{"aggregated_votes_rejected: key \"2/malformed\" must not be there", "aggregated_votes_rejected 0 in 0 keys 1 DIFFERS (1)"},
		},
		"another number of votes expected": {
			func(_ *testing.T, f *fixture) { f.config.Expect = 199 },
			[]string{"200 votes are counted where 199 are expected", "votes counted 200 199 expected DIFFERS (1)"},
		},
		"no vote expected": {
			func(_ *testing.T, f *fixture) { f.config.Expect = 0 },
			[]string{"200 votes are counted where 0 are expected"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.plant(t, f)
			f.publish(t)
			printed, err := f.audit(t)
			if !errors.Is(err, audit.ErrDisagree) {
				t.Errorf("ended with %v", err)
			}
			wantSaid(t, printed, c.says...)
			if strings.Contains(printed, "Everything agrees") {
				t.Errorf("it says that everything agrees:\n%s", printed)
			}
		})
	}
}

// TestForgedRunAndStatusAreNamed has an official run of another definition, and a query that has counted more than there is.
func TestForgedRunAndStatusAreNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	kafkatest.Produce(t, f.cluster,
		kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, election.QueryStatus{State: "running", Counted: map[string]int64{"0": 1 << 40, "x": 1}}))
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "has counted partition 0 of votes_topic up to offset 1099511627776", "has counted partition x of")

	kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, election.OfficialRun{Run: run, Fingerprint: "another"}))
	printed, err = f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, `the official run counts by the definition "another"`)
}

// TestRunThatCatchesUpIsNotCompared has keys of the latest run beside those of the official run, and then of a run that
// is newer than both.
func TestRunThatCatchesUpIsNotCompared(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	of := func(run int) {
		kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.PerCandidateTopic, election.ResultKey(run, "ana"), election.Result{Run: run, TotalVotes: 7}))
	}
	latest := func(run int) {
		kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, election.LatestRun{Run: run}))
	}
	of(run + 1)
	latest(run + 1)
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "run 3 is catching up 1 keys, not compared", "aggregated_votes_per_candidate 200 in 2 keys 200 agrees", "Everything agrees.")

	of(run + 2)
	printed, err = f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("with a key of a run that nobody began it ended with %v", err)
	}
	wantSaid(t, printed, `aggregated_votes_per_candidate: key "4/ana" is of run 4, and the official run is 2`, "run 3 is catching up 1 keys, not compared",
		"aggregated_votes_per_candidate 200 in 2 keys 207 DIFFERS (1)")

	latest(run) // the official one is the latest: nothing catches up
	printed, _ = f.audit(t)
	wantSaid(t, printed, `key "3/ana" is of run 3, and the official run is 2`, `key "4/ana" is of run 4, and the official run is 2`)
	if strings.Contains(printed, "catching up") {
		t.Errorf("it says that a run is catching up:\n%s", printed)
	}
}

// swapped returns two results with each other's totals.
func swapped(a, b election.Result) (election.Result, election.Result) {
	a.TotalVotes, b.TotalVotes = b.TotalVotes, a.TotalVotes
	return a, b
}

func TestTotalWrittenAgainLateDoesNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	f.change(t, election.PerCandidateTopic, "ana", func(r *election.Result) { r.TotalVotes, r.NewestRecordAt = 3, "2001-01-01T00:00:00.000Z" })
	f.change(t, election.PerCandidateTopic, "bo", func(*election.Result) {})
	if printed, err := f.audit(t); err != nil {
		t.Errorf("ended with %v:\n%s", err, printed)
	}
}

func TestAuditOfEmptyTopicsDoesNotPass(t *testing.T) {
	t.Parallel()
	f := newEmptyFixture(t)
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("without a run it ended with %v", err)
	}
	wantSaid(t, printed, "nothing was counted: votes_topic holds no valid vote", "no run is official: the streaming query has not begun; start `election submit`")

	f.config.Expect = 0 // a count of 0 does not pass even if it is expected
	f.publish(t)
	printed, err = f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("with a run it ended with %v", err)
	}
	wantSaid(t, printed, "votes counted 0 DIFFERS (1)", "nothing was counted")
}

func TestRecordsThatDoNotCountAreToldByReason(t *testing.T) {
	t.Parallel()
	early := cast(4, "ana", "N1")
	early.Value = []byte(strings.Replace(string(early.Value), "T12:34", "T06:59", 1))
	moved := cast(5, "ana", "N1")
	moved.Partition = (moved.Partition + 1) % partitions
	f := newFixture(t,
		cast(1, "ana", "N1"), cast(1, "ana", "N1"), cast(1, "ana", "N1"), // counted once
		cast(2, "ana", "N1"), cast(2, "bo", "N1"), cast(2, "ana", "N2"), cast(2, "bo", "N2"), // counted as the first says
		early, moved, cast(6, "unknown", "N1"), cast(7, "ana", "unknown"), cast(8, "ana", "unknown"),
		&kgo.Record{Topic: election.VotesTopic}, &kgo.Record{Topic: election.VotesTopic, Value: []byte("vote")},
		&kgo.Record{Topic: election.VotesTopic, Partition: 1, Key: []byte("x"), Value: cast(9, "ana", "N1").Value})
	f.publish(t)
	f.config.Expect = votes + 2
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed,
		"votes counted 202 202 expected agrees",
		"not counted: malformed 3\n", "not counted: wrong_partition 1\n", "not counted: unknown_candidate 1\n",
		"not counted: unknown_district 2\n", "not counted: outside_polling_hours 1\n",
		"not counted: duplicate 2\n", "not counted: conflicting 3\n",
		"aggregated_votes_rejected 8 in 5 keys 8 agrees")

	// The first copies by offset count, both for Ana in N1: no other total will do.
	if got := f.results[election.ByDistrictTopic]["N1/ana"].TotalVotes; got != 92 {
		t.Errorf("Ana has %d in N1, want 92", got)
	}
	f.change(t, election.PerReasonTopic, "malformed", func(r *election.Result) { r.TotalVotes = 4 })
	printed, err = f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "aggregated_votes_rejected: key 2/malformed holds 4; it must hold 3")
}

func TestOnlyCommittedBallotsCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	kafkatest.ProduceInTransaction(t, f.cluster, kgo.TryAbort, cast(1, "ana", "N1"), cast(2, "ana", "N1"), cast(3, "bo", "S1"))
	if printed, err := f.audit(t); err != nil {
		t.Errorf("after an aborted transaction it ended with %v:\n%s", err, printed)
	}
	kafkatest.Begin(t, f.cluster, cast(4, "ana", "N1"), cast(5, "ana", "N1"))
	f.config.DecisionTimeout = time.Nanosecond
	if printed, err := f.audit(t); err != nil {
		t.Errorf("during an open transaction it ended with %v:\n%s", err, printed)
	}
}

func TestCommittedBallotThatIsNotPublishedIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	kafkatest.ProduceInTransaction(t, f.cluster, kgo.TryCommit, cast(1, "ana", "N1"))
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "201 votes are counted where 200 are sent", "aggregated_votes_by_district: key 2/N1/ana holds 90; it must hold 91")
}

func TestManyDifferencesAreCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	var extra []*kgo.Record
	for n := range 50 {
		extra = append(extra, kafkatest.JSON(t, election.PerCandidateTopic, fmt.Sprintf("2/x%02d", n), election.Result{Run: 2, TotalVotes: 1}))
	}
	kafkatest.Produce(t, f.cluster, extra...)
	printed, _ := f.audit(t)
	wantSaid(t, printed, "aggregated_votes_per_candidate 200 in 2 keys 250 DIFFERS (50)", "key \"2/x39\" must not be there\nand 10 more differences")
}

func TestAuditWithoutAnElection(t *testing.T) {
	cluster := kafkatest.NewCluster(t)
	err := audit.Run(t.Context(), audit.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Out: t.Output(), Log: kafkatest.Log(t)})
	if !errors.Is(err, kafka.ErrNoElection) {
		t.Errorf("ended with %v", err)
	}
}
