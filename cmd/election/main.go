// Command election runs a real-time election: it fills Kafka with ballots, has Spark count them, and shows the count.
//
// Every service is a subcommand; `election up` runs them all on this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/exit"
	"realtime-election/internal/terminal"
	"realtime-election/local"
)

type cli struct {
	LogLevel slog.Level `help:"What to log: debug, info, warn or error." default:"info" env:"ELECTION_LOG_LEVEL"`

	Up    upCommand    `cmd:"" group:"run" help:"Run everything on this machine: Kafka, PostgreSQL, Spark and the services. Ctrl-C stops it; the same command continues."`
	Reset resetCommand `cmd:"" group:"run" help:"Remove the election of a folder: topics, tables and checkpoints together."`

	Prepare prepareCommand `cmd:"" group:"containers" help:"Check all settings and make the secrets, before the servers start."`
	Rotate  rotateCommand  `cmd:"" group:"containers" help:"Replace all passwords."`
	Check   checkCommand   `cmd:"" group:"containers" help:"Ask a server or services whether they do their work."`

	Init      initCommand      `cmd:"" group:"services" help:"Prepare topics, tables, roles and the election definition."`
	Voters    votersCommand    `cmd:"" group:"services" help:"Send the public register of voters."`
	Votes     votesCommand     `cmd:"" group:"services" help:"Cast the ballots of the registered voters. Several may run and share the work."`
	Replay    replayCommand    `cmd:"" group:"services" help:"Send one ballot for every vote of a result file."`
	Cast      castCommand      `cmd:"" group:"services" help:"Cast one ballot by hand."`
	Submit    submitCommand    `cmd:"" group:"services" help:"Submit the streaming query to Spark and keep it running."`
	Ledger    ledgerCommand    `cmd:"" group:"services" help:"Keep the register and every ballot in PostgreSQL."`
	Dashboard dashboardCommand `cmd:"" group:"services" help:"Serve the live page."`
	Query     queryCommand     `cmd:"" group:"services" help:"Stop, start or explain the streaming query."`

	Status     statusCommand     `cmd:"" group:"look" help:"Print what runs, how far it is, and the last errors."`
	Topics     topicsCommand     `cmd:"" group:"look" help:"List the topics."`
	Tail       tailCommand       `cmd:"" group:"look" help:"Print records of a topic."`
	Results    resultsCommand    `cmd:"" group:"look" help:"Print what the result topics hold."`
	Audit      auditCommand      `cmd:"" group:"look" help:"Recount the votes independently and compare all that is published and stored."`
	Definition definitionCommand `cmd:"" group:"look" help:"Print the default election definition, to change and use with --definition."`
	Version    versionCommand    `cmd:"" group:"look" help:"Print the version."`
	Licenses   licensesCommand   `cmd:"" group:"look" aliases:"licences,notices" help:"Print the licences and notices of what others wrote."`
}

func main() { os.Exit(run(os.Args[1:], console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})) }

func run(args []string, at console) int {
	var c cli
	parser := newParser(&c, at)
	command, err := parser.Parse(args)
	if err != nil {
		if parsed, ok := errors.AsType[*kong.ParseError](err); ok {
			err = errors.New(election.Explain(err, flagNames(parsed.Context)))
		}
		fmt.Fprintf(at.Err, "election: %v\nSee election --help.\n", err)
		return exit.Input
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	log := slog.New(slog.NewTextHandler(at.Err, &slog.HandlerOptions{Level: c.LogLevel}))
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(log)
	if code := exitCode(ctx, err); code != exit.Done {
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintf(at.Err, "election %s: %s\n", strings.Fields(command.Command())[0], printable(election.Explain(err, flagNames(command))))
		}
		return code
	}
	return exit.Done
}

// printable is an error's text without what would control the terminal: a part may be from a topic.
func printable(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = terminal.Printable(line)
	}
	return strings.Join(lines, "\n")
}

func newParser(c *cli, at console) *kong.Kong {
	return kong.Must(c, kong.Name("election"), kong.Description(description()), kong.UsageOnError(), kong.Writers(at.Out, at.Err), kong.Bind(at), kong.Resolvers(fromFiles()),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "run", Title: "Run it here:"},
			{Key: "services", Title: "Services, to run against your own servers:"},
			{Key: "look", Title: "Look inside:"},
			{Key: "containers", Title: "For docker compose:"},
		}),
		defaults())
}

// description is the first part of the help.
func description() string {
	return `A real-time election: ballots through Kafka, counted by Spark, shown live.

A flag overrides its environment variable, which overrides the default. NAME_FILE names a file that holds the value of
the variable NAME.

` + exit.Help()
}

// flagNames returns the function that names a setting by its flag in a command, and by the flag's environment variable.
func flagNames(command *kong.Context) func(setting string) string {
	return func(setting string) string {
		for _, flag := range command.Flags() {
			switch {
			case flag.Name != setting:
			case len(flag.Envs) > 0:
				return fmt.Sprintf("--%s (%s)", setting, flag.Envs[0])
			default:
				return "--" + setting
			}
		}
		return setting
	}
}

// exitCode is the exit code for a command's error.
func exitCode(ctx context.Context, err error) int {
	var (
		input    *election.InputError
		mistakes *definition.Mistakes
		child    *local.ExitError
	)
	switch {
	case err == nil:
		return exit.Done
	case errors.As(err, &child) && child.Name == "audit" && child.Code == exit.Disagree:
		return exit.Disagree
	case errors.As(err, &child) && child.Ours && child.Refused():
		return exit.Input
	case errors.As(err, &input), errors.As(err, &mistakes), errors.Is(err, os.ErrNotExist):
		return exit.Input
	case errors.Is(err, audit.ErrDisagree):
		return exit.Disagree
	case ctx.Err() != nil:
		return exit.Interrupted
	}
	return exit.Failed
}
