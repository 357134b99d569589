package producer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// CastConfig is a ballot that somebody casts by hand.
type CastConfig struct {
	Kafka     kafka.Cluster
	Key       *election.BallotKey // the one whose fingerprint the installation holds; nil for a replay, which has no register
	District  election.DistrictID
	Candidate election.CandidateID
	AgeGroup  string    // one of AgeGroups, or empty for any
	Gender    string    // one of Genders, or empty for any
	Time      time.Time // voting time, of which the beginning of its slot is published; zero for that of the newest ballots, or when the polls open
	Log       *slog.Logger
}

// CastBallot is a ballot that was cast, and where it is in Kafka.
type CastBallot struct {
	Partition int32 // of votes_topic
	Offset    int64
	Line      []byte // the record's value
}

// Validate names a wrong setting, as an *election.Wrong. It checks only what does not depend on the election.
func (c CastConfig) Validate() error {
	switch {
	case c.District == "":
		return &election.Wrong{Setting: "district", Text: "is missing"}
	case c.Candidate == "":
		return &election.Wrong{Setting: "candidate", Text: "is missing"}
	case c.AgeGroup != "" && !slices.Contains(election.AgeGroups(), c.AgeGroup):
		return &election.Wrong{Setting: "age-group", Value: c.AgeGroup, Text: "there are " + strings.Join(election.AgeGroups(), ", ")}
	case c.Gender != "" && !slices.Contains(election.Genders(), c.Gender):
		return &election.Wrong{Setting: "gender", Value: c.Gender, Text: "there are " + strings.Join(election.Genders(), ", ")}
	}
	return nil
}

// Cast sends one ballot. Of an election with a register it is the ballot of a registered voter of the district, age group and
// gender who would not vote otherwise. In a replay its id is random. When Cast returns nil, the ballot is in the topic, and the
// progress of ballots cast by hand counts it. The error is an *election.InputError where the election has no such candidate or
// district, and where the polls have not opened or no such voter is left; and kafka.ErrNoElection where Kafka has no election.
func Cast(ctx context.Context, c CastConfig) (*CastBallot, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	installation, err := c.Kafka.Election(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.check(&installation.Definition); err != nil {
		return nil, err
	}
	cl, err := c.Kafka.NewClient(kgo.TransactionalID(election.TransactionalID(election.CastProducer)), kgo.TransactionTimeout(transactionTimeout))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	if c.Time.IsZero() {
		if c.Time, err = newestTime(ctx, c.Kafka, installation.Definition.Polling); err != nil {
			return nil, fmt.Errorf("read the newest ballots: %w", err)
		}
	}
	slot := installation.Definition.Slot()
	c.Time = installation.Definition.Polling.Opens.Add(c.Time.Sub(installation.Definition.Polling.Opens).Truncate(slot))
	// As with the sender: this ends whoever casts at the same time. Only then is the progress final.
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return nil, fmt.Errorf("become the one producer of ballots cast by hand: %w", err)
	}
	progress, _, err := c.Kafka.Progress(ctx, election.CastProducer)
	if err != nil {
		return nil, fmt.Errorf("read how many ballots were cast by hand: %w", err)
	}
	ballot, err := c.ballot(ctx, installation)
	if err != nil {
		return nil, err
	}
	progress.NextSerial++
	progress.Size, progress.Fingerprint = progress.NextSerial, installation.Fingerprint
	vote := c.vote(ballot, installation.VotePartitions)
	if err := c.commit(ctx, cl, vote, progress); err != nil {
		return nil, err
	}
	return &CastBallot{vote.Partition, vote.Offset, vote.Value}, nil
}

// chosenBallot is which ballot is cast.
type chosenBallot struct {
	id               election.BallotID
	ageGroup, gender string
}

// ballot chooses the ballot that is cast.
func (c CastConfig) ballot(ctx context.Context, installation *election.Installation) (chosenBallot, error) {
	if installation.Definition.Electorate == nil {
		ballot := chosenBallot{ageGroup: c.AgeGroup, gender: c.Gender}
		rand.Read(ballot.id[:]) // it never fails
		return ballot, nil
	}
	if c.Key == nil {
		return chosenBallot{}, &election.Wrong{Setting: "ballot-key", Text: "is missing; the election has a register, and the ballots of its voters follow from a secret key: name its file"}
	}
	if err := installation.CheckKey(*c.Key); err != nil {
		return chosenBallot{}, err
	}
	left, err := c.abstainers(ctx, installation)
	if err != nil {
		return chosenBallot{}, err
	}
	for partition := range installation.VotePartitions { // some of them may have cast a ballot by hand
		err := c.Kafka.Read(ctx, election.VotesTopic, partition, func(record *kgo.Record) error {
			if vote, ok := election.ParseVote(record.Value); ok {
				delete(left, string(vote.BallotID))
			}
			return nil
		})
		if err != nil {
			return chosenBallot{}, fmt.Errorf("read who has cast a ballot: %w", err)
		}
	}
	for _, ballot := range left { // in random order
		return ballot, nil
	}
	return chosenBallot{}, &election.InputError{Text: "every registered voter of that district, age group and gender has voted, or will; choose another"}
}

