package spark

import "sync"

// starts passes the started events, which the server sends with its answer to a start, from the starts of queries to the
// session's loop over events.
type starts struct {
	mu        sync.Mutex
	underWay  int // starts that are sent, and not answered
	listening bool
	events    []string      // not yet taken
	changed   chan struct{} // has a value once a start has been answered
}

// startListening reports whether the caller has the events from now on: one loop at a time can have them.
func (s *starts) startListening() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listening {
		return false
	}
	s.listening = true
	return true
}

// stopListening lets the next loop have the events.
func (s *starts) stopListening() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening, s.events = false, nil
}

// sent counts a start that the server has not answered.
func (s *starts) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay++
}

// answered keeps the event of a start for the loop. It is empty for a start that failed, or that the server did not report.
func (s *starts) answered(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	if event != "" && s.listening {
		s.events = append(s.events, event)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// take returns the new events, and whether every start has been answered.
func (s *starts) take() (events []string, allAnswered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, s.events = s.events, nil
	return events, s.underWay == 0
}
