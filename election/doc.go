// Package election is the domain: what a vote is, who stands where, which topics there are and what their records hold.
//
// A vote is one canonical JSON line. [Grammar] says which lines are votes; [ParseVote] reads one, and accepts exactly
// what the grammar matches. [Definition] names candidates, regions, districts and polling hours. [Aggregations] is the
// table of what is counted. [Count] is the reference count: the rules of counting written once more in Go, for the
// auditor and for the tests.
//
// The package imports only the standard library and has no state.
package election
