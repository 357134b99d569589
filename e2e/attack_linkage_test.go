//go:build attack

package e2e

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"realtime-election/election"
	"realtime-election/internal/ballotkey"
)

// group is what a ballot states of its voter.
type group struct{ district, age, gender string }

// namesNobody has somebody look for the voters of ballots who may read all of PostgreSQL, with what it keeps of transactions and
// places, and every log, and who knows who has voted. Only the ballot key is missing.
func namesNobody(t *testing.T, data string, installation *election.Installation) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), recordOf(t, data, "postgresql").Address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	var superuser bool
	if err := db.QueryRow(t.Context(), "SELECT usesuper FROM pg_user WHERE usename = current_user").Scan(&superuser); err != nil || !superuser {
		t.Fatalf("the login is no superuser's: %v", err)
	}
	key, err := ballotkey.Open(filepath.Join(data, "secrets", "ballot-key"))
	if err != nil {
		t.Fatal(err)
	}
	stated := states(installation)
	truth := voterOfBallots(t, db, installation.Key(key))
	const ballots = "SELECT replace(ballot_id::text, '-', ''), district_id, age_group, gender FROM votes ORDER BY "
	const voters = "SELECT voter_id, district_id, registered_age::text, gender FROM voters ORDER BY "
	for _, ofVoters := range []string{"xmin::text::bigint, ctid", "ctid", "voter_id", "registration_number"} {
		lined := inGroups(t, db, voters+ofVoters, stated)
		for _, ofBallots := range []string{"xmin::text::bigint, ctid", "ctid", "voting_time, ctid", "ballot_id"} {
			found, chance := 0, 0
			for g, cast := range inGroups(t, db, ballots+ofBallots, func(g group) group { return g }) {
				isCast := make(map[string]bool, len(cast))
				for _, ballot := range cast {
					isCast[ballot] = true
				}
				voted := slices.DeleteFunc(slices.Clone(lined[g]), func(voter string) bool { return !isCast[truth[voter]] })
				if len(cast) != len(voted) {
					t.Fatalf("%d ballots state %v, and %d voters have cast them", len(cast), g, len(voted))
				}
				for i, voter := range voted {
					if truth[voter] == cast[i] {
						found++
					}
				}
				chance++ // a random order finds one in each group, with a variance of one
			}
			if math.Abs(float64(found-chance)) > 4*math.Sqrt(float64(chance)) {
				t.Errorf("lined up by %s and %s, %d voters are found; chance finds %d", ofVoters, ofBallots, found, chance)
			}
			t.Logf("PostgreSQL's voters by %s and ballots by %s: %d of %d voters are found, chance finds %d", ofVoters, ofBallots, found, len(truth), chance)
		}
	}
	namedInLogs(t, data, truth)
}

// voterOfBallots are the ids of the ballots of all voters.
func voterOfBallots(t *testing.T, db *pgx.Conn, key election.BallotKey) map[string]string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT voter_id FROM voters")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	truth := make(map[string]string)
	for _, voter := range ids {
		id, _ := key.Draw(election.VoterID(voter))
		truth[voter] = id.String()
	}
	return truth
}

// inGroups are the ids that a query finds, in its order.
func inGroups(t *testing.T, db *pgx.Conn, sql string, of func(group) group) map[group][]string {
	t.Helper()
	rows, err := db.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[group][]string)
	var id string
	var g group
	if _, err := pgx.ForEachRow(rows, []any{&id, &g.district, &g.age, &g.gender}, func() error {
		all[of(g)] = append(all[of(g)], id)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// states tells what the ballots of voters state, whose age is in years.
func states(installation *election.Installation) func(voter group) group {
	disclosure := election.NewDisclosure(&installation.Definition)
	return func(voter group) group {
		years, _ := strconv.Atoi(voter.age)
		age, gender, _ := disclosure.Of(election.DistrictID(voter.district), election.AgeGroupOf(years), voter.gender)
		return group{voter.district, age, gender}
	}
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}`)

// namedInLogs looks for the ids of voters in the logs.
func namedInLogs(t *testing.T, data string, voters map[string]string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(data, "logs", "*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("there are no logs: %v", err)
	}
	ids := make(map[string]bool)
	for voter := range voters {
		ids[strings.ReplaceAll(voter, "-", "")] = true
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range anyID.FindAllString(string(text), -1) {
			if ids[strings.ReplaceAll(id, "-", "")] {
				t.Errorf("%s names voter %s", path, id)
			}
		}
	}
	t.Logf("%d logs: no voter is named", len(logs))
}
