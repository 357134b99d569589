package producer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// attacker knows what the two topics hold. It pairs voters with ballots within each cell that a ballot names: district,
// age group and gender. The test has the ballot key, and so knows which pairs are right.
type attacker struct {
	voters  map[string][]publicVoter
	ballots map[string][]publicBallot
}

type publicVoter struct {
	election.Voter
	place int               // in the register
	truth election.BallotID // hidden from the attacker
}

type publicBallot struct {
	id, castAt string
	place      int // in votes_topic, partition by partition
	offset     int64
	arrived    time.Time
}

// stated are the age group and the gender on the ballot of a voter.
func stated(disclosure *election.Disclosure, v election.Voter) [2]string {
	age, gender, _ := disclosure.Of(v.DistrictID, election.AgeGroupOf(v.RegisteredAge), v.Gender)
	return [2]string{age, gender}
}

func newAttacker(t *testing.T, p *poll) *attacker {
	t.Helper()
	a := &attacker{make(map[string][]publicVoter), make(map[string][]publicBallot)}
	disclosure := election.NewDisclosure(&p.installation.Definition)
	voters, ballots := 0, 0
	for partition := range p.installation.VotePartitions {
		for _, r := range kafkatest.Read(t, p.cluster, election.VotersTopic, partition) {
			var v election.Voter
			if err := json.Unmarshal(r.Value, &v); err != nil {
				t.Fatal(err)
			}
			truth, _ := p.installation.Key(key).Draw(v.ID)
			cell := fmt.Sprint(v.DistrictID, stated(disclosure, v))
			a.voters[cell] = append(a.voters[cell], publicVoter{v, voters, truth})
			voters++
		}
		for _, r := range kafkatest.Read(t, p.cluster, election.VotesTopic, partition) {
			v, _ := election.ParseVote(r.Value)
			cell := fmt.Sprint(string(v.DistrictID), [2]string{string(v.AgeGroup), string(v.Gender)})
			a.ballots[cell] = append(a.ballots[cell], publicBallot{string(v.BallotID), string(v.VotingTime), ballots, r.Offset, r.Timestamp})
			ballots++
		}
	}
	if voters != ballots || voters < 20_000 {
		t.Fatalf("%d voters cast %d ballots", voters, ballots)
	}
	for cell, ballots := range a.ballots {
		if least := p.installation.Definition.MinimumCell(); len(ballots) < least || len(ballots) != len(a.voters[cell]) {
			t.Errorf("%d voters have %d ballots that state %s, want %d or more", len(a.voters[cell]), len(ballots), cell, least)
		}
	}
	return a
}

// orders are the orders in which an attacker may put voters and ballots.
func orders() (ofVoters map[string]func(a, b publicVoter) int, ofBallots map[string]func(a, b publicBallot) int) {
	ofVoters = map[string]func(a, b publicVoter) int{
		"place in the register": func(a, b publicVoter) int { return cmp.Compare(a.place, b.place) },
		"voter id":              func(a, b publicVoter) int { return cmp.Compare(a.ID, b.ID) },
		"registration number":   func(a, b publicVoter) int { return cmp.Compare(a.RegistrationNumber, b.RegistrationNumber) },
		"name":                  func(a, b publicVoter) int { return cmp.Compare(a.Name, b.Name) },
		"date of birth":         func(a, b publicVoter) int { return cmp.Compare(a.DateOfBirth, b.DateOfBirth) },
	}
	ofBallots = map[string]func(a, b publicBallot) int{
		"place in the topic": func(a, b publicBallot) int { return cmp.Compare(a.place, b.place) },
		"offset":             func(a, b publicBallot) int { return cmp.Compare(a.offset, b.offset) },
		"arrival":            byArrival,
		"voting time":        func(a, b publicBallot) int { return cmp.Compare(a.castAt, b.castAt) },
		"ballot id":          func(a, b publicBallot) int { return cmp.Compare(a.id, b.id) },
	}
	return ofVoters, ofBallots
}

func byArrival(a, b publicBallot) int {
	return cmp.Or(a.arrived.Compare(b.arrived), cmp.Compare(a.place, b.place))
}

// byOrder counts how many voters the attacker finds by pairing, in each cell, the first voter with the first ballot,
// the second with the second, and so on. It also returns how many a random pairing would find, and the standard
// deviation of that. In a cell of more than one voter, a random pairing finds one, with a variance of one.
func (a *attacker) byOrder(ofVoters func(a, b publicVoter) int, ofBallots func(a, b publicBallot) int) (found, chance, deviation float64) {
	for cell, voters := range a.voters {
		voters, ballots := slices.SortedStableFunc(slices.Values(voters), ofVoters), slices.SortedStableFunc(slices.Values(a.ballots[cell]), ofBallots)
		for i := range min(len(voters), len(ballots)) {
			if voters[i].truth.String() == ballots[i].id {
				found++
			}
		}
		chance++
		if len(voters) > 1 {
			deviation++
		}
	}
	return found, chance, math.Sqrt(deviation)
}

