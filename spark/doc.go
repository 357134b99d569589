// Package spark is a client of Spark Connect with Structured Streaming, for Spark 4.
//
//	session, err := spark.Dial(ctx, "sc://localhost:15002")
//	votes := session.ReadStream().Format("kafka").Option("subscribe", "votes").Load()
//	query, err := votes.WriteStream().Format("console").Trigger(spark.ProcessingTime(time.Second)).Start(ctx)
//
// It uses Spark's names for Spark's things, so that Spark's documentation is also this package's.
//
// Guarantees. A DataFrame is a plan and does nothing by itself; what takes a context talks to the server and blocks. Every
// answer of an operation arrives exactly once and in order, over as many streams and connections as it takes. A request that has to
// be sent again is not run twice, but for queries, where it makes no difference, and but for a server before 4.2 whose first copy
// comes after the second has ended; where a server cannot tell whether a command has run, the error is ErrOperationLost. Calls are
// retried by DefaultRetry while the server is unreachable, for about ten minutes or until the context ends: errors.Is finds that end
// as context.Canceled or context.DeadlineExceeded, and as its cause. WithRetryHook tells of each retry. A restarted server is noticed:
// the first call after it, or the operation under way, returns ErrSessionChanged. An operation that the server may have died of is not
// sent again. A query whose context ends is ended on the server in the background, once its job runs: see Session.Close. Tokens do not reach errors, and travel in plain text only to this machine unless told otherwise. Sessions,
// DataFrames and queries are safe for concurrent use; readers and writers, being under construction, are not.
package spark
