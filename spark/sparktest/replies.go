package sparktest

import (
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// Answer is the script of a command with one answer: the reply, then Complete.
func Answer(response *wire.ExecutePlanResponse) []Step { return []Step{Reply(response), Complete()} }

// Done is the script of a command without an answer, such as creating a view.
func Done() []Step { return []Step{Complete()} }

// SQL answers a SQL command with the relation that holds its result, for a query usually the query itself.
func SQL(relation *wire.Relation) *wire.ExecutePlanResponse {
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_SqlCommandResult_{
		SqlCommandResult: &wire.ExecutePlanResponse_SqlCommandResult{Relation: relation},
	}}
}

// Started answers the start of a streaming query.
func Started(id, runID, name string) *wire.ExecutePlanResponse {
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_WriteStreamOperationStartResult{
		WriteStreamOperationStartResult: &wire.WriteStreamOperationStartResult{
			QueryId: &wire.StreamingQueryInstanceId{Id: id, RunId: runID}, Name: name,
		},
	}}
}

// StartedEvent answers the start of a streaming query, with Spark's JSON of its started event, as sent to a session that listens.
func StartedEvent(id, runID, name, json string) *wire.ExecutePlanResponse {
	response := Started(id, runID, name)
	response.GetWriteStreamOperationStartResult().QueryStartedEventJson = &json
	return response
}

// ListenerAdded is the first answer to a listener of streaming events.
func ListenerAdded() *wire.ExecutePlanResponse {
	return events(&wire.StreamingQueryListenerEventsResult{ListenerBusListenerAdded: proto.Bool(true)})
}

// ListenerEvent is a later answer to a listener, with Spark's JSON of the event.
func ListenerEvent(kind wire.StreamingQueryEventType, json string) *wire.ExecutePlanResponse {
	return events(&wire.StreamingQueryListenerEventsResult{Events: []*wire.StreamingQueryListenerEvent{{EventType: kind, EventJson: json}}})
}

func events(result *wire.StreamingQueryListenerEventsResult) *wire.ExecutePlanResponse {
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_StreamingQueryListenerEventsResult{StreamingQueryListenerEventsResult: result}}
}

// Query answers a command to a streaming query.
func Query(result *wire.StreamingQueryCommandResult) *wire.ExecutePlanResponse {
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_StreamingQueryCommandResult{StreamingQueryCommandResult: result}}
}

// Status answers a question for a query's status.
func Status(message string, active bool) *wire.ExecutePlanResponse {
	return Query(&wire.StreamingQueryCommandResult{ResultType: &wire.StreamingQueryCommandResult_Status{
		Status: &wire.StreamingQueryCommandResult_StatusResult{StatusMessage: message, IsActive: active},
	}})
}

// Progress answers a question for the last or recent progress with Spark's JSON texts.
func Progress(reports ...string) *wire.ExecutePlanResponse {
	return Query(&wire.StreamingQueryCommandResult{ResultType: &wire.StreamingQueryCommandResult_RecentProgress{
		RecentProgress: &wire.StreamingQueryCommandResult_RecentProgressResult{RecentProgressJson: reports},
	}})
}

// Exception answers a question for what ended a query; an empty message means nothing did.
func Exception(class, message string) *wire.ExecutePlanResponse {
	result := &wire.StreamingQueryCommandResult_ExceptionResult{}
	if message != "" {
		result.ExceptionMessage, result.ErrorClass = proto.String(message), proto.String(class)
	}
	return Query(&wire.StreamingQueryCommandResult{ResultType: &wire.StreamingQueryCommandResult_Exception{Exception: result}})
}

// Terminated answers a wait for a query's end.
func Terminated(yes bool) *wire.ExecutePlanResponse {
	return Query(&wire.StreamingQueryCommandResult{ResultType: &wire.StreamingQueryCommandResult_AwaitTermination{
		AwaitTermination: &wire.StreamingQueryCommandResult_AwaitTerminationResult{Terminated: yes},
	}})
}

// Instance is an active query.
func Instance(id, runID, name string) *wire.StreamingQueryManagerCommandResult_StreamingQueryInstance {
	return &wire.StreamingQueryManagerCommandResult_StreamingQueryInstance{
		Id: &wire.StreamingQueryInstanceId{Id: id, RunId: runID}, Name: &name,
	}
}

// Active answers a question for the active queries.
func Active(queries ...*wire.StreamingQueryManagerCommandResult_StreamingQueryInstance) *wire.ExecutePlanResponse {
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_StreamingQueryManagerCommandResult{
		StreamingQueryManagerCommandResult: &wire.StreamingQueryManagerCommandResult{
			ResultType: &wire.StreamingQueryManagerCommandResult_Active{
				Active: &wire.StreamingQueryManagerCommandResult_ActiveResult{ActiveQueries: queries},
			},
		},
	}}
}

// Running is a progress report of an execution whose job has so many tasks to run; of one that has no job yet, for none.
func Running(tasks int64) *wire.ExecutePlanResponse {
	progress := &wire.ExecutePlanResponse_ExecutionProgress{}
	if tasks > 0 {
		progress.Stages = []*wire.ExecutePlanResponse_ExecutionProgress_StageInfo{{NumTasks: tasks}}
	}
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_ExecutionProgress_{ExecutionProgress: progress}}
}
