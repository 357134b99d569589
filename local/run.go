package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"realtime-election/internal/exit"
	"realtime-election/internal/inspect"
	"realtime-election/internal/principals"
)

// run is one `up`: its servers, its services, and the addresses at which they reach each other.
type run struct {
	config    UpConfig
	group     *errgroup.Group // of all goroutines
	addresses addresses
	listener  *os.File // the page's socket, which stays open while no dashboard runs
	begun     time.Time

	mu      sync.Mutex
	keepers []*keeper
}

// runAll starts the servers and makes the election, and then starts each service as soon as its server answers. It runs
// until ctx ends. With Once, it returns errFinished when everything is counted and the audit agrees.
func (r *run) runAll(ctx context.Context, servers []server) error {
	starts := r.startServers(ctx, servers)
	for _, name := range []string{Kafka, PostgreSQL} {
		if err := starts.wait(ctx, name); err != nil {
			return err
		}
	}
	r.addresses.brokers, r.addresses.postgres = starts.address(Kafka), starts.address(PostgreSQL)
	if err := r.runOnce(ctx, command{name: "init", args: initArgs(r.config), env: r.addresses.forInit()}); err != nil {
		return err
	}
	r.logReached("prepared", "init")
	r.group.Go(func() error { return r.watchDisk(ctx) })
	showing, stopProgress := context.WithCancel(ctx)
	defer stopProgress()
	progressEnded := make(chan struct{})
	r.group.Go(func() error {
		defer close(progressEnded)
		r.progress(showing)
		return nil
	})

	finished, working := r.startServices(ctx, starts)
	if !r.config.Once {
		<-ctx.Done()
		return nil
	}
	for ; working > 0; working-- {
		select {
		case <-ctx.Done():
			return nil
		case name := <-finished:
			r.logReached("finished", name)
		}
	}
	if err := r.waitUntilCounted(ctx); err != nil {
		return err
	}
	stopProgress() // the audit's report is printed below the progress, not into it
	<-progressEnded
	audit := command{
		name: "audit", args: []string{"audit", "--page", r.config.pageURL(r.addresses.listen)}, env: r.addresses.forAudit(r.config), output: r.config.Out,
	}
	if err := r.runOnce(ctx, audit); err != nil {
		return err
	}
	return errFinished
}

// startServices starts each service of the election once its server has answered, and keeps it running. working is how
// many services finish; each sends its name to finished when it does.
func (r *run) startServices(ctx context.Context, starts serverStarts) (finished <-chan string, working int) {
	names := make(chan string, len(services))
	for _, service := range services {
		if service.wanted != nil && !service.wanted(r.config) {
			continue
		}
		if service.finishes {
			working++
		}
		r.group.Go(func() error {
			if service.after != "" {
				if err := starts.wait(ctx, service.after); err != nil {
					return nil // the server's keeper says why
				}
				if service.after == Spark {
					r.addresses.spark = starts.address(Spark) // only submit reads it
				}
			}
			err := r.keepService(ctx, service)
			if errors.Is(err, errFinished) {
				names <- service.name
				return nil
			}
			return err
		})
	}
	return names, working
}

// logReached logs a state that a process has reached, and how long after the start of up.
func (r *run) logReached(what, name string) {
	r.config.log().Info(what, "name", name, "after", time.Since(r.begun).Round(10*time.Millisecond))
}

// keepService starts a service, and starts it again whenever it dies.
func (r *run) keepService(ctx context.Context, service service) error {
	args := []string{service.name}
	if service.args != nil {
		args = append(args, service.args(r.config)...)
	}
	var env []string
	if service.env != nil {
		env = service.env(&r.addresses)
	}
	keeper := r.newKeeper(service.name, service.finishes, func(context.Context) (*Process, error) {
		c := command{name: service.name, args: args, env: env, lowPriority: service.lowPriority}
		port, err := keptPort(r.config.Config, "127.0.0.1", service.name+"-health")
		if err != nil {
			return nil, err
		}
		c.health = fmt.Sprintf("127.0.0.1:%d", port)
		c.env = append(c.env[:len(c.env):len(c.env)], "ELECTION_HEALTH="+c.health)
		if service.servesPage {
			c.address = strings.TrimSuffix(r.config.pageURL(r.addresses.listen), "/")
			c.listener = r.listener
		}
		return start(r.config.Config, r.serviceCommand(c))
	})
	return keeper.keep(ctx, func(process *Process) error {
		r.group.Go(func() error { return r.watchLog(ctx, process) })
		if !service.servesPage {
			return process.recordReady()
		}
		r.group.Go(func() error { return r.recordPage(ctx, process) })
		return nil
	})
}

