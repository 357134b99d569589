// Package election is the domain: the vote, the definition of an election, the topics and their records, and the rules of
// counting.
//
// A vote is one canonical JSON line. [Grammar] says which lines are votes, and [ParseVote] accepts exactly these.
// [Definition] names candidates, regions, districts and polling hours. [Aggregations] is the table of the totals that are
// counted. [Count] is the reference count: the rules of counting in Go, for the auditor and the tests.
//
// The package imports only the standard library and has no state.
package election
