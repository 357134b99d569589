package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"realtime-election/spark"
)

// checkCommand is what the health checks of the containers run.
type checkCommand struct {
	Kafka   kafkaCheck   `cmd:"" group:"containers" help:"Send a record and fetch it again."`
	Cluster clusterCheck `cmd:"" group:"containers" help:"Ask Spark's master whether it is alive and a worker registered."`
	Spark   sparkCheck   `cmd:"" group:"containers" help:"Open a session of Spark Connect."`
	Ready   readyCheck   `cmd:"" group:"containers" help:"Ask services whether they are ready."`
}

// checkTimeout is how long a check may take. It is shorter than Docker's timeout, so that the check can say what is wrong.
const checkTimeout = 8 * time.Second

type kafkaCheck struct {
	kafkaFlags

	timeout time.Duration // 0 means checkTimeout; tests use less
}

func (c *kafkaCheck) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.timeout, checkTimeout))
	defer cancel()
	return c.cluster(slog.New(slog.DiscardHandler)).RoundTrip(ctx)
}

// checkSession is the session of all checks, so that Spark keeps one session and not one for each check.
const checkSession spark.SessionID = "6865616c-7468-4000-8000-000000000000"

type sparkCheck struct {
	Remote string `help:"The Spark Connect server: sc://host:port/;token=…" placeholder:"URL" env:"SPARK_REMOTE" required:""`
}

func (c *sparkCheck) Run(ctx context.Context, at console) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	session, err := spark.Dial(ctx, c.Remote, spark.WithSessionID(checkSession))
	if err != nil {
		return err
	}
	defer session.Close()
	version, err := session.Version(ctx)
	if err == nil {
		fmt.Fprintln(at.Out, "Spark", version)
	}
	return err
}

type readyCheck struct {
	Address []string `arg:"" help:"The health addresses of the services, host:port."`
	Say     string   `help:"What to print once all are ready."`
}

func (c *readyCheck) Run(ctx context.Context, at console) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for {
		err := c.ask(ctx)
		switch {
		case err == nil && c.Say != "":
			_, err = fmt.Fprintln(at.Out, c.Say)
			return err
		case err == nil || c.Say == "":
			return err
		}
		select { // with --say, wait until all are ready again
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func (c *readyCheck) ask(ctx context.Context) error {
	for _, address := range c.Address {
		if _, err := get(ctx, "http://"+address+"/readyz"); err != nil {
			return err
		}
	}
	return nil
}

type clusterCheck struct {
	Master string `arg:"" help:"host:port of the page of Spark's master."`
	Worker string `help:"The host of a worker that must be registered there." placeholder:"HOST"`
}

func (c *clusterCheck) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	text, err := get(ctx, "http://"+c.Master+"/json/")
	if err != nil {
		return err
	}
	var master struct {
		Status  string
		Workers []struct{ Host, State string }
	}
	if err := json.Unmarshal(text, &master); err != nil {
		return fmt.Errorf("read what the master at %s says: %w", c.Master, err)
	}
	if master.Status != "ALIVE" {
		return fmt.Errorf("the master is %s", master.Status)
	}
	for _, worker := range master.Workers {
		if worker.Host == c.Worker && worker.State == "ALIVE" {
			return nil
		}
	}
	if c.Worker != "" {
		return fmt.Errorf("the worker %s is not registered with the master", c.Worker)
	}
	return nil
}

// get returns the body of a page. A status other than 200 is an error.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	says, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, strings.ReplaceAll(strings.TrimSpace(string(says)), "\n", ", "))
	}
	return says, err
}