// abstainers are the ballots of the voters of the district, age group and gender who do not vote unless somebody casts their
// ballot by hand. The key is the ballot's id in hexadecimal.
func (c CastConfig) abstainers(ctx context.Context, installation *election.Installation) (map[string]chosenBallot, error) {
	switch closed, _, err := c.Kafka.Progress(ctx, election.CommitmentsProducer); {
	case err != nil:
		return nil, fmt.Errorf("read whether the polls are open: %w", err)
	case closed.Size == 0 || closed.NextSerial < closed.Size:
		return nil, &election.InputError{Text: "the polls are not open yet; cast the ballot when the first votes are counted"}
	}
	progress, _, err := c.Kafka.Progress(ctx, election.VotersProducer)
	if err != nil {
		return nil, fmt.Errorf("read where the register ends: %w", err)
	}
	register := newRegister(c.Kafka, installation, *c.Key, progress.Ends)
	ageGroup, gender := slices.Index(election.AgeGroups(), c.AgeGroup), slices.Index(election.Genders(), c.Gender)
	all := make(map[string]chosenBallot)
	err = register.eachEntry(ctx, election.VoterPartition(c.District, installation.VotePartitions), func(_ int64, voter entry, err error) {
		if err != nil || string(voter.district) != string(c.District) || c.AgeGroup != "" && voter.age != ageGroup || c.Gender != "" && voter.gender != gender {
			return
		}
		if ballot, votes := register.ballotOf(voter); !votes {
			statedAge, statedGender := register.ballots.Stated(ballot)
			all[ballot.ID.String()] = chosenBallot{ballot.ID, statedAge, statedGender}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	return all, nil
}

// vote makes the record of the ballot.
func (c CastConfig) vote(ballot chosenBallot, partitions int32) *kgo.Record {
	id := []byte(ballot.id.String())
	return &kgo.Record{
		Topic: election.VotesTopic, Partition: election.Partition(id, partitions), Key: id,
		Value: election.AppendVote(nil, election.Vote{
			BallotID: id, CandidateID: []byte(c.Candidate), DistrictID: []byte(c.District),
			AgeGroup: []byte(ballot.ageGroup), Gender: []byte(ballot.gender), VotingTime: election.AppendTime(nil, c.Time),
		}),
	}
}

// commit sends the vote and the progress in one transaction. An error says whether the ballot is in the topic, as far
// as that is known.
func (c CastConfig) commit(ctx context.Context, cl *kgo.Client, vote *kgo.Record, progress election.Progress) error {
	state, err := json.Marshal(progress)
	if err != nil {
		return err
	}
	if err := cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin the transaction: %w", err)
	}
	topic, partition := election.ProgressOf(election.CastProducer)
	err = cl.ProduceSync(ctx, vote, &kgo.Record{Topic: topic, Partition: partition, Key: []byte(election.CastProducer), Value: state}).FirstErr()
	if err != nil {
		return notCast(errors.Join(err, abort(ctx, cl)))
	}
	if err := kafka.EndTransaction(ctx, cl, kgo.TryCommit); err != nil { // Kafka may have committed all the same
		committed, unknown := c.wasCommitted(ctx, vote)
		switch {
		case unknown != nil:
			return fmt.Errorf("cast the ballot: whether it is in the topic is not known; look "+
				"in partition %d of %s (`election tail` prints it) whether ballot %s is there before you cast another: %w",
				vote.Partition, vote.Topic, vote.Key, errors.Join(err, unknown))
		case !committed:
			return notCast(err)
		}
	}
	return nil
}

// wasCommitted reports whether the transaction of a record that Kafka took was committed. It waits until Kafka has
// decided that, at the latest when the transaction times out.
func (c CastConfig) wasCommitted(ctx context.Context, sent *kgo.Record) (committed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*transactionTimeout)
	defer cancel()
	at := func(offset int64) map[int32]int64 { return map[int32]int64{sent.Partition: offset} }
	err = c.Kafka.ReadBetween(ctx, sent.Topic, at(sent.Offset), at(sent.Offset+1), func(*kgo.Record) error {
		committed = true
		return nil
	})
	return committed, err
}

// notCast says that the ballot is not in the topic, and why.
func notCast(err error) error {
	if fenced(err) {
		return fmt.Errorf("cast the ballot: somebody cast another at the same time, and this one is not in the topic; cast it again: %w", err)
	}
	return fmt.Errorf("cast the ballot: it is not in the topic; cast it again: %w", err)
}

// check refuses a ballot that would not be counted.
func (c CastConfig) check(d *election.Definition) error {
	districts := d.Districts()
	if !slices.ContainsFunc(districts, func(x election.DistrictIn) bool { return x.ID == c.District }) {
		var all []option
		for _, x := range districts {
			all = append(all, option{string(x.ID), x.Name})
		}
		return unknownID("district", string(c.District), all)
	}
	if !slices.ContainsFunc(d.Candidates, func(x election.Candidate) bool { return x.ID == c.Candidate }) {
		var all []option
		for _, x := range d.Candidates {
			all = append(all, option{string(x.ID), x.Name})
		}
		return unknownID("candidate", string(c.Candidate), all)
	}
	if p := d.Polling; !c.Time.IsZero() && (c.Time.Before(p.Opens) || !c.Time.Before(p.Closes)) {
		return &election.Wrong{Setting: "time", Text: fmt.Sprintf("is %s; a ballot counts from %s until just before %s",
			c.Time.UTC().Format(election.TimeLayout), p.Opens.UTC().Format(election.TimeLayout), p.Closes.UTC().Format(election.TimeLayout))}
	}
	return nil
}
