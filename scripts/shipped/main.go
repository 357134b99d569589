// Command shipped writes what internal/shipped holds, in the working folder: the licences and notices of all that others
// wrote, and lists of it in CycloneDX's JSON. It is run by `make sbom` after a change of go.mod or of the servers' jars,
// builds the program, and fetches jars that are missing. A second run writes the same.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"realtime-election/local/maven"
)

// root is the root of the tree, from internal/shipped.
const root = "../.."

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "shipped:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	work, err := os.MkdirTemp("", "shipped-")
	if err != nil {
		return fmt.Errorf("create a folder: %w", err)
	}
	defer os.RemoveAll(work)

	list, err := programBOM(ctx, work)
	if err != nil {
		return err
	}
	if _, err := writeBOM("election", list); err != nil {
		return err
	}
	parts := []maven.Part{maven.Kafka, maven.Spark}
	for _, platform := range maven.PostgreSQLPlatforms {
		parts = append(parts, maven.PostgreSQLFor(platform))
	}
	jars := map[string]jar{} // by the name of the file
	for _, part := range parts {
		folder, err := maven.Fetch(ctx, slog.Default(), part)
		if err != nil {
			return err
		}
		list, err := maven.BOM(ctx, part, work)
		if err != nil {
			return err
		}
		components, err := writeBOM(part.Name, list)
		if err != nil {
			return err
		}
		for _, c := range components {
			jars[c.file()] = jar{component: c, path: filepath.Join(folder, c.file())}
		}
	}
	text, err := licenses(ctx, jars)
	if err != nil {
		return err
	}
	return os.WriteFile("licenses.txt", text, 0o644)
}
