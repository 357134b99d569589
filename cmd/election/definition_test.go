package main

import (
	"testing"

	"realtime-election/internal/definition"
	"realtime-election/internal/exit"
)

func TestPrintedDefinitionIsTheDefault(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, "definition")
	if code != exit.Done || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	read, err := definition.ReadYAML(file(t, stdout))
	if err != nil {
		t.Fatal(err)
	}
	standard, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	if read.Fingerprint() != standard.Fingerprint() {
		t.Error("it is another definition")
	}
}
