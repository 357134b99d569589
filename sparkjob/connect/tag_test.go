package connect_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"realtime-election/sparkjob/connect"
	"realtime-election/sparkjob/connect/connecttest"
	"realtime-election/sparkjob/connect/wire"
)

func TestTagsOfTheContextAreSent(t *testing.T) {
	server := connecttest.New(t)
	session := dial(t, server)
	nightly := connect.WithTag(t.Context(), "nightly")
	totals, votes := connect.WithTag(nightly, "totals"), connect.WithTag(nightly, "votes")
	for _, ctx := range []context.Context{t.Context(), nightly, totals, votes} {
		server.Execute(connecttest.Done()...)
		if _, err := session.Range(0, 1, 1).Collect(ctx); err != nil {
			t.Fatal(err)
		}
	}
	server.Execute(connecttest.Answer(connecttest.Started("id-1", "run-1", ""))...)
	if _, err := session.Table("t").WriteStream().Start(nightly); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, request := range connecttest.Sent[*wire.ExecutePlanRequest](server) {
		got = append(got, request.GetTags())
	}
	expected := [][]string{nil, {"nightly"}, {"nightly", "totals"}, {"nightly", "votes"}, {"nightly"}}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("tags (-expected +got):\n%s", diff)
	}
}

func TestInterruptNamesTheTag(t *testing.T) {
	server := connecttest.New(t)
	session := dial(t, server)
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		interrupt, ok := request.(*wire.InterruptRequest)
		if !ok {
			return nil, nil
		}
		if interrupt.GetInterruptType() != wire.InterruptRequest_INTERRUPT_TYPE_TAG {
			t.Errorf("type %v", interrupt.GetInterruptType())
		}
		return &wire.InterruptResponse{InterruptedIds: []string{"op-of-" + interrupt.GetOperationTag()}}, nil
	})
	if ids, err := session.InterruptTag(t.Context(), "nightly"); err != nil || len(ids) != 1 || ids[0] != "op-of-nightly" {
		t.Errorf("interrupted %v and %v", ids, err)
	}
}

func TestTagThatSparkRefusesIsNotSent(t *testing.T) {
	server := connecttest.New(t)
	session := dial(t, server)
	for tag, says := range map[string]string{"": "empty", "a,b": `"a,b" has a comma`} {
		ctx := connect.WithTag(t.Context(), tag)
		if _, err := session.Range(0, 1, 1).Collect(ctx); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("tag %q gave %v", tag, err)
		}
		if _, err := session.Streams().Active(ctx); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("tag %q gave %v", tag, err)
		}
		if _, err := session.InterruptTag(t.Context(), tag); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("interrupting tag %q gave %v", tag, err)
		}
	}
	if calls := server.Calls(); len(calls) != 1 {
		t.Errorf("%d calls, expected that of Dial alone", len(calls))
	}
}
