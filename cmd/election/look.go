package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/dashboard"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/exit"
	"realtime-election/internal/inspect"
	"realtime-election/internal/number"
	"realtime-election/internal/terminal"
	"realtime-election/ledger"
	"realtime-election/local"
	"realtime-election/sparkjob"
)

// lookFlags say which election is looked at.
type lookFlags struct {
	Brokers []string `help:"Kafka's bootstrap servers. Without them and without --data, the folder that election up uses." env:"ELECTION_BROKERS"`
	Data    string   `help:"The folder of an election up: its servers are used, and started for this where they do not run." placeholder:"DIR"`
}

// AfterApply refuses two elections. It is not a mistake where one of them is said by the environment: the flag wins.
func (lookFlags) AfterApply(c *kong.Context) error {
	if given(c, "brokers") && given(c, "data") {
		return &election.InputError{Text: "--brokers and --data name two elections; leave one of them out"}
	}
	return nil
}

// given tells whether a flag stands on the command line itself.
func given(c *kong.Context, name string) bool {
	return slices.ContainsFunc(c.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == name })
}

// folder is the folder of the election, or empty where only its Kafka is known.
func (f lookFlags) folder() string {
	if f.Data == "" && len(f.Brokers) == 0 {
		return cmp.Or(os.Getenv("ELECTION_DATA"), defaultData)
	}
	return f.Data
}

// kafka calls f with the election's Kafka.
func (f lookFlags) kafka(ctx context.Context, use func(brokers []string) error) error {
	if folder := f.folder(); folder != "" {
		return local.WithKafka(ctx, folder, func(brokers string) error { return use([]string{brokers}) })
	}
	return use(f.Brokers)
}

type topicsCommand struct {
	lookFlags
	Output string `help:"table or json." short:"o" enum:"table,json" default:"table"`
}

// Help is part of topics --help.
func (*topicsCommand) Help() string {
	return "Offsets are at least as many as records: the end of a transaction takes one too. Bytes are those of Kafka's log files."
}

func (c *topicsCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	return c.kafka(ctx, func(brokers []string) error {
		topics, err := inspect.Topics(ctx, brokers, log)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(at.Out, topics)
		}
		rows := [][]string{{"topic", "partitions", "offsets", "bytes", "holds"}}
		for _, topic := range topics {
			size := "-"
			if topic.Bytes >= 0 {
				size = number.Thousands(topic.Bytes)
			}
			rows = append(rows, []string{topic.Name, fmt.Sprint(topic.Partitions), number.Thousands(topic.Offsets), size, topic.Purpose})
		}
		return terminal.Table(at.Out, rows, terminal.Right(1, 2, 3))
	})
}

type tailCommand struct {
	lookFlags
	Topic     string `arg:"" help:"The topic; election topics lists them."`
	From      string `help:"start: the first records, a partition after the other. end: the last ones of all partitions, by time." enum:"start,end" default:"end"`
	Count     int    `help:"How many records." short:"n" default:"10"`
	Follow    bool   `help:"Go on with records as they come, until Ctrl-C. With --from start, everything is printed." short:"f"`
	Partition int32  `help:"Only this partition; -1 is all." default:"-1"`
	Output    string `help:"text: partition:offset, time, key and value, with what is not printable escaped. json: the same as an object a line. raw: values as they are, a line each, for pipes." short:"o" enum:"text,json,raw" default:"text"`
}

func (c *tailCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	if c.Output == "raw" && terminal.Is(at.Out) {
		return &election.InputError{Text: "-o raw prints whatever a sender wrote, which can control a terminal; pipe it into a program or a file, or use -o text"}
	}
	config := inspect.TailConfig{
		Topic: c.Topic, Partition: c.Partition, FromStart: c.From == "start", Count: c.Count, Follow: c.Follow, Log: log,
		Each: func(r *kgo.Record) error { return printRecord(at.Out, c.Output, r) },
	}
	if err := config.Validate(); err != nil {
		return err
	}
	return c.kafka(ctx, func(brokers []string) error {
		config.Brokers = brokers
		return inspect.Tail(ctx, config)
	})
}

