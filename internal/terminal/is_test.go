package terminal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyATerminalIsOne(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, stream := range map[string]any{"a file": file, "no file": (*os.File)(nil), "a builder": &strings.Builder{}, "nothing": nil} {
		if Is(stream) {
			t.Errorf("%s is a terminal", name)
		}
	}
}