// serverStarts tells, by the name of a server, whether it has answered yet.
type serverStarts map[string]*serverStart

type serverStart struct {
	address  string        // may be read once answered is closed
	answered chan struct{} // closed at the first answer
}

func (s serverStarts) wait(ctx context.Context, name string) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s[name].answered:
		return nil
	}
}

func (s serverStarts) address(name string) string { return s[name].address }

// startServers starts all servers at the same time, and keeps them running.
func (r *run) startServers(ctx context.Context, servers []server) serverStarts {
	all := make(serverStarts)
	for _, server := range servers {
		config := r.config.Config
		config.keepClassesAfter = longLife // by then it counts
		keeper := r.newKeeper(server.name, false, func(ctx context.Context) (*Process, error) {
			return server.start(ctx, config)
		})
		first := &serverStart{answered: make(chan struct{})}
		all[server.name] = first
		r.group.Go(func() error {
			return keeper.keep(ctx, func(process *Process) error {
				if !config.samePorts {
					r.logReached("ready", process.Name())
					first.address = process.Address()
					close(first.answered)
				}
				config.samePorts = true
				r.group.Go(func() error { return r.watchLog(ctx, process) })
				return process.recordReady() // this time with how often it was started again
			})
		})
	}
	return all
}

func (r *run) newKeeper(name string, finishes bool, start func(context.Context) (*Process, error)) *keeper {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := &keeper{name: name, finishes: finishes, start: start, log: r.config.log(), firstPause: r.config.pace.pause()}
	r.keepers = append(r.keepers, k)
	return k
}

// serviceCommand completes the command of a service: with this program, and with how it reaches Kafka.
func (r *run) serviceCommand(c command) command {
	c.path, c.ownProgram = r.config.Executable, true
	c.env = append(c.env[:len(c.env):len(c.env)], "ELECTION_BROKERS="+r.addresses.brokers, "ELECTION_KAFKA_CONFIG="+r.addresses.logins)
	return c
}

const attempts = 7 // of runOnce, over more than ten seconds: longer than a server needs to start again

// runOnce runs a service to its end. If it fails for a reason that may pass, such as a server that is being started
// again, it is run again. The error says how the service ended, unless it ended with exit code 0.
func (r *run) runOnce(ctx context.Context, c command) error {
	for attempt, pause := 1, r.config.pace.pause(); ; attempt, pause = attempt+1, min(2*pause, longPause) {
		err := r.attemptOnce(ctx, c)
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

// attemptOnce runs a service to its end, without another attempt.
func (r *run) attemptOnce(ctx context.Context, c command) error {
	process, err := start(r.config.Config, r.serviceCommand(c))
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

// waitUntilCounted waits until everything is counted and stored. It is an error if no answer comes for a minute.
func (r *run) waitUntilCounted(ctx context.Context) error {
	ask := r.config.allCounted
	if ask == nil {
		ask = func(ctx context.Context, brokers string) (bool, error) {
			cluster, err := kafkaAs(r.config.Config, brokers, principals.Reader)
			if err != nil {
				return false, err
			}
			return inspect.CountedAndStored(ctx, cluster)
		}
	}
	answered := time.Now()
	for {
		done, err := ask(ctx, r.addresses.brokers)
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

// watchDisk ends the run before the disk is full. A server that cannot write leaves more to repair than one that is
// stopped.
func (r *run) watchDisk(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := roomFor(r.config.Data, diskMinimum, "{data}"); err != nil {
				return fmt.Errorf("everything was stopped: %w", err)
			}
		}
	}
}

// stop ends all processes: the services, then Spark, then Kafka and PostgreSQL. No keeper may run any more.
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
