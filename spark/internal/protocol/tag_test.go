package protocol_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestTagsOfTheContextAreSent(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	nightly := spark.WithTag(t.Context(), "nightly")
	totals, votes := spark.WithTag(nightly, "totals"), spark.WithTag(nightly, "votes")
	for _, ctx := range []context.Context{t.Context(), nightly, totals, votes} {
		server.Execute(sparktest.Done()...)
		if _, err := session.Range(0, 1, 1).Collect(ctx); err != nil {
			t.Fatal(err)
		}
	}
	server.Execute(sparktest.Answer(sparktest.Started("id-1", "run-1", ""))...)
	if _, err := session.Table("t").WriteStream().Start(nightly); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server) {
		got = append(got, request.GetTags())
	}
	expected := [][]string{nil, {"nightly"}, {"nightly", "totals"}, {"nightly", "votes"}, {"nightly"}}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("tags (-expected +got):\n%s", diff)
	}
}

func TestInterruptNamesTheTag(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
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
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	for tag, says := range map[string]string{"": "empty", "a,b": `"a,b" has a comma`} {
		ctx := spark.WithTag(t.Context(), tag)
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

// TestQuestionsCarryNoTag has one context for all that a program does: interrupting its tag must not end its own loop over events.
func TestQuestionsCarryNoTag(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	ctx, cancel := context.WithCancel(spark.WithTag(t.Context(), "nightly"))
	defer cancel()
	query := session.Streams().Attach("id-1", "run-1", "")
	server.Execute(sparktest.Answer(sparktest.Status("", true))...)
	if _, err := query.Status(ctx); err != nil {
		t.Fatal(err)
	}
	server.Execute(sparktest.Answer(sparktest.Active())...)
	if _, err := session.Streams().Active(ctx); err != nil {
		t.Fatal(err)
	}
	server.Execute(sparktest.Done()...) // removes the listener
	server.Execute(sparktest.Reply(sparktest.ListenerAdded()), sparktest.Silence())
	server.Execute(sparktest.Done()...)
	for _, err := range session.Streams().Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	sent := sparktest.Sent[*wire.ExecutePlanRequest](server)
	for _, request := range sent {
		if len(request.GetTags()) != 0 {
			t.Errorf("%v carries %v", request.GetPlan(), request.GetTags())
		}
	}
	if len(sent) < 4 {
		t.Errorf("%d commands, expected at least four", len(sent))
	}
}

func TestCommandsCarryTheTag(t *testing.T) {
	for name, do := range map[string]func(context.Context, *spark.Session) error{
		"sql": func(ctx context.Context, session *spark.Session) error {
			_, err := session.SQL(ctx, "INSERT INTO t VALUES (1)")
			return err
		},
		"write": func(ctx context.Context, session *spark.Session) error {
			return session.Range(0, 1, 1).Write().InsertInto(ctx, "t")
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			server.Execute(sparktest.Answer(sparktest.SQL(&wire.Relation{}))...)
			if err := do(spark.WithTag(t.Context(), "nightly"), scripted.Dial(t, server)); err != nil {
				t.Fatal(err)
			}
			if got := sparktest.Sent[*wire.ExecutePlanRequest](server)[0].GetTags(); len(got) != 1 || got[0] != "nightly" {
				t.Errorf("tags %v, expected nightly", got)
			}
		})
	}
}
