package spark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"realtime-election/spark/internal/protocol"
	"realtime-election/spark/wire"
)

// Events yields what happens to the session's streaming queries, each event once, over as many connections as it takes. A
// query's events come in order, its start first. The loop ends without an error when ctx ends; an error is yielded last.
//
// A session has one such loop. A second in this process gets ErrEventsTaken; one of another process that came to the same
// session takes the events over, since the process before it may have died, and the loop here ends with ErrEventsTaken. Leaving
// the loop tells the server, for at most five seconds, unless another has the events by then; one that takes them over in the
// moment between the look and the telling loses them again, and its loop ends with ErrEventsTaken. Events wait on the server
// while the loop's body runs, which must not take longer than about five minutes over the events of one answer: the server cuts a stream
// after two minutes, nobody reattaches meanwhile, and it gives a listener up that nobody has been attached to for five.
func (m StreamingQueries) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if !m.session.starts.startListening() {
			yield(nil, fmt.Errorf("listen to streaming queries: %w", ErrEventsTaken))
			return
		}
		defer m.session.starts.stopListening()
		err := m.listen(ctx, func(event Event) bool { return yield(event, nil) })
		if err != nil && ctx.Err() == nil {
			yield(nil, fmt.Errorf("listen to streaming queries: %w", err))
		}
	}
}

// listenerAnswer is an answer of the listener's stream, or the error that ended the stream.
type listenerAnswer struct {
	result *wire.StreamingQueryListenerEventsResult
	err    error
}

// listen yields events until yield returns false, the stream ends or ctx does. The server answers a second listener of a session
// with silence, so the listener that a process left when it died is removed before.
func (m StreamingQueries) listen(ctx context.Context, yield func(Event) bool) error {
	if _, err := m.session.conn.Run(ctx, removeListener()); err != nil {
		return err
	}
	streaming, cancel := context.WithCancel(ctx)
	e := m.session.conn.Execute(streaming, &wire.Plan{OpType: &wire.Plan_Command{Command: addListener()}})
	answers := make(chan listenerAnswer)
	var reading sync.WaitGroup
	reading.Go(func() { readAnswers(streaming, e, answers) })
	err := m.deliver(ctx, answers, yield)
	cancel()
	reading.Wait()
	if !errors.Is(err, ErrEventsTaken) {
		m.removeOwnListener(e)
	}
	e.Close()
	return err
}

// removeOwnListener removes the session's listener if it is the one that e added: the removal does not name one, and another
// process may have taken the events over while this one had no connection. A listener that stays is removed by the next loop.
func (m StreamingQueries) removeOwnListener(e *protocol.Execution) {
	ctx, done := context.WithTimeout(m.session.conn.Background(), 5*time.Second)
	defer done()
	if e.StillRuns(ctx) {
		_, _ = m.session.conn.Run(ctx, removeListener())
	}
}

// readAnswers passes on the answers of the listener's operation until the operation ends.
func readAnswers(ctx context.Context, e *protocol.Execution, answers chan<- listenerAnswer) {
	for {
		answer, err := e.Next()
		if errors.Is(err, io.EOF) {
			err = ErrEventsTaken // only a removal completes the operation
		}
		if err == nil {
			e.ConsumedButLast() // StillRuns asks for the last again
		}
		select {
		case answers <- listenerAnswer{answer.GetStreamingQueryListenerEventsResult(), err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// deliver merges the two ways on which events come. An answer of the stream waits until no start is under way, so that the
// start's own event, which comes with the answer to the start, is before all others of the query.
func (m StreamingQueries) deliver(ctx context.Context, answers <-chan listenerAnswer, yield func(Event) bool) error {
	var waiting *listenerAnswer
	for {
		started, allAnswered := m.session.starts.take()
		for _, text := range started {
			event, err := parseStarted(text)
			if err != nil {
				return err
			}
			if !yield(event) {
				return nil
			}
		}
		if waiting != nil && allAnswered {
			if goOn, err := m.yieldAll(waiting, yield); err != nil || !goOn {
				return err
			}
			waiting = nil
		}
		next := answers
		if waiting != nil {
			next = nil
		}
		select {
		case answer := <-next:
			waiting = &answer
		case <-m.session.starts.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m StreamingQueries) yieldAll(answer *listenerAnswer, yield func(Event) bool) (goOn bool, err error) {
	if answer.err != nil {
		return false, answer.err
	}
	if answer.result.GetListenerBusListenerAdded() && !yield(ListenerAdded{}) {
		return false, nil
	}
	for _, sent := range answer.result.GetEvents() {
		event, err := parseEvent(sent, m.session.conn.Token())
		if err != nil {
			return false, err
		}
		if event != nil && !yield(event) {
			return false, nil
		}
	}
	return true, nil
}

func addListener() *wire.Command {
	return &wire.Command{CommandType: &wire.Command_StreamingQueryListenerBusCommand{StreamingQueryListenerBusCommand: &wire.StreamingQueryListenerBusCommand{
		Command: &wire.StreamingQueryListenerBusCommand_AddListenerBusListener{AddListenerBusListener: true},
	}}}
}

func removeListener() *wire.Command {
	return &wire.Command{CommandType: &wire.Command_StreamingQueryListenerBusCommand{StreamingQueryListenerBusCommand: &wire.StreamingQueryListenerBusCommand{
		Command: &wire.StreamingQueryListenerBusCommand_RemoveListenerBusListener{RemoveListenerBusListener: true},
	}}}
}
