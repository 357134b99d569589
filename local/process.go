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

// Process is a server or a service that this process has started, as a child in a process group of its own. So a Ctrl-C
// in the terminal does not reach the child, and Stop asks it to end. Methods may be called by several goroutines.
type Process struct {
	name       string
	config     Config
	address    string
	ownProgram bool // this program, with another subcommand
	identity   identity
	logFile    string
	stopSignal syscall.Signal // the signal that asks it to end
	classes    *classArchive  // that it writes when it ends; nil if none

	cmd  *exec.Cmd
	done chan struct{}
	err  error // set before done is closed

	since    time.Time
	health   string
	restarts int
	lastExit string

	stopOnce sync.Once
	stopped  chan struct{} // closed when Stop was called
}

// command is what start needs to know of a child.
type command struct {
	name        string // in DATA/run and DATA/logs
	path        string
	args        []string
	env         []string // added to the inherited environment
	folder      string   // the working directory
	address     string   // recorded once the process is ready
	health      string   // host:port of readyz and metrics, recorded at the start
	stopSignal  syscall.Signal
	user        *syscall.Credential // nil is this process's user
	listener    *os.File            // a socket that it gets as file 3
	ownProgram  bool                // it is this program, with another subcommand
	lowPriority bool                // others get the processors first
	output      io.Writer           // standard output, if it does not belong in the log
	classes     *classArchive       // that it writes when it ends; nil if none
}

// lowPriorityNice is the nice value of a process with a low priority.
const lowPriorityNice = 10

// start starts the command, with its output in DATA/logs, and records the process in DATA/run. It does not wait until
// the process is ready.
func start(config Config, c command) (*Process, error) {
	logPath, err := config.pathIn("logs", c.name+".log")
	if err != nil {
		return nil, err
	}
	logFile, err := openLog(logPath)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()

	cmd := exec.Command(c.path, append(c.classes.writeOptions(), c.args...)...)
	cmd.Dir = c.folder
	cmd.Env = append(inherited(), c.env...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if c.output != nil {
		cmd.Stdout = c.output
	}
	if c.listener != nil {
		cmd.ExtraFiles = []*os.File{c.listener}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.user}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	if c.lowPriority {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, lowPriorityNice) // if it fails, other processes are slower
	}
	p := &Process{
		name: c.name, config: config, address: c.address, ownProgram: c.ownProgram, logFile: logPath, stopSignal: c.stopSignal, classes: c.classes,
		since: time.Now().UTC(), health: c.health, cmd: cmd, done: make(chan struct{}), stopped: make(chan struct{}),
	}
	if p.stopSignal == 0 {
		p.stopSignal = syscall.SIGTERM
	}
	// This is read before the child is waited for: until then even a dead child keeps its pid.
	p.identity, _, err = identify(cmd.Process.Pid)
	if err == nil {
		err = writeRecord(config, c.name, p.newRecord())
	}
	go p.wait()
	if err != nil {
		p.kill()
		<-p.done
		return nil, fmt.Errorf("record %s: %w", c.name, err)
	}
	return p, nil
}

// inherited is this process's environment without the addresses and the secrets of an election: a child gets only those
// that it needs. up passes all other settings to its children as arguments.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "SPARK_REMOTE" || strings.HasPrefix(name, "ELECTION_") && name != "ELECTION_LOG_LEVEL"
	})
}

// recordReady notes in DATA/run that the process is ready, at its address if it has one.
func (p *Process) recordReady() error {
	// A java that is a script has become Java by now.
	if now, _, err := identify(p.PID()); err == nil && now.Started == p.identity.Started {
		p.identity = now
	}
	ready := p.newRecord()
	ready.Ready, ready.Address = true, p.address
	return writeRecord(p.config, p.name, ready)
}

func (p *Process) newRecord() ProcessRecord {
	return ProcessRecord{
		PID: p.cmd.Process.Pid, identity: p.identity, Since: p.since, Signal: int(p.stopSignal), Health: p.health,
		Restarts: p.restarts, LastExit: p.lastExit,
	}
}

func (p *Process) wait() {
	err := p.cmd.Wait()
	if err := p.keepClasses(); err != nil {
		p.config.log().Warn("loaded classes are not kept for faster starts", "name", p.name, "error", err)
	}
	removeRecord(p.config, p.name)
	line, crashed := lastMessage(p.logFile)
	p.err = &ExitError{Name: p.name, Ours: p.ownProgram, Code: exitCode(err), LastLine: line, Log: p.logFile, crashed: crashed}
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
	LastLine string // what its log says about its end, see lastMessage
	Log      string // its log file
	crashed  bool   // a Go program panicked, which also ends with code 2
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

// Refused reports whether the process said, by exit.Input, that another start with the same settings cannot help. A Go
// program that panics exits with that code as well, and does not mean this.
func (e *ExitError) Refused() bool { return e.Code == exit.Input && !e.crashed }

// Name is the process's name in DATA/run and DATA/logs.
func (p *Process) Name() string { return p.name }

// Address is where clients reach a server: host:port of Kafka, PostgreSQL's URL with user and password, Spark Connect's
// sc:// URL with its token. It is empty for other processes.
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

// exit says how the process ended, even if Stop was called. It may be called once Done is closed.
func (p *Process) exit() *ExitError { return p.err.(*ExitError) }

// Stop asks the process to end, and waits until it has. When ctx ends first, Stop kills the process's whole group. For
// a process that has ended, it does nothing. It returns an error only if the process had to be killed.
func (p *Process) Stop(ctx context.Context) error {
	p.stopOnce.Do(func() {
		select {
		case <-p.done: // it ended by itself, and Err says how
		default:
			close(p.stopped)
			p.cmd.Process.Signal(p.stopSignal)
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

// kill ends the process's group at once, unless the process has ended: another process may have its pid by now.
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

// stopGrace is how long a process may take to end, where the caller gives no other time.
const stopGrace = 15 * time.Second
