package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"realtime-election/internal/exit"
)

// How fast a process that died is started again.
const (
	firstPause = 200 * time.Millisecond
	longPause  = 5 * time.Second
	longLife   = 30 * time.Second // a process that lived so long starts a new series of pauses
)

// pace is how fast `up` works where that is not what the constants say.
type pace struct {
	firstPause    time.Duration // before what died or failed is started again; 0 means firstPause
	progressEvery time.Duration // from one line of progress to the next; 0 means progressEvery
}

func (p pace) pause() time.Duration { return cmp.Or(p.firstPause, firstPause) }

// errFinished says that a service has done all it had to do.
var errFinished = errors.New("finished")

// keeper keeps one process running: it starts it again when it dies.
type keeper struct {
	name     string
	start    func(context.Context) (*Process, error)
	finishes bool // exit.Done means that its work is done
	log      *slog.Logger
	first    time.Duration // pause before it is started again

	mu      sync.Mutex
	process *Process // the newest
}

// keep starts the process and starts it again whenever it dies, until ctx ends: then the last process is left running,
// for stop. ready is called after each start. It returns errFinished when the work is done, and an error when the
// first start fails or the process says that another would be of no use.
func (k *keeper) keep(ctx context.Context, ready func(*Process) error) error {
	pause, restarts, lastExit := k.first, 0, ""
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
			pause = k.first
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

// stop ends the newest process, gently, by force after grace.
func (k *keeper) stop(grace time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.process == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := k.process.Stop(ctx); err != nil {
		k.log.Warn("process killed", "name", k.name, "error", err)
	}
}

// sameAddress is an error if a server came back where its clients do not look for it.
func sameAddress(before, process *Process) error {
	if before != nil && before.Address() != process.Address() {
		return fmt.Errorf("%s's port was taken by another program while it restarted: end that program, or just run election up again", process.Name())
	}
	return nil
}
