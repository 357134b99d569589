package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"realtime-election/internal/exit"
)

// Process is a server or a service that this process has started: a child in a process group of its own, so that a
// Ctrl-C in the terminal does not reach it before we do. Its methods are safe for concurrent use.
type Process struct {
	name    string
	data    Config
	address string
	ours    bool   // this program, with another subcommand
	started string // its start identity
	logFile string
	gentle  syscall.Signal // what asks it to stop

	cmd  *exec.Cmd
	done chan struct{}
	err  error // set before done is closed

	since    time.Time
	health   string
	restarts int
	lastExit string

	stopping sync.Once
	stopped  chan struct{} // closed when Stop was called
}

// command is what start needs to know of a child.
type command struct {
	name    string // in DATA/run and DATA/logs
	path    string
	args    []string
	env     []string // added to ours
	folder  string   // its working folder
	address string   // recorded once it is ready
	health  string   // host:port of its health, recorded at once
	gentle  syscall.Signal
	user    *syscall.Credential // nil is ours
	ours    bool                // it is this program, with another subcommand
	yields  bool                // it gives way where the processors are busy
	output  io.Writer           // standard output, if it does not belong in the log
}

// yielding is the nice value of what gives way.
const yielding = 10

// start runs the command with its output in DATA/logs and records it in DATA/run. It does not wait until it is ready.
func start(config Config, c command) (*Process, error) {
	logPath, err := config.in("logs", c.name+".log")
	if err != nil {
		return nil, err
	}
	logFile, err := openLog(logPath)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()

	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = c.folder
	cmd.Env = append(inherited(), c.env...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if c.output != nil {
		cmd.Stdout = c.output
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.user}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	if c.yields {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, yielding) // without it, others are slower, no more
	}
	p := &Process{
		name: c.name, data: config, address: c.address, ours: c.ours, logFile: logPath, gentle: c.gentle,
		since: time.Now().UTC(), health: c.health, cmd: cmd, done: make(chan struct{}), stopped: make(chan struct{}),
	}
	if p.gentle == 0 {
		p.gentle = syscall.SIGTERM
	}
	// Read before anyone waits for it: until then even a dead child keeps its pid.
	p.started, _, err = identity(cmd.Process.Pid)
	if err == nil {
		err = writeRecord(config, c.name, p.recorded())
	}
	go p.wait()
	if err != nil {
		p.kill()
		<-p.done
		return nil, fmt.Errorf("record %s: %w", c.name, err)
	}
	return p, nil
}

// inherited is our environment without the addresses and the secrets of an election: a child gets those that it needs,
// and no others. All else that up is told it tells its children by arguments.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "SPARK_REMOTE" || strings.HasPrefix(name, "ELECTION_") && name != "ELECTION_LOG_LEVEL"
	})
}

// record notes in DATA/run that the process is ready, at its address if it has one.
func (p *Process) record() error {
	ready := p.recorded()
	ready.Ready, ready.Address = true, p.address
	return writeRecord(p.data, p.name, ready)
}

func (p *Process) recorded() Record {
	return Record{
		PID: p.cmd.Process.Pid, Started: p.started, Since: p.since, Signal: int(p.gentle), Health: p.health,
		Restarts: p.restarts, LastExit: p.lastExit,
	}
}

func (p *Process) wait() {
	err := p.cmd.Wait()
	removeRecord(p.data, p.name)
	line, crashed := lastWords(p.logFile)
	p.err = &ExitError{Name: p.name, Ours: p.ours, Code: exitCode(err), LastLine: line, Log: p.logFile, crashed: crashed}
	close(p.done)
}

func exitCode(err error) int {
	if err == nil {
		return exit.Done
	}
	if end, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := end.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal())
		}
		return end.ExitCode()
	}
	return -1
}

// ExitError says how a child process ended.
type ExitError struct {
	Name     string
	Ours     bool   // it is this program, with another subcommand
	Code     int    // its exit code; 128 + the signal's number if a signal ended it
	LastLine string // the last line of its log that says something
	Log      string // its log file
	crashed  bool   // it was a Go program that panicked, which ends with code 2 as well
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s exited with code %d", e.Name, e.Code)
	if e.Code > 128 {
		text = fmt.Sprintf("%s was ended by signal %d", e.Name, e.Code-128)
	}
	if e.LastLine != "" {
		text += ": " + e.LastLine
	}
	return text + " (its log: " + e.Log + ")"
}

// Refused reports whether the process said, by exit.Input, that starting it again in this way cannot help. A Go program
// that panics exits with that code as well, and has not said so.
func (e *ExitError) Refused() bool { return e.Code == exit.Input && !e.crashed }

// Name is the process's name in DATA/run and DATA/logs.
func (p *Process) Name() string { return p.name }

// Address is where clients reach a server: host:port of Kafka, PostgreSQL's URL with user and password, Spark
// Connect's sc:// URL with its token. Other processes have none.
func (p *Process) Address() string { return p.address }

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil while the process runs, and after it was stopped by Stop; otherwise the *ExitError that says how it ended.
func (p *Process) Err() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	select {
	case <-p.stopped:
		return nil
	default:
		return p.err
	}
}

// exit is how the process ended, even when it was asked to. It is read after Done.
func (p *Process) exit() *ExitError { return p.err.(*ExitError) }

// Stop asks the process to end and waits until it has. When ctx ends first, its whole group is killed. Stopping a
// process that has ended does nothing. It returns an error only if the process had to be killed.
func (p *Process) Stop(ctx context.Context) error {
	p.stopping.Do(func() {
		select {
		case <-p.done: // it ended by itself, and Err says how
		default:
			close(p.stopped)
			p.cmd.Process.Signal(p.gentle)
		}
	})
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.kill()
		<-p.done
		return fmt.Errorf("stop %s: it did not end in time and was killed: see %s", p.name, p.logFile)
	}
}

// kill ends the process's group at once, unless the process has ended: its pid may be another's by now.
func (p *Process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		p.cmd.Process.Kill()
	}
}

// stopGrace is how long Stop waits where its caller has no wish of their own.
const stopGrace = 15 * time.Second