func printRecord(out io.Writer, format string, r *kgo.Record) error {
	text := []byte(inspect.Text(r))
	switch format {
	case "json":
		var err error
		if text, err = inspect.JSON(r); err != nil {
			return err
		}
	case "raw":
		text = r.Value
	}
	_, err := out.Write(append(text, '\n'))
	return err
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

type auditCommand struct {
	lookFlags
	Postgres string `help:"PostgreSQL's URL, with user and password, of a role that may read all tables: election_reader. Without it and without a folder, the tables are not compared." placeholder:"URL" env:"ELECTION_POSTGRES"`
	Page     string `help:"The page's URL, to compare its API as well." placeholder:"URL"`
	Wait     bool   `help:"Wait first until all producers have sent all, and until that is counted and stored."`
	Expect   int64  `help:"How many votes must be counted. Without it, as many as the producers have sent." default:"-1"`
}

// AfterApply refuses a database beside a folder, which has its own.
func (c *auditCommand) AfterApply(at *kong.Context) error {
	if folder := c.folder(); folder != "" && given(at, "postgres") {
		return &election.InputError{Text: "--postgres is not asked where the election is that of a folder, here " + folder + ", which has a database of its own; leave it out, or say with --brokers where its Kafka is"}
	}
	return c.lookFlags.AfterApply(at)
}

func (c *auditCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	check := func(brokers []string, postgres, page string) error {
		if c.Wait {
			if err := awaitEnd(ctx, brokers, log); err != nil {
				return err
			}
		}
		return audit.Run(ctx, audit.Config{Brokers: brokers, Postgres: postgres, Page: page, Expect: c.Expect, Out: at.Out, Log: log})
	}
	folder := c.folder()
	if folder == "" {
		return check(c.Brokers, c.Postgres, c.Page)
	}
	return local.WithStores(ctx, folder, func(kafka, postgres string) error {
		brokers := []string{kafka}
		if c.Page != "" {
			return check(brokers, postgres, c.Page)
		}
		return withPage(ctx, folder, brokers, log, func(page string) error { return check(brokers, postgres, page) })
	})
}

// awaitEnd waits until all is sent, counted and stored.
func awaitEnd(ctx context.Context, brokers []string, log *slog.Logger) error {
	for {
		done, err := audit.Sent(ctx, brokers, log)
		if err == nil && done {
			done, err = counted(ctx, brokers, log)
		}
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// counted reports whether Spark has counted and the ledger stored all that is sent.
func counted(ctx context.Context, brokers []string, log *slog.Logger) (bool, error) {
	if counted, err := sparkjob.Counted(ctx, brokers, log); err != nil || !counted {
		return false, err
	}
	return ledger.CaughtUp(ctx, brokers, log)
}

// withPage calls f with the URL of a folder's page, which is served for f where it is not.
func withPage(ctx context.Context, data string, brokers []string, log *slog.Logger, f func(page string) error) error {
	if record, ok := local.Running(data, "dashboard"); ok {
		return f("http://" + record.Address)
	}
	ctx, stop := context.WithCancel(ctx)
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- dashboard.Run(ctx, dashboard.Config{
			Brokers: brokers, Listen: "127.0.0.1:0", Portraits: definition.Portraits(), Logger: log,
			Ready: func(at net.Addr) { ready <- at },
		})
	}()
	defer func() {
		stop()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
	}()
	select {
	case at := <-ready:
		return f("http://" + at.String())
	case err := <-ended:
		return err
	}
}

// errQuiet is the end of status where nothing runs.
var errQuiet = errors.New("nothing runs")

type statusCommand struct {
	Brokers []string `help:"Kafka's bootstrap servers: only what Kafka knows is printed, not the processes of a folder." env:"ELECTION_BROKERS"`
	Data    string   `help:"The folder of an election up." placeholder:"DIR"`
	Output  string   `help:"table or json." short:"o" enum:"table,json" default:"table"`
}

// Help is part of status --help.
func (*statusCommand) Help() string {
	return fmt.Sprintf(`Behind is said in offsets. A transaction takes offsets besides those of its records, so the number of records that wait is at most the number of offsets, and 0 says that none waits.

Exit codes: %d it runs and Kafka answers; %d nothing runs, or Kafka does not answer.`, exit.Done, exit.Failed)
}

// AfterApply is that of all who look.
func (*statusCommand) AfterApply(c *kong.Context) error { return lookFlags{}.AfterApply(c) }

// report is what status prints.
type report struct {
	Data      string          `json:"data,omitempty"`
	Up        bool            `json:"up"` // an election up runs in the folder
	Processes []local.Child   `json:"processes,omitempty"`
	Election  *inspect.Status `json:"election,omitempty"`
	Error     string          `json:"error,omitempty"` // why Election is not known
}

func (c *statusCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	now := time.Now()
	r := report{Data: lookFlags{Brokers: c.Brokers, Data: c.Data}.folder()}
	brokers := c.Brokers
	if r.Data != "" {
		brokers = nil
		r.Processes, r.Up = local.Children(r.Data)
		if record, ok := local.Running(r.Data, local.Kafka); ok {
			brokers = []string{record.Address}
		}
	}
	var problem error
	if len(brokers) > 0 {
		asking, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		// A Kafka that is away is the news here, not a warning.
		if r.Election, problem = inspect.Look(asking, brokers, slog.New(slog.DiscardHandler), now); problem != nil {
			r.Error = problem.Error()
		}
	} else {
		problem = quiet(r)
		r.Error = problem.Error()
	}
	if c.Output == "json" {
		return errors.Join(printJSON(at.Out, r), problem)
	}
	return errors.Join(r.print(at.Out, now), problem)
}

// quiet says that the folder's Kafka does not run, and what to do.
func quiet(r report) error {
	if r.Up {
		return fmt.Errorf("%w in %s yet that could say how far the count is: Kafka is being started", errQuiet, r.Data)
	}
	return fmt.Errorf("%w in %s: start it with `election up --data %s`, or say with --brokers where a Kafka of your own is", errQuiet, r.Data, r.Data)
}

func (r report) print(out io.Writer, now time.Time) error {
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
	fmt.Fprintln(out)
	rows = nil
	if q := e.Query; q != nil {
		rows = append(rows, []string{
			"count", q.State, fmt.Sprintf(
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
