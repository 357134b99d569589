package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"realtime-election/internal/exit"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
)

// run is one `up` at work: its servers, its services and what they know of each other.
type run struct {
	config UpConfig
	group  *errgroup.Group // of everything that goes on at the same time
	known  addresses
	begun  time.Time

	mu      sync.Mutex
	keepers []*keeper
}

// all starts the servers, has the election made as soon as Kafka and PostgreSQL answer, starts each service as soon as
// what it needs is there, and stays until ctx ends or everything is counted. It returns errFinished in the second case.
func (r *run) all(ctx context.Context, servers []server) error {
	answering := r.startServers(ctx, servers)
	for _, name := range []string{Kafka, PostgreSQL} {
		if err := answering.wait(ctx, name); err != nil {
			return err
		}
	}
	r.known.brokers, r.known.postgres = answering.address(Kafka), answering.address(PostgreSQL)
	if err := r.once(ctx, command{name: "init", args: initArgs(r.config), env: r.known.forInit()}); err != nil {
		return err
	}
	r.say("prepared", "init")
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
		if service.finishes {
			working++
		}
		r.group.Go(func() error {
			if service.after != "" {
				if err := answering.wait(ctx, service.after); err != nil {
					return nil // the keeper, which starts it again, says why
				}
				if service.after == Spark {
					r.known.spark = answering.address(Spark) // submit is the only one who reads it
				}
			}
			err := r.keep(ctx, service)
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
			r.say("finished", name)
		}
	}
	if err := r.counted(ctx); err != nil {
		return err
	}
	enough() // the report is printed below the progress, not into it
	<-said
	audit := command{
		name: "audit", args: []string{"audit", "--page", pageURL(r.known.listen)}, env: r.known.forAudit(), output: r.config.Out,
	}
	if err := r.once(ctx, audit); err != nil {
		return err
	}
	return errFinished
}

// say logs what a process has reached, and how long after the start of up.
func (r *run) say(what, name string) {
	r.config.log().Info(what, "name", name, "after", time.Since(r.begun).Round(10*time.Millisecond))
}

// keep runs a service.
func (r *run) keep(ctx context.Context, service service) error {
	args := []string{service.name}
	if service.args != nil {
		args = append(args, service.args(r.config)...)
	}
	var env []string
	if service.needs != nil {
		env = service.needs(&r.known)
	}
	keeper := r.keeper(service.name, service.finishes, func(context.Context) (*Process, error) {
		c := command{name: service.name, args: args, env: env, yields: service.yields}
		if service.page {
			c.address = pageHost(r.known.listen)
			c.health = c.address
		} else {
			port, err := keptPort(r.config.Config, "127.0.0.1", service.name+"-health")
			if err != nil {
				return nil, err
			}
			c.health = fmt.Sprintf("127.0.0.1:%d", port)
			c.env = append(c.env[:len(c.env):len(c.env)], "ELECTION_HEALTH="+c.health)
		}
		return start(r.config.Config, r.ours(c))
	})
	return keeper.keep(ctx, func(process *Process) error {
		r.group.Go(func() error { return r.watchLog(ctx, process) })
		if !service.page {
			return process.record()
		}
		r.group.Go(func() error { return r.recordPage(ctx, process) })
		return nil
	})
}

// answering are the servers that have answered, at their addresses.
type answering map[string]*answered

type answered struct {
	address string        // read after ready
	ready   chan struct{} // closed at the first answer
}

func (a answering) wait(ctx context.Context, name string) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-a[name].ready:
		return nil
	}
}

func (a answering) address(name string) string { return a[name].address }

// startServers starts all at the same time and keeps them running.
func (r *run) startServers(ctx context.Context, servers []server) answering {
	all := make(answering)
	for _, server := range servers {
		keeper := r.keeper(server.name, false, func(ctx context.Context) (*Process, error) {
			return server.start(ctx, r.config.Config)
		})
		first := &answered{ready: make(chan struct{})}
		all[server.name] = first
		var before *Process
		r.group.Go(func() error {
			return keeper.keep(ctx, func(process *Process) error {
				if before == nil {
					r.say("ready", process.Name())
					first.address = process.Address()
					close(first.ready)
				}
				defer func() { before = process }()
				r.group.Go(func() error { return r.watchLog(ctx, process) })
				if err := sameAddress(before, process); err != nil {
					return err
				}
				return process.record() // with how often it was started
			})
		})
	}
	return all
}

func (r *run) keeper(name string, finishes bool, start func(context.Context) (*Process, error)) *keeper {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := &keeper{name: name, finishes: finishes, start: start, log: r.config.log(), first: r.config.pace.pause()}
	r.keepers = append(r.keepers, k)
	return k
}

// ours completes the command of a service.
func (r *run) ours(c command) command {
	c.path, c.ours = r.config.Executable, true
	c.env = append(c.env[:len(c.env):len(c.env)], "ELECTION_BROKERS="+r.known.brokers)
	return c
}

const attempts = 7 // of what must be done once, over more than ten seconds: longer than a server needs to come back

// once runs a service to its end. It is tried again when it failed for a reason that may pass, such as a server that
// was being started again. The error says how it ended, unless with exit code 0.
func (r *run) once(ctx context.Context, c command) error {
	for attempt, pause := 1, r.config.pace.pause(); ; attempt, pause = attempt+1, min(2*pause, longPause) {
		err := r.attempt(ctx, c)
		end, ended := errors.AsType[*ExitError](err)
		if !ended || end.Refused() || end.Code == exit.Disagree || attempt == attempts {
			return err
		}
		r.config.log().Warn("it failed, trying again", "name", c.name, "pause", pause, "error", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// attempt runs a service once to its end.
func (r *run) attempt(ctx context.Context, c command) error {
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
	if end := process.exit(); end.Code != exit.Done {
		return end
	}
	return nil
}

// counted waits until everything is counted and stored. An answer that does not come for a minute is an error.
func (r *run) counted(ctx context.Context) error {
	ask := r.config.counted
	if ask == nil {
		ask = func(ctx context.Context, brokers string) (bool, error) {
			return inspect.CountedAndStored(ctx, kafka.Cluster{Brokers: []string{brokers}, Log: r.config.log()})
		}
	}
	answered := time.Now()
	for {
		done, err := ask(ctx, r.known.brokers)
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
			if err := roomFor(r.config.Data, diskLowest, "{data}"); err != nil {
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
