package election_test

import (
	"errors"
	"fmt"
	"testing"

	"realtime-election/election"
)

func TestSettingsAreNamedAsTheReaderKnowsThem(t *testing.T) {
	flag := func(setting string) string { return "--" + setting }
	rate := &election.Wrong{Setting: "rate", Value: -1, Text: "choose 0 or more, or give {speed}"}
	for _, c := range []struct {
		err           error
		plain, asFlag string
	}{
		{rate, "rate is -1; choose 0 or more, or give speed", "--rate is -1; choose 0 or more, or give --speed"},
		{fmt.Errorf("votes: %w", rate), "votes: rate is -1; choose 0 or more, or give speed", "votes: --rate is -1; choose 0 or more, or give --speed"},
		{&election.Wrong{Setting: "checkpoints", Value: "", Text: "write a URI"}, `checkpoints is ""; write a URI`, `--checkpoints is ""; write a URI`},
		{&election.Wrong{Setting: "postgres", Text: "is no URL"}, "postgres is no URL", "--postgres is no URL"},
		{&election.Hint{Err: errors.New("taken"), Text: "choose another {port}"}, "taken; choose another port", "taken; choose another --port"},
		{&election.Hint{Err: rate, Text: "see {data}"}, "rate is -1; choose 0 or more, or give speed; see data", "--rate is -1; choose 0 or more, or give --speed; see --data"},
		{errors.Join(rate, errors.New("x")), "rate is -1; choose 0 or more, or give speed\nx", "--rate is -1; choose 0 or more, or give --speed\nx"},
		{errors.New("{rate} of others"), "{rate} of others", "{rate} of others"},
	} {
		if got := c.err.Error(); got != c.plain {
			t.Errorf("it is %q, want %q", got, c.plain)
		}
		if got := election.Explain(c.err, flag); got != c.asFlag {
			t.Errorf("explained it is %q, want %q", got, c.asFlag)
		}
	}
}

func TestWrongSettingIsAnInputError(t *testing.T) {
	var input *election.InputError
	if err := fmt.Errorf("x: %w", &election.Wrong{Setting: "rate", Value: -1, Text: "choose 0 or more"}); !errors.As(err, &input) || input.Error() != "rate is -1; choose 0 or more" {
		t.Errorf("it is %v", input)
	}
	if err := error(&election.Hint{Err: errors.New("x"), Text: "y"}); errors.As(err, &input) {
		t.Error("a hint is one too")
	}
}
