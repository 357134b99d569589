package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/number"
	"realtime-election/internal/terminal"
	"realtime-election/local"
)

type statusCommand struct {
	Brokers []string `help:"Kafka's bootstrap servers: only what Kafka knows is printed, not the processes of a folder." env:"ELECTION_BROKERS"`
	loginFlags
	Data   string `help:"The folder of an election up." placeholder:"DIR"`
	Output string `help:"table or json." short:"o" enum:"table,json" default:"table"`
}

// Help is part of status --help.
func (*statusCommand) Help() string {
	return fmt.Sprintf(`How far a reader is behind is counted in offsets. A transaction takes offsets besides those of its records, so at most that many records wait, and 0 means that none waits.

Exit codes: %d it runs and Kafka answers; %d nothing runs, or Kafka does not answer.`, exit.Done, exit.Failed)
}

// AfterApply is that of lookFlags.
func (c *statusCommand) AfterApply(at *kong.Context) error {
	f := lookFlags{Brokers: c.Brokers, loginFlags: c.loginFlags, Data: c.Data}
	err := f.AfterApply(at)
	c.loginFlags = f.loginFlags
	return err
}

func (c *statusCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	now := time.Now()
	r := statusReport{Data: lookFlags{Brokers: c.Brokers, Data: c.Data}.folder()}
	cluster, running := kafka.Cluster{Brokers: c.Brokers, Security: c.security}, true
	var problem error
	if r.Data != "" {
		if r.Processes, r.Up, problem = local.Children(r.Data); problem != nil {
			return problem
		}
		if cluster, running, problem = local.KafkaAs(local.Config{Data: r.Data}, c.principal); problem != nil {
			return problem
		}
	}
	if running {
		cluster.Log = slog.New(slog.DiscardHandler) // the command reports that Kafka does not answer
		asking, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		if r.Election, problem = inspect.ReadStatus(asking, cluster, now); problem != nil {
			r.Error = problem.Error()
		}
	} else {
		problem = nothingRuns(r)
		r.Error = problem.Error()
	}
	if c.Output == "json" {
		return errors.Join(printJSON(at.Out, r), problem)
	}
	return errors.Join(r.print(at.Out, now), problem)
}

// errNothingRuns is the error of status if nothing runs.
var errNothingRuns = errors.New("nothing runs")

// nothingRuns is the error if the folder's Kafka does not run. It says what to do.
func nothingRuns(r statusReport) error {
	if r.Up {
		return fmt.Errorf("%w in %s yet that could say how far the count is: Kafka is being started", errNothingRuns, r.Data)
	}
	return &election.Hint{
		Err:  fmt.Errorf("%w in %s", errNothingRuns, r.Data),
		Text: fmt.Sprintf("start it with `election up --data %s`, or name a Kafka of your own with {brokers}", r.Data),
	}
}

// statusReport is the output of status.
type statusReport struct {
	Data      string          `json:"data,omitempty"`
	Up        bool            `json:"up"` // an election up runs in the folder
	Processes []local.Child   `json:"processes,omitempty"`
	Election  *inspect.Status `json:"election,omitempty"`
	Error     string          `json:"error,omitempty"` // why Election is missing
}

func (r statusReport) print(out io.Writer, now time.Time) error {
	var b strings.Builder
	ago := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return max(0, now.Sub(t)).Round(time.Second).String()
	}
	if len(r.Processes) > 0 {
		rows := [][]string{{"process", "state", "for", "pid", "address", "health", "restarts", "last error"}}
		for _, p := range r.Processes {
			pid := ""
			if p.PID > 0 {
				pid = fmt.Sprint(p.PID)
			}
			rows = append(rows, []string{p.Name, p.State, ago(p.Since), pid, p.Address, p.Health, fmt.Sprint(p.Restarts), p.Error})
		}
		if err := terminal.Table(&b, rows, terminal.Right(2, 3, 6)); err != nil {
			return err
		}
	}
	if e := r.Election; e != nil {
		if len(r.Processes) > 0 {
			b.WriteByte('\n')
		}
		if err := printElection(&b, e, ago); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func printElection(out io.Writer, e *inspect.Status, ago func(time.Time) string) error {
	fmt.Fprint(out, terminal.Printable(e.Election))
	if e.Voters > 0 {
		fmt.Fprintf(out, ", %s registered voters", number.Thousands(e.Voters))
	}
	fmt.Fprint(out, "\n\n")
	rows := [][]string{{"producer", "sent", "of", "a second", "last sent"}}
	for _, p := range e.Producers {
		of := number.Thousands(p.Size)
		if p.Name == election.CastProducer {
			of = ""
		}
		rows = append(rows, []string{p.Name, number.Thousands(p.Sent), of, number.Thousands(int64(p.Rate + 0.5)), ago(p.SentAt) + " ago"})
	}
	if err := terminal.Table(out, rows, terminal.Right(1, 2, 3, 4)); err != nil {
		return err
	}
	for _, foreign := range e.Foreign {
		fmt.Fprintln(out, terminal.Printable(foreign))
	}
	fmt.Fprintln(out)
	rows = nil
	if q := e.Query; q != nil {
		rows = append(rows, []string{
			"count", string(q.State), fmt.Sprintf(
				"run %d, batch %d took %d ms at %s votes a second, %s of state, %s offsets behind, reported %s ago",
				q.Run, q.Batch, q.BatchMilliseconds, number.Thousands(int64(q.ProcessedRowsPerSecond+0.5)), mebibytes(q.StateBytes), number.Thousands(e.Behind.Count), ago(e.QueryAt)),
		})
		if q.Error != "" {
			rows = append(rows, []string{"", "error", q.Error})
		}
	} else {
		rows = append(rows, []string{"count", "silent", "submit has not reported yet"})
	}
	if l := e.Ledger; l != nil {
		rows = append(rows, []string{
			"ledger", l.State, fmt.Sprintf(
				"%s voters, %s votes and %s rejects stored, %s offsets of votes and %s of voters behind, reported %s ago",
				number.Thousands(l.Voters), number.Thousands(l.Votes), number.Thousands(l.Rejected), number.Thousands(e.Behind.LedgerVotes), number.Thousands(e.Behind.LedgerVoters), ago(e.LedgerAt)),
		})
		if l.Error != "" {
			rows = append(rows, []string{"", "error", l.Error})
		}
	} else {
		rows = append(rows, []string{"ledger", "silent", "ledger has not reported yet"})
	}
	return terminal.Table(out, rows)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
