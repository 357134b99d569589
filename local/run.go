package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// run is one `up` at work: its servers, its services and what they know of each other.
type run struct {
	config UpConfig
	group  *errgroup.Group // of everything that goes on at the same time
	known  addresses

	mu      sync.Mutex
	keepers []*keeper // in the order of starting
}

// all starts the servers, has the election made, starts the services, and stays until ctx ends or everything is
// counted. It returns errFinished in the second case.
func (r *run) all(ctx context.Context, servers []server) error {
	if err := r.startServers(ctx, servers); err != nil {
		return err
	}
	if err := r.once(ctx, command{name: "init", args: initArgs(r.config)}); err != nil {
		return err
	}
	r.group.Go(func() error { return r.watchDisk(ctx) })
	watching, enough := context.WithCancel(ctx)
	defer enough()
	said := make(chan struct{})
	r.group.Go(func() error {
		defer close(said)
		r.progress(watching)
		return nil
	})

	finished, working := make(chan string, len(services)), 0
	for _, service := range services {
		if service.when != nil && !service.when(r.config) {
			continue
		}
		args := []string{service.name}
		if service.args != nil {
			args = append(args, service.args(r.config)...)
		}
		var address string
		if service.address != nil {
			address = service.address(r.known)
		}
		keeper := r.keeper(service.name, service.finishes, func(context.Context) (*Process, error) {
			return start(r.config.Config, r.ours(command{name: service.name, args: args, address: address}))
		})
		if service.finishes {
			working++
		}
		r.group.Go(func() error {
			err := keeper.keep(ctx, func(process *Process) error {
				if address == "" {
					return process.record()
				}
				r.group.Go(func() error { return r.recordPage(ctx, process) })
				return nil
			})
			if errors.Is(err, errFinished) {
				finished <- service.name
				return nil
			}
			return err
		})
	}
	if !r.config.Once {
		<-ctx.Done()
		return nil
	}
	for ; working > 0; working-- {
		select {
		case <-ctx.Done():
			return nil
		case name := <-finished:
			r.config.log().Info("finished", "name", name)
		}
	}
	if err := r.counted(ctx); err != nil {
		return err
	}
	enough() // the report is printed below the progress, not into it
	<-said
	args := []string{"audit", "--brokers", r.known.brokers, "--page", pageURL(r.known.listen)}
	if err := r.once(ctx, command{name: "audit", args: args, output: r.config.Out}); err != nil {
		return err
	}
	return errFinished
}

// startServers starts all at the same time and returns when all answer.
func (r *run) startServers(ctx context.Context, servers []server) error {
	ready := make(chan *Process, len(servers))
	for _, server := range servers {
		keeper := r.keeper(server.name, false, func(ctx context.Context) (*Process, error) {
			return server.start(ctx, r.config.Config)
		})
		var before *Process
		r.group.Go(func() error {
			return keeper.keep(ctx, func(process *Process) error {
				if before == nil {
					ready <- process
				}
				defer func() { before = process }()
				return sameAddress(before, process)
			})
		})
	}
	for range servers {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case process := <-ready:
			r.config.log().Info("ready", "name", process.Name())
			switch process.Name() {
			case Kafka:
				r.known.brokers = process.Address()
			case PostgreSQL:
				r.known.postgres = process.Address()
			case Spark:
				r.known.spark = process.Address()
			}
		}
	}
	return nil
}

func (r *run) keeper(name string, finishes bool, start func(context.Context) (*Process, error)) *keeper {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := &keeper{name: name, finishes: finishes, start: start, log: r.config.log()}
	r.keepers = append(r.keepers, k)
	return k
}

// ours completes the command of a service.
func (r *run) ours(c command) command {
	c.path, c.env, c.ours = r.config.Executable, r.known.environment(), true
	return c
}

// once runs a service to its end. The error says how it ended, unless with exit code 0.
func (r *run) once(ctx context.Context, c command) error {
	process, err := start(r.config.Config, r.ours(c))
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		stopping, cancel := context.WithTimeout(context.Background(), graceServices)
		defer cancel()
		process.Stop(stopping)
		return context.Cause(ctx)
	}
	if exit := process.exit(); exit.Code != 0 {
		return exit
	}
	return nil
}

// counted waits until the query has counted every vote. An answer that does not come for a minute is an error.
func (r *run) counted(ctx context.Context) error {
	answered := time.Now()
	for {
		done, err := r.config.Counted(ctx, r.known.brokers)
		if err == nil {
			answered = time.Now()
		}
		if done && err == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil && time.Since(answered) > time.Minute {
			return fmt.Errorf("ask whether everything is counted: %w", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// watchDisk ends the run before the disk is full: servers that cannot write leave more to repair than servers stopped.
func (r *run) watchDisk(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := roomFor(r.config.Data, diskLowest, "--data"); err != nil {
				return fmt.Errorf("everything was stopped: %w", err)
			}
		}
	}
}

// stop ends all processes: the services, then Spark, then Kafka and PostgreSQL. No keeper runs any more.
func (r *run) stop() {
	r.config.log().Info("stopping")
	grace := map[string]time.Duration{Spark: graceSpark, Kafka: graceStores, PostgreSQL: graceStores}
	for _, tier := range []func(name string) bool{
		func(name string) bool { return grace[name] == 0 },
		func(name string) bool { return name == Spark },
		func(name string) bool { return name == Kafka || name == PostgreSQL },
	} {
		var stopping sync.WaitGroup
		for _, keeper := range r.keepers {
			if tier(keeper.name) {
				stopping.Go(func() { keeper.stop(cmp.Or(grace[keeper.name], graceServices)) })
			}
		}
		stopping.Wait()
	}
}
