// Package protocol speaks Spark Connect for one session: it dials a server, makes calls, and runs operations to their end. What plans and
// answers mean is the business of package spark, which is built on it, and documents for programs what is exported again there.
//
// A [Conn] guarantees of every call that
//
//   - a fault that may pass is tried again by the [RetryPolicy], until the caller's context ends
//   - an answer of another server-side session is [ErrSessionChanged]
//   - an error of the server is an [*Error], and the [Token] is in none
//
// An [Execution] guarantees that every answer of an operation arrives once and in order, over as many streams as it takes. Its states,
// and the calls that lead from one to another, are
//
//	prepared ──ExecutePlan──► streaming ──ResultComplete──► complete
//	    ▲                      │     ▲
//	    │    a cut, silence    │     │ ReattachExecute
//	    │    or an early end   ▼     │ after the last answer
//	    └──────────────────── disconnected ────────────────► failed
//	  the server does not know       an error that does not pass,
//	  or has lost the operation      or no retries are left
//
//	any of these ──Close──► closing ──ReleaseExecute──► released
//
// An operation goes back to prepared only before its first answer, and one that the server has lost only if running it twice does no
// harm. Closing goes on in the background: an operation that was given up is followed, for a minute at most, until Spark has a job of it, which
// its release then interrupts.
//
// The tests go through package spark, as programs do.
package protocol
