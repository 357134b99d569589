package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"realtime-election/spark/wire"
)

type tagsKey struct{}

// WithTag adds a tag to those that a context has. It is sent with what runs under the context, and not with questions to streaming queries
// or to their manager.
func WithTag(ctx context.Context, tag string) context.Context {
	return context.WithValue(ctx, tagsKey{}, append(slices.Clip(tags(ctx)), tag))
}

func tags(ctx context.Context) []string {
	all, _ := ctx.Value(tagsKey{}).([]string)
	return all
}

// tagsOf returns the tags to send with a plan.
func tagsOf(ctx context.Context, plan *wire.Plan) []string {
	switch plan.GetCommand().GetCommandType().(type) {
	case *wire.Command_StreamingQueryCommand, *wire.Command_StreamingQueryManagerCommand, *wire.Command_StreamingQueryListenerBusCommand:
		return nil
	}
	return tags(ctx)
}

// checkTag holds a tag to what Spark allows, which joins tags with commas.
func checkTag(tag string) error {
	if tag == "" {
		return errors.New("a tag is empty: give it at least one character")
	}
	if strings.Contains(tag, ",") {
		return fmt.Errorf("tag %q has a comma, which separates tags in Spark: use another character", tag)
	}
	return nil
}
