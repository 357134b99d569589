package protocol

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// FuzzErrorDetails reads what a server may put into the status of a call and into its answer to FetchErrorDetails.
func FuzzErrorDetails(f *testing.F) {
	details, err := proto.Marshal(&wire.FetchErrorDetailsResponse{RootErrorIdx: proto.Int32(0), Errors: []*wire.FetchErrorDetailsResponse_Error{{
		ErrorTypeHierarchy: []string{"org.apache.spark.SparkException"}, Message: "[A.B] It broke by s3cret.", CauseIdx: proto.Int32(0),
		StackTrace: []*wire.FetchErrorDetailsResponse_StackTraceElement{{DeclaringClass: "A", MethodName: "b", LineNumber: 1}},
		SparkThrowable: &wire.FetchErrorDetailsResponse_SparkThrowable{
			ErrorClass: proto.String("A.B"), MessageParameters: map[string]string{"s3cret": "s3cret"},
			QueryContexts: []*wire.FetchErrorDetailsResponse_QueryContext{{ObjectType: "s3cret", ObjectName: "s3cret", Fragment: "s3cret", CallSite: "s3cret", Summary: "s3cret"}},
		},
	}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("[A.B] It broke", "A.B", `["a","b"]`, `{"k":"s3cret"}`, details)
	f.Add("[", "", `[1]`, `{"k`, []byte{})
	f.Add("", "s3cret", `["s3cret"]`, `null`, []byte{8, 200, 1})
	f.Fuzz(func(t *testing.T, message, class, classes, parameters string, data []byte) {
		st := status.New(codes.Internal, message)
		if with, err := st.WithDetails(&errdetails.ErrorInfo{Metadata: map[string]string{
			"errorClass": class, "classes": classes, "messageParameters": parameters, "errorId": "e",
		}}); err == nil {
			st = with
		}
		e := newError(st.Err(), "s3cret")
		response := &wire.FetchErrorDetailsResponse{}
		if proto.Unmarshal(data, response) == nil {
			e.readDetails(response, "s3cret")
			if len(e.Causes) > len(response.GetErrors()) {
				t.Errorf("%d causes of %d errors", len(e.Causes), len(response.GetErrors()))
			}
		}
		if all := e.Error() + fmt.Sprintf("%+v", *e); strings.Contains(all, "s3cret") {
			t.Errorf("the token is in %s", all)
		}
	})
}
