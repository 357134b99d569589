package local

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"realtime-election/internal/exit"
)

// The pauses before a process that died is started again.
const (
	firstPause = 200 * time.Millisecond
	longPause  = 5 * time.Second
	longLife   = 30 * time.Second // after a process that ran so long, the pauses begin with the first again
)

// pace replaces constants of `up`, for tests.
type pace struct {
	firstPause    time.Duration // before a process is started again; 0 is the constant
	progressEvery time.Duration // between two lines of progress; 0 is the constant
}

func (p pace) pause() time.Duration { return cmp.Or(p.firstPause, firstPause) }

// errFinished says that a service has finished its work.
var errFinished = errors.New("finished")

// keeper keeps one process running: it starts it again when it dies.
type keeper struct {
	name       string
	start      func(context.Context) (*Process, error)
	finishes   bool // exit.Done means that its work is done
	log        *slog.Logger
	firstPause time.Duration // pause before it is started again

	mu      sync.Mutex
	process *Process // the newest
}

// keep starts the process, and starts it again whenever it dies, until ctx ends. Then the last process goes on, and
// stop ends it. keep calls ready after each start. It returns errFinished when the work is done. It returns an error
// when the first start fails, or when the process says by its exit code that another start cannot help.
func (k *keeper) keep(ctx context.Context, ready func(*Process) error) error {
	pause, restarts, lastExit := k.firstPause, 0, ""
	for first := true; ; first = false {
		started := time.Now()
		process, err := k.start(ctx)
		switch {
		case ctx.Err() != nil && err != nil:
			return nil
		case err != nil && first:
			return err
		case err == nil:
			process.restarts, process.lastExit = restarts, lastExit
			k.set(process)
			if err := ready(process); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-process.Done():
			}
			end := process.exit()
			if end.Code == exit.Done && k.finishes {
				return errFinished
			}
			if end.Refused() {
				return end
			}
			err = end
		}
		restarts, lastExit = restarts+1, err.Error()
		if time.Since(started) > longLife {
			pause = k.firstPause
		}
		k.log.Warn("process died, starting it again", "name", k.name, "pause", pause, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
}

func (k *keeper) set(process *Process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = process
}

// stop asks the newest process to end, and kills it after grace.
func (k *keeper) stop(grace time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.process == nil {
		return
	}
	writes := k.process.writesClasses()
	switch {
	case writes:
		k.log.Info("keeping loaded classes for faster starts, this once", "name", k.name)
		grace += graceClasses
	case k.process.classes != nil: // it would write them for nothing
		grace = min(grace, graceWithoutClasses)
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := k.process.Stop(ctx); err != nil && (writes || k.process.classes == nil) {
		k.log.Warn("process killed", "name", k.name, "error", err)
	}
}
