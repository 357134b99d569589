// Package tree tests the tree as a whole: the imports between its folders, and what the documents say about it.
package tree

import (
	"strings"
	"testing"
)

const (
	module = "realtime-election"
	root   = "../.." // from this folder
)

// TestImportsPointOneWay checks that imports go from cmd to services, adapters and election. Services never import each other.
func TestImportsPointOneWay(t *testing.T) {
	for _, line := range packages(t) {
		fields := strings.Fields(line)
		importer, ours := strings.CutPrefix(fields[0], module+"/")
		if !ours {
			continue
		}
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

func allowed(importer, imported string) bool {
	from, to := strings.Split(importer, "/")[0], strings.Split(imported, "/")[0]
	switch {
	case from == "cmd" || from == "scripts": // the command wires everything
		return true
	case from == to: // packages of one folder
		return true
	case from == "spark" || from == "election" || from == "servers": // they import nothing of the rest
		return false
	case importer == "audit" && imported == "producer/generate": // what the voters do by the ballot key
		return true
	case from == "internal":
		return to == "election"
	case from == "sparkjob":
		return to == "internal" || to == "election" || to == "spark"
	case from == "local":
		return to == "internal" || to == "election" || to == "servers"
	default:
		return to == "internal" || to == "election"
	}
}
