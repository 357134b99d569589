package main

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "realtime-election"

// TestImportsPointOneWay holds the arrows main → services → adapters → election. Services meet on the topics.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		importer := strings.TrimPrefix(strings.TrimPrefix(fields[0], module), "/")
		for _, path := range fields[1:] {
			imported, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				if importer == "election" && strings.Contains(strings.Split(path, "/")[0], ".") {
					t.Errorf("election imports %s; it keeps to the standard library", path)
				}
				continue
			}
			if !allowed(importer, imported) {
				t.Errorf("%s imports %s", importer, imported)
			}
		}
	}
}

// client knows nothing of elections: anyone could use it.
const client = "spark"

func allowed(importer, imported string) bool {
	from, to := strings.Split(importer, "/")[0], strings.Split(imported, "/")[0]
	switch {
	case importer == "" || strings.HasPrefix(importer, "scripts/"): // the command wires everything
		return true
	case strings.HasPrefix(importer, client):
		return strings.HasPrefix(imported, client)
	case from == "election":
		return false
	case from == "internal":
		return to == "internal" || to == "election"
	case from == to: // the parts of one service
		return true
	default:
		return to == "internal" || to == "election"
	}
}