// byTransaction counts how many ballots were sent in the transaction with the same number as the voter's, if a
// transaction holds so many consecutive records. It also returns how many a random pairing in each cell would find, and
// the standard deviation of that (of a sum over a random permutation: Hoeffding 1951).
func (a *attacker) byTransaction(size int) (found, chance, deviation float64) {
	for cell, voters := range a.voters {
		sentIn := make(map[string]int)
		ofVoters, ofBallots := make(map[int]float64), make(map[int]float64)
		for _, b := range a.ballots[cell] {
			sentIn[b.id] = b.place / size
			ofBallots[b.place/size]++
		}
		n := float64(len(voters))
		for _, v := range voters {
			ofVoters[v.place/size]++
			if sentIn[v.truth.String()] == v.place/size {
				found++
			}
		}
		var pairs, rows, columns float64
		for k, x := range ofVoters {
			pairs += x * ofBallots[k]
			rows += x * ofBallots[k] * ofBallots[k] / n
			columns += ofBallots[k] * x * x / n
		}
		chance += pairs / n
		if n > 1 {
			deviation += (pairs - rows - columns + pairs*pairs/(n*n)) / (n - 1)
		}
	}
	return found, chance, math.Sqrt(deviation)
}

// vote lets 20,000 voters of all ages vote, in six districts. All of them vote: with less turnout an attacker knows
// less.
func vote(t *testing.T, partitions int32, keepOrder bool) *attacker {
	t.Helper()
	d := newElectorate(1, 1)
	d.Electorate.Ages = map[string]float64{"18-24": 0.11, "25-34": 0.16, "35-44": 0.15, "45-54": 0.16, "55-64": 0.17, "65+": 0.25}
	for i := range d.Regions {
		d.Regions[i].Districts = nil
		for j, n := range []int64{5000, 4000, 1000} {
			id := fmt.Sprint("d", i, "-", j)
			d.Regions[i].Districts = append(d.Regions[i].Districts, election.District{ID: election.DistrictID(id), Name: id, Registered: n})
		}
	}
	p := newPollOf(t, d, partitions)
	p.register(t)
	c := p.votes(t)
	c.keepOrder = keepOrder
	if err := Votes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return newAttacker(t, p)
}

// TestNothingPublicTiesABallotToItsVoter tries all orders, and wants each to find no more voters than chance does.
func TestNothingPublicTiesABallotToItsVoter(t *testing.T) {
	t.Parallel()
	const bound = 4 // standard deviations
	for _, partitions := range []int32{1, 3} {
		t.Run(fmt.Sprint(partitions, " partitions"), func(t *testing.T) {
			t.Parallel()
			a := vote(t, partitions, false)
			ofVoters, ofBallots := orders()
			for by, voters := range ofVoters {
				for and, ballots := range ofBallots {
					if found, chance, deviation := a.byOrder(voters, ballots); math.Abs(found-chance) > bound*deviation {
						t.Errorf("lined up by %s and %s, %v voters are found; chance finds %.0f, give or take %.1f", by, and, found, chance, deviation)
					}
				}
			}
			for _, size := range []int{200, 1000, 5000} {
				if found, chance, deviation := a.byTransaction(size); math.Abs(found-chance) > bound*deviation {
					t.Errorf("in transactions of %d, %v voters are found; chance finds %.0f, give or take %.1f", size, found, chance, deviation)
				}
			}
		})
	}
}

// TestAttackersFindVotersWhereTheOrderIsKept tests the attacker: it finds nearly all voters whose ballots are sent in
// the order of the register.
func TestAttackersFindVotersWhereTheOrderIsKept(t *testing.T) {
	t.Parallel()
	a := vote(t, 1, true)
	ofVoters, ofBallots := orders()
	if found, _, _ := a.byOrder(ofVoters["place in the register"], ofBallots["offset"]); found < 18_000 {
		t.Errorf("%v of 20000 voters are found by order", found)
	}
	if found, chance, deviation := a.byTransaction(1000); found < 18_000 || found < chance+4*deviation {
		t.Errorf("%v of 20000 voters are found by transaction; chance finds %.0f", found, chance)
	}
}

// TestEntriesInAnotherRegisterNameNobody has the same voters in another election with the same definition and ballot key, whose
// register is open to somebody who marks them there. Their ballots there tell nothing about those here.
func TestEntriesInAnotherRegisterNameNobody(t *testing.T) {
	t.Parallel()
	d := newElectorate(1000, 500)
	d.Electorate.Turnout.Overall = 1
	here, there := newPollOf(t, d, 2), newPollOf(t, d, 2)
	for _, p := range []*poll{here, there} {
		p.register(t)
		p.finish(t)
	}
	ids := make(map[string]bool)
	for partition := range int32(2) {
		for _, r := range kafkatest.Read(t, here.cluster, election.VotesTopic, partition) {
			ids[string(r.Key)] = true
		}
	}
	if len(ids) != 1500 {
		t.Errorf("%d ballots are cast", len(ids))
	}
	for partition := range int32(2) {
		for _, r := range kafkatest.Read(t, there.cluster, election.VotesTopic, partition) {
			if ids[string(r.Key)] {
				t.Fatalf("ballot %s is cast in both elections", r.Key)
			}
		}
	}
}
