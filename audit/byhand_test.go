package audit_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// byHand is what the result topics must hold of the ballots of newByHand. No program counted it: it is written by hand.
const byHand = `
aggregated_votes_per_candidate 5/ana {"run":5,"candidate_id":"ana","candidate_name":"Ana","party_affiliation":"Red","photo_url":"/ana.svg","total_votes":2,"newest_record_at":"2024-11-05T08:00:02.250Z"}
aggregated_votes_per_candidate 5/bo {"run":5,"candidate_id":"bo","candidate_name":"Bo","party_affiliation":"Blue","photo_url":"","total_votes":1,"newest_record_at":"2024-11-05T08:00:03.000Z"}
aggregated_turnout_by_location 5/north {"run":5,"region_id":"north","region_name":"The North","registered_voters":30,"total_votes":2,"newest_record_at":"2024-11-05T08:00:02.250Z"}
aggregated_turnout_by_location 5/south {"run":5,"region_id":"south","region_name":"The South","total_votes":1,"newest_record_at":"2024-11-05T08:00:03.000Z"}
aggregated_votes_by_location 5/north/ana {"run":5,"region_id":"north","candidate_id":"ana","total_votes":2,"newest_record_at":"2024-11-05T08:00:02.250Z"}
aggregated_votes_by_location 5/south/bo {"run":5,"region_id":"south","candidate_id":"bo","total_votes":1,"newest_record_at":"2024-11-05T08:00:03.000Z"}
aggregated_votes_by_district 5/N1/ana {"run":5,"district_id":"N1","candidate_id":"ana","total_votes":1,"newest_record_at":"2024-11-05T08:00:02.250Z"}
aggregated_votes_by_district 5/N2/ana {"run":5,"district_id":"N2","candidate_id":"ana","total_votes":1,"newest_record_at":"2024-11-05T08:00:01.000Z"}
aggregated_votes_by_district 5/S1/bo {"run":5,"district_id":"S1","candidate_id":"bo","total_votes":1,"newest_record_at":"2024-11-05T08:00:03.000Z"}
aggregated_votes_by_demographic 5/north/18-24/female/ana {"run":5,"region_id":"north","age_group":"18-24","gender":"female","candidate_id":"ana","total_votes":2,"newest_record_at":"2024-11-05T08:00:02.250Z"}
aggregated_votes_by_demographic 5/south///bo {"run":5,"region_id":"south","age_group":"","gender":"","candidate_id":"bo","total_votes":1,"newest_record_at":"2024-11-05T08:00:03.000Z"}
aggregated_votes_per_slot 5/north/2024-11-05T07:30/ana {"run":5,"region_id":"north","slot":"2024-11-05T07:30","candidate_id":"ana","total_votes":2,"newest_record_at":"2024-11-05T08:00:02.250Z"}
aggregated_votes_per_slot 5/south/2024-11-05T07:31/bo {"run":5,"region_id":"south","slot":"2024-11-05T07:31","candidate_id":"bo","total_votes":1,"newest_record_at":"2024-11-05T08:00:03.000Z"}
aggregated_votes_rejected 5/unknown_district {"run":5,"reason":"unknown_district","total_votes":1,"newest_record_at":"2024-11-05T08:00:05.000Z"}
`

