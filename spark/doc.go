// Package spark is a client of Spark Connect with Structured Streaming, for Spark 4.
//
//	session, err := spark.Dial(ctx, "sc://localhost:15002")
//	votes := session.ReadStream().Format("kafka").Option("subscribe", "votes").Load()
//	query, err := votes.WriteStream().Format("console").Trigger(spark.ProcessingTime(time.Second)).Start(ctx)
//
// It uses Spark's names for Spark's things, so that Spark's documentation is also this package's.
//
// A DataFrame is a plan and does nothing by itself. Methods that take a context talk to the server and block. Sessions,
// DataFrames and queries are safe for concurrent use. Readers and writers are not: they are under construction.
//
// # Guarantees
//
// Every answer of an operation arrives exactly once and in order, over as many streams and connections as it takes. A
// request that has to be sent again is not run twice. There are two exceptions: queries, where it makes no difference, and
// servers before 4.2, if the first copy arrives after the second has ended.
//
// A query whose context ends is ended on the server in the background, once its job runs: see [Session.Close]. Tokens do
// not reach errors, and travel in plain text only to this machine unless [WithTokenInPlainText] is given.
//
// # Errors
//
// An answer of the server that is an error is an [*Error], with Spark's error class, SQLSTATE and parameters. [Retryable]
// reports whether trying again may help.
//
// Calls are retried by [DefaultRetry] while the server is unreachable, for about ten minutes or until the context ends.
// errors.Is finds that end as context.Canceled or context.DeadlineExceeded, and as its cause. [WithRetryHook] tells of each
// retry. A call may then fail with
//
//   - [ErrSessionChanged]: the server was restarted. The first call after that, or the operation under way, says so.
//   - [ErrSessionClosed] and [ErrSessionNotFound]: the session has ended, or never existed.
//   - [ErrOperationLost]: the server cannot tell whether a command has run. It is not sent again, nor is an operation that
//     the server may have died of.
package spark
