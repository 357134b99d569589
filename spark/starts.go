package spark

import "sync"

// starts passes the started events, which the server sends with its answer to a start, from the starts of queries to the
// session's loop over events.
type starts struct {
	mu        sync.Mutex
	underWay  int
	listening bool
	events    []string // not yet taken
	changed   chan struct{}
}

// listen reports whether the caller now has the events, which one at a time can have.
func (s *starts) listen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listening {
		return false
	}
	s.listening = true
	return true
}

func (s *starts) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening, s.events = false, nil
}

func (s *starts) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay++
}

// end takes the event of a start, empty for one that failed or that the server did not report.
func (s *starts) end(event string) {
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

// take returns the new events, and whether no start is under way.
func (s *starts) take() (events []string, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, s.events = s.events, nil
	return events, s.underWay == 0
}