// newByHand casts three ballots, then a copy of the first, and a ballot of an unknown district. The second ballot is
// older than the first, and after it in the same partition.
func newByHand(t *testing.T) *fixture {
	t.Helper()
	d := &election.Definition{
		ID: "hand", Name: "By hand",
		Polling:    election.Polling{Opens: time.Date(2024, 11, 5, 7, 0, 0, 0, time.UTC), Closes: time.Date(2024, 11, 5, 21, 0, 0, 0, time.UTC)},
		Candidates: []election.Candidate{{ID: "ana", Name: "Ana", Party: "Red", Photo: "/ana.svg"}, {ID: "bo", Name: "Bo", Party: "Blue"}},
		Regions: []election.Region{
			{ID: "north", Name: "The North", Districts: []election.District{{ID: "N1", Name: "Hill", Registered: 10}, {ID: "N2", Name: "Dale", Registered: 20}}},
			{ID: "south", Name: "The South", Districts: []election.District{{ID: "S1", Name: "Moor"}}},
		},
	}
	f := newEmptyFixture(t)
	f.cluster = kafkatest.NewElection(t, d, partitions)
	f.config.Kafka, f.config.Expect = kafkatest.Cluster(t, f.cluster.ListenAddrs()), 3
	sender := "CreateTime" // so that the test can choose the times
	admin := kadm.NewClient(kafkatest.NewClient(t, f.cluster))
	if _, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "message.timestamp.type", Value: &sender}}, election.VotesTopic); err != nil {
		t.Fatal(err)
	}
	for _, vote := range []struct{ line, at string }{
		{`{"ballot_id":"00000000000000000000000000000001","candidate_id":"ana","district_id":"N1","age_group":"18-24","gender":"female","voting_time":"2024-11-05T07:30:59.999Z"}`, "2024-11-05T08:00:02.250Z"},
		{`{"ballot_id":"00000000000000000000000000000005","candidate_id":"ana","district_id":"N2","age_group":"18-24","gender":"female","voting_time":"2024-11-05T07:30:00.000Z"}`, "2024-11-05T08:00:01.000Z"},
		{`{"ballot_id":"00000000000000000000000000000003","candidate_id":"bo","district_id":"S1","age_group":"","gender":"","voting_time":"2024-11-05T07:31:00.000Z"}`, "2024-11-05T08:00:03.000Z"},
		{`{"ballot_id":"00000000000000000000000000000001","candidate_id":"ana","district_id":"N1","age_group":"18-24","gender":"female","voting_time":"2024-11-05T07:30:59.999Z"}`, "2024-11-05T08:00:04.000Z"},
		{`{"ballot_id":"00000000000000000000000000000004","candidate_id":"ana","district_id":"X","age_group":"","gender":"","voting_time":"2024-11-05T07:31:00.000Z"}`, "2024-11-05T08:00:05.000Z"},
	} {
		at, err := time.Parse(time.RFC3339Nano, vote.at)
		if err != nil {
			t.Fatal(err)
		}
		record := ballot([]byte(vote.line))
		record.Timestamp = at
		kafkatest.Produce(t, f.cluster, record)
	}
	kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, f.official(t, 5)))
	return f
}

// publishLines publishes results, each a line of topic, key and value.
func (f *fixture) publishLines(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		part := strings.SplitN(strings.TrimSpace(line), " ", 3)
		kafkatest.Produce(t, f.cluster, &kgo.Record{Topic: part[0], Key: []byte(part[1]), Value: []byte(part[2])})
	}
}

func TestAuditAgreesWithResultsWrittenByHand(t *testing.T) {
	t.Parallel()
	f := newByHand(t)
	f.publishLines(t, byHand)
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v:\n%s", err, printed)
	}
	wantSaid(t, printed, "votes counted 3 3 expected agrees", "Everything agrees.")
}

// TestEveryFieldWrittenByHandIsCompared changes one field at a time of one record of each kind.
func TestEveryFieldWrittenByHandIsCompared(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(strings.TrimSpace(byHand)) {
		part := strings.SplitN(strings.TrimSpace(line), " ", 3)
		topic, key, value := part[0], part[1], part[2]
		if strings.Contains(key, "bo") || strings.Contains(key, "south") || strings.Contains(key, "N2") {
			continue
		}
		t.Run(topic+" "+key, func(t *testing.T) {
			t.Parallel()
			f := newByHand(t)
			f.publishLines(t, byHand)
			for _, field := range strings.Split(strings.Trim(value, "{}"), `,"`) {
				changed := field[:len(field)-1] + `X"`
				if digit := field[len(field)-1]; digit != '"' {
					changed = field[:len(field)-1] + string(digit+1)
				}
				f.publishLines(t, topic+" "+key+" "+strings.Replace(value, field, changed, 1))
				printed, err := f.audit(t)
				if !errors.Is(err, audit.ErrDisagree) || !strings.Contains(printed, topic+": key "+key+" holds ") {
					t.Errorf("with %s it ended with %v", changed, err)
				}
				kafkatest.Produce(t, f.cluster, &kgo.Record{Topic: topic, Key: []byte(key)})
				f.publishLines(t, line)
			}
			if printed, err := f.audit(t); err != nil {
				t.Errorf("after every change was undone, it ended with %v:\n%s", err, printed)
			}
		})
	}
}
