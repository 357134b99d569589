//go:build services

package sparkjob

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"realtime-election/election"
)

// TestPostgreSQLThatRefusesEndsSubmitAtFirstOnly has PostgreSQL refuse the password of a submit, before and after it was let in.
func TestPostgreSQLThatRefusesEndsSubmitAtFirstOnly(t *testing.T) {
	_, c := newElection(t)
	server := newScriptedSpark(t)
	c.Remote.URL = server.URL()
	d := newDatabase(t)
	owner, err := pgx.Connect(t.Context(), d.Address())
	done(t, err)
	defer owner.Close(context.Background())
	alter := func(statement string) {
		t.Helper()
		_, err := owner.Exec(t.Context(), statement)
		done(t, err)
	}
	alter("CREATE ROLE counter LOGIN PASSWORD 'right'")
	as := func(password string) string {
		t.Helper()
		address, err := url.Parse(d.Address())
		done(t, err)
		address.User = url.UserPassword("counter", password)
		return address.String()
	}

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c.Postgres = as("wrong")
	err = Run(ctx, c)
	var wrong *election.InputError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "does not know the user counter with this password") {
		t.Errorf("it ended with %v", err)
	}

	lines, log := io.Pipe()
	c.Postgres, c.Log = as("right"), slog.New(slog.NewTextHandler(log, nil))
	refused, running := make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(refused)
		defer close(running)
		buffer := make([]byte, 1<<16)
		for {
			n, err := lines.Read(buffer)
			switch line := string(buffer[:n]); {
			case err != nil || strings.Contains(line, "does not know the user counter"):
				lines.CloseWithError(io.EOF) // further lines are lost
				return
			case strings.Contains(line, "started the query"):
				running <- struct{}{}
			}
		}
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, c)
		log.Close()
	}()
	<-running
	alter("ALTER ROLE counter PASSWORD 'other'")
	terminateHolder(t, d.Address())
	<-refused
	alter("ALTER ROLE counter PASSWORD 'right'")
	held := func() (held bool) {
		done(t, owner.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)").Scan(&held))
		return held
	}
	until(t, "submit has the lock again", held)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
