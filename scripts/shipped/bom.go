package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"realtime-election/internal/health"
)

// component is a part in a list of CycloneDX.
type component struct {
	Name, Version string
	PURL          string
	Licenses      []struct {
		Expression string
		License    struct{ ID, Name string }
	}
}

// file is the name of a jar. Of the several jars of one version all but one have a classifier, which is in the package URL.
func (c component) file() string {
	name := c.Name + "-" + c.Version
	if _, classifier, ok := strings.Cut(c.PURL, "?classifier="); ok {
		classifier, _, _ = strings.Cut(classifier, "&")
		name += "-" + classifier
	}
	return name + ".jar"
}

// terms are the names of the component's licences; of several, one may be chosen.
func (c component) terms() []string {
	var terms []string
	for _, l := range c.Licenses {
		terms = append(terms, l.Expression+l.License.ID+l.License.Name)
	}
	return terms
}

// programBOM lists the modules of the program for linux/amd64, which has the modules of every other platform.
func programBOM(ctx context.Context, work string) ([]byte, error) {
	program, list := filepath.Join(work, "election"), filepath.Join(work, "election.json")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program, root+"/cmd/election")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	describe := exec.CommandContext(ctx, "go", "tool", "-modfile="+root+"/tools/go.mod", "cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp", "-licenses", "-version", health.Release, "-output", list, program)
	for _, command := range []*exec.Cmd{build, describe} {
		if out, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", command, err, out)
		}
	}
	return os.ReadFile(list)
}

// writeBOM writes a list without what differs between machines and days, and without descriptions and links. It returns the
// components.
func writeBOM(name string, list []byte) ([]component, error) {
	var whole map[string]any
	if err := json.Unmarshal(list, &whole); err != nil {
		return nil, fmt.Errorf("read the list of %s: %w", name, err)
	}
	metadata := whole["metadata"].(map[string]any)
	delete(metadata, "timestamp")
	trim(metadata["tools"], "hashes")
	trim(whole, "description", "externalReferences")
	if properties, ok := metadata["properties"].([]any); ok {
		metadata["properties"] = slices.DeleteFunc(properties, func(p any) bool {
			key := p.(map[string]any)["name"].(string)
			return strings.HasPrefix(key, "cdx:gomod:binary:") || key == "cdx:gomod:build:env:GOVERSION"
		})
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(whole); err != nil {
		return nil, err
	}
	var read struct{ Components []component }
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		return nil, fmt.Errorf("read the list of %s: %w", name, err)
	}
	return read.Components, os.WriteFile(name+".cdx.json", text.Bytes(), 0o644)
}

// trim removes fields everywhere in a value, and of the sums of a file all but SHA-256.
func trim(value any, fields ...string) {
	switch value := value.(type) {
	case []any:
		for _, inner := range value {
			trim(inner, fields...)
		}
	case map[string]any:
		for _, field := range fields {
			delete(value, field)
		}
		if hashes, ok := value["hashes"].([]any); ok {
			value["hashes"] = slices.DeleteFunc(hashes, func(h any) bool { return h.(map[string]any)["alg"] != "SHA-256" })
		}
		for inner := range maps.Values(value) {
			trim(inner, fields...)
		}
	}
}
