package sparktest

import (
	"context"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"realtime-election/spark/wire"
)

func protoString(s string) protoreflect.Value { return protoreflect.ValueOfString(s) }

// Failure is an error as Spark sends it: class and state ride in an ErrorInfo, and the class leads the message.
func Failure(code codes.Code, class, message string) error {
	st := status.New(code, "["+class+"] "+message)
	with, err := st.WithDetails(&errdetails.ErrorInfo{
		Reason: "org.apache.spark.SparkException", Domain: "org.apache.spark",
		Metadata: map[string]string{"errorClass": class, "sqlState": "HY000", "classes": `["org.apache.spark.SparkException","java.lang.Exception"]`},
	})
	if err != nil {
		return st.Err()
	}
	return with.Err()
}

// answer serves a request that is no execution.
func (s *Server) answer(ctx context.Context, request proto.Message) (proto.Message, error) {
	s.mu.Lock()
	handle := s.unary
	s.mu.Unlock()
	if handle != nil {
		if response, err := handle(ctx, request); response != nil || err != nil {
			return response, err
		}
	}
	switch request := request.(type) {
	case *wire.AnalyzePlanRequest:
		if request.GetSparkVersion() != nil {
			return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_SparkVersion_{
				SparkVersion: &wire.AnalyzePlanResponse_SparkVersion{Version: "4.2.0"},
			}}, nil
		}
	case *wire.ConfigRequest:
		return s.config(request.GetOperation())
	case *wire.ReleaseExecuteRequest:
		return s.release(request)
	case *wire.InterruptRequest:
		return &wire.InterruptResponse{}, nil
	case *wire.ReleaseSessionRequest:
		s.CloseSession()
		return &wire.ReleaseSessionResponse{}, nil
	case *wire.FetchErrorDetailsRequest:
		return &wire.FetchErrorDetailsResponse{}, nil
	}
	return nil, status.Errorf(codes.Unimplemented, "no script for %T: answer it in HandleCall", request)
}

// config holds settings as a session does.
func (s *Server) config(operation *wire.ConfigRequest_Operation) (*wire.ConfigResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	response := &wire.ConfigResponse{}
	add := func(key, value string) {
		response.Pairs = append(response.Pairs, &wire.KeyValue{Key: key, Value: &value})
	}
	switch op := operation.GetOpType().(type) {
	case *wire.ConfigRequest_Operation_Set:
		for _, pair := range op.Set.GetPairs() {
			s.settings[pair.GetKey()] = pair.GetValue()
		}
	case *wire.ConfigRequest_Operation_Get:
		for _, key := range op.Get.GetKeys() {
			value, ok := s.settings[key]
			if !ok {
				return nil, Failure(codes.Internal, "SQL_CONF_NOT_FOUND", "The SQL config "+key+" cannot be found.")
			}
			add(key, value)
		}
	case *wire.ConfigRequest_Operation_GetWithDefault:
		for _, pair := range op.GetWithDefault.GetPairs() {
			value, ok := s.settings[pair.GetKey()]
			if !ok {
				value = pair.GetValue()
			}
			add(pair.GetKey(), value)
		}
	case *wire.ConfigRequest_Operation_GetAll:
		for key, value := range s.settings {
			if rest, ok := strings.CutPrefix(key, op.GetAll.GetPrefix()); ok {
				add(rest, value)
			}
		}
	case *wire.ConfigRequest_Operation_Unset:
		for _, key := range op.Unset.GetKeys() {
			delete(s.settings, key)
		}
	}
	return response, nil
}
