package protocol

import "realtime-election/spark/wire"

// repeatable tells whether running a plan twice is as good as once: a query, or a command to streaming queries that changes nothing
// or stops one run.
func repeatable(plan *wire.Plan) bool {
	switch plan.GetCommand().GetStreamingQueryCommand().GetCommand().(type) {
	case *wire.StreamingQueryCommand_Status, *wire.StreamingQueryCommand_LastProgress, *wire.StreamingQueryCommand_RecentProgress,
		*wire.StreamingQueryCommand_Explain, *wire.StreamingQueryCommand_Exception, *wire.StreamingQueryCommand_AwaitTermination,
		*wire.StreamingQueryCommand_ProcessAllAvailable, *wire.StreamingQueryCommand_Stop:
		return true
	}
	switch plan.GetCommand().GetStreamingQueryManagerCommand().GetCommand().(type) {
	case *wire.StreamingQueryManagerCommand_Active, *wire.StreamingQueryManagerCommand_GetQuery,
		*wire.StreamingQueryManagerCommand_AwaitAnyTermination:
		return true
	}
	return plan.GetRoot() != nil
}

// runsJobs tells whether a plan may run Spark's jobs as part of its operation: what asks streaming queries, or starts or stops them,
// does not.
func runsJobs(plan *wire.Plan) bool {
	switch plan.GetCommand().GetCommandType().(type) {
	case *wire.Command_StreamingQueryCommand, *wire.Command_StreamingQueryManagerCommand, *wire.Command_StreamingQueryListenerBusCommand,
		*wire.Command_WriteStreamOperationStart:
		return false
	}
	return true
}
