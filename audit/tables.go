package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
)

// lockTimeout is longer than any lock of the ledger or of `init`.
const lockTimeout = 30 * time.Second

// compareTables compares the tables in PostgreSQL, in one snapshot, and the topic votes_rejected with the records of
// votes_topic and voters_topic.
func compareTables(ctx context.Context, c Config, report *report, installation *election.Installation, want *ballots) error {
	conn, err := postgres.Connect(ctx, c.Postgres)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	timeout := cmp.Or(c.LockTimeout, lockTimeout)
	if _, err := conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", timeout.Milliseconds())); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error {
		if err := noteLedger(ctx, c, report, tx); err != nil {
			return err
		}
		if err := compareVotes(ctx, report, tx, want); err != nil {
			return err
		}
		if err := compareRejects(ctx, report, tx, want); err != nil {
			return err
		}
		voters, err := compareVoters(ctx, c, report, installation, tx, want)
		if err != nil {
			return err
		}
		return comparePublished(ctx, c, report, map[string]map[position]rejected{
			election.VotesTopic: want.rejected, election.VotersTopic: voters,
		}, want)
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "55P03" {
		return &election.Hint{
			Err:  fmt.Errorf("another session has locked a table for %s: %w", timeout, err),
			Text: "run the audit again, and while it waits end the sessions that this names: SELECT pg_blocking_pids(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
		}
	}
	return err
}

// noteLedger notes the partitions that the ledger has not stored to their ends.
func noteLedger(ctx context.Context, c Config, report *report, tx pgx.Tx) error {
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, topic := range []string{election.VotersTopic, election.VotesTopic} {
		ends, err := kafka.StableEnds(ctx, cl, topic)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		rows, err := tx.Query(ctx, "SELECT partition, next_offset FROM ledger_offsets WHERE topic = $1", topic)
		if err != nil {
			return fmt.Errorf("read ledger_offsets: %w", err)
		}
		stored := make(map[int32]int64)
		var partition int32
		var next int64
		if _, err := pgx.ForEachRow(rows, []any{&partition, &next}, func() error { stored[partition] = next; return nil }); err != nil {
			return fmt.Errorf("read ledger_offsets: %w", err)
		}
		for _, partition := range sortedNumbers(ends) {
			if end := ends[partition]; stored[partition] < end {
				report.addNote("The ledger is behind: it has stored %s %d up to offset %d of %d. Differences may pass.", topic, partition, stored[partition], end)
			}
		}
	}
	return nil
}

// compareVotes compares every row of the table votes with the counted ballot. It empties want.counted.
func compareVotes(ctx context.Context, report *report, tx pgx.Tx, want *ballots) error {
	left, counted := want.counted, int64(len(want.counted)) // not copied: there may be millions
	missing, changed, added := report.newKind("votes: missing"), report.newKind("votes: changed"), report.newKind("votes: added")
	rows, err := tx.Query(ctx, "SELECT ballot_id, candidate_id, district_id, age_group, gender, voting_time FROM votes")
	if err != nil {
		return fmt.Errorf("read the table votes: %w", err)
	}
	var id [16]byte
	var candidate, district, age, gender []byte
	var at time.Time
	var line, digits, moment []byte
	n, err := countRows(pgx.ForEachRow(rows, []any{&id, &candidate, &district, &age, &gender, &at}, func() error {
		digits, _ = election.BallotID(id).AppendText(digits[:0]) // never fails
		moment = election.AppendTime(moment[:0], at)
		line = election.AppendVote(line[:0], election.Vote{
			BallotID: digits, CandidateID: candidate, DistrictID: district, AgeGroup: age, Gender: gender, VotingTime: moment,
		})
		sum, found := left[id]
		delete(left, id)
		switch exact := at.Nanosecond()%int(time.Millisecond) == 0; {
		case !found:
			added.add("votes: row %s must not be there: votes_topic has no such ballot that counts", line)
		case !exact || sum != maphash.Bytes(want.seed, line):
			changed.add("votes: row %s is not what votes_topic holds of the ballot", line)
		}
		return nil
	}))
	if err != nil {
		return fmt.Errorf("read the table votes: %w", err)
	}
	for id := range left {
		missing.add("votes: ballot %s is missing", id)
	}
	report.addRow("table votes", rowsOf(counted), rowsOf(n), missing.finish()+changed.finish()+added.finish())
	return nil
}

// compareRejects compares every row of rejected_votes that is about votes_topic.
func compareRejects(ctx context.Context, report *report, tx pgx.Tx, want *ballots) error {
	got, err := storedRejects(ctx, tx, election.VotesTopic, want)
	if err != nil {
		return err
	}
	n := compareByPosition(report, "rejected_votes: "+election.VotesTopic, want.rejected, got, func(r rejected) uint64 { return r.whole })
	report.addRow("table rejected_votes", rowsOf(int64(len(want.rejected))), rowsOf(int64(len(got))), n)
	return nil
}

// storedRejects reads the rows of rejected_votes that are about a topic.
func storedRejects(ctx context.Context, tx pgx.Tx, topic string, hash *ballots) (map[position]rejected, error) {
	rows, err := tx.Query(ctx, "SELECT partition, record_offset, reason, key, raw FROM rejected_votes WHERE topic = $1", topic)
	if err != nil {
		return nil, fmt.Errorf("read the table rejected_votes: %w", err)
	}
	got := make(map[position]rejected)
	var at position
	var reason string
	var key, raw []byte
	if _, err := pgx.ForEachRow(rows, []any{&at.partition, &at.offset, &reason, &key, &raw}, func() error {
		got[at] = hash.reject(election.Reason(reason), key, raw)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the table rejected_votes: %w", err)
	}
	return got, nil
}

// compareByPosition compares the reason and one of the hashes of each reject. It returns how many differ.
func compareByPosition(report *report, what string, want, got map[position]rejected, sum func(rejected) uint64) int {
	missing, changed, added := report.newKind(what+" missing"), report.newKind(what+" changed"), report.newKind(what+" added")
	for _, at := range sortedPositions(want) {
		w := want[at]
		g, found := got[at]
		switch {
		case !found:
			missing.add("%s %d offset %d is missing; it must be %s", what, at.partition, at.offset, w.reason)
		case g.reason != w.reason:
			changed.add("%s %d offset %d is %s; it must be %s", what, at.partition, at.offset, g.reason, w.reason)
		case sum(g) != sum(w):
			changed.add("%s %d offset %d does not hold the record's key and value", what, at.partition, at.offset)
		}
	}
	for _, at := range sortedPositions(got) {
		if _, wanted := want[at]; !wanted {
			added.add("%s %d offset %d must not be there, as %s", what, at.partition, at.offset, got[at].reason)
		}
	}
	return missing.finish() + changed.finish() + added.finish()
}

func rowsOf(n int64) string { return strconv.FormatInt(n, 10) + " rows" }

// countRows is how many rows a query returned.
func countRows(tag interface{ RowsAffected() int64 }, err error) (int64, error) {
	return tag.RowsAffected(), err
}
