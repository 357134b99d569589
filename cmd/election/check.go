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

// checkPatience is how long a check may take: less than Docker waits for it, so that it can say what is wrong.
const checkPatience = 8 * time.Second

type kafkaCheck struct {
	kafkaFlags

	patience time.Duration // 0 means checkPatience; tests have less
}

func (c *kafkaCheck) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.patience, checkPatience))
	defer cancel()
	return c.cluster(slog.New(slog.DiscardHandler)).RoundTrip(ctx)
}

// checkSession is the session of all checks of a server, so that it keeps one for them and not one for each.
const checkSession spark.SessionID = "6865616c-7468-4000-8000-000000000000"

type sparkCheck struct {
	Remote string `help:"The Spark Connect server: sc://host:port/;token=…" placeholder:"URL" env:"SPARK_REMOTE" required:""`
}

func (c *sparkCheck) Run(ctx context.Context, at console) error {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
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
	Address []string `arg:"" help:"The services' addresses of health, host:port."`
	Say     string   `help:"What to print once all are ready."`
}

func (c *readyCheck) Run(ctx context.Context, at console) error {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
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
		select { // they were ready a moment ago
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
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
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

// get is what a page says; an answer other than 200 is an error.
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
