package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"realtime-election/election"
	"realtime-election/internal/terminal"
	"realtime-election/local"
)

type resetCommand struct {
	Data string `help:"The folder of an election up." default:"${data}" env:"ELECTION_DATA" placeholder:"DIR"`
	Yes  bool   `help:"Do not ask for confirmation."`
}

// Help is part of reset --help.
func (*resetCommand) Help() string {
	return `Topics, tables and checkpoints belong together: a checkpoint without its topics stops the count. So reset removes them together, with the ballot key, the passwords and the logs. Downloads and all other files in the folder stay.

It refuses while election up runs there. For servers of your own: delete the topics that election topics lists, the database, and the folder of checkpoints.`
}

func (c *resetCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	if !c.Yes {
		if !terminal.Is(at.In) {
			return &election.Wrong{Setting: "yes", Text: "is needed where nobody can confirm: reset removes an election for good"}
		}
		if !confirmed(at.In, at.Err, c.Data) {
			return &election.InputError{Text: "nothing was removed"}
		}
	}
	if err := local.Reset(ctx, c.Data); err != nil {
		return err
	}
	log.Info("the election was removed", "data", c.Data)
	return nil
}

// confirmed asks a person whether to remove the folder's election.
func confirmed(in io.Reader, out io.Writer, data string) bool {
	fmt.Fprintf(out, "Remove the election in %s, with all its votes, for good? Type yes: ", data)
	answer, _ := bufio.NewReader(in).ReadString('\n') // an answer that cannot be read is not yes
	return strings.TrimSpace(answer) == "yes"
}
