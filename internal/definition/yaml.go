package definition

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"realtime-election/election"
)

//go:embed netherlands.yaml portraits
var embedded embed.FS

// DefaultText is the default definition as a YAML file, for a person to read and change.
func DefaultText() []byte {
	text, err := embedded.ReadFile("netherlands.yaml")
	if err != nil {
		panic(err) // it is embedded
	}
	return text
}

// Portraits are the portraits of the default definition's candidates. The photo /portraits/x.svg is the file x.svg.
func Portraits() fs.FS {
	sub, err := fs.Sub(embedded, "portraits")
	if err != nil {
		panic(err) // it is embedded
	}
	return sub
}

// Default is the embedded definition.
func Default() (*election.Definition, error) {
	return parseYAML("the default definition", DefaultText())
}

// ReadYAML reads a definition file.
func ReadYAML(path string) (*election.Definition, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	return parseYAML(path, text)
}

func parseYAML(name string, text []byte) (*election.Definition, error) {
	mistakes := &Mistakes{File: name}
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		mistakes.addYAML(err)
		return nil, mistakes.err()
	}
	if len(tree.Content) == 0 || tree.Content[0].ShortTag() == "!!null" {
		mistakes.add(0, "it is empty; `election definition` prints one to start from")
		return nil, mistakes.err()
	}
	var d election.Definition
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		mistakes.addYAML(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		mistakes.add(0, "it holds more than one YAML document")
	}

	listed := make(map[int]bool) // lines for which the decoder has found a mistake
	for _, m := range mistakes.List {
		listed[m.Line] = true
	}
	for _, problem := range d.Check() {
		if line := lineOf(tree.Content[0], problem.Path); !listed[line] {
			mistakes.add(line, "%s", problem.Text)
		}
	}
	if err := mistakes.err(); err != nil {
		return nil, err
	}
	return &d, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// addYAML adds the mistakes that the YAML library has found. The library puts the line before each message.
func (m *Mistakes) addYAML(err error) {
	messages := []string{err.Error()}
	var types *yaml.TypeError
	if errors.As(err, &types) {
		messages = types.Errors
	}
	for _, message := range messages {
		line := 0
		if found := yamlLine.FindStringSubmatch(message); found != nil {
			line, _ = strconv.Atoi(found[1])
			message = found[2]
		}
		m.add(line, "%s", message)
	}
}

// lineOf is the line of the node at a path of field names and indices, or of its nearest parent that exists. It is 0 for an empty
// path.
func lineOf(node *yaml.Node, path []any) int {
	if len(path) == 0 {
		return 0
	}
	line := node.Line
	for _, step := range path {
		var next *yaml.Node
		switch step := step.(type) {
		case string:
			for i := 0; i+1 < len(node.Content) && node.Kind == yaml.MappingNode; i += 2 {
				if node.Content[i].Value == step {
					line, next = node.Content[i].Line, node.Content[i+1]
				}
			}
		case int:
			if node.Kind == yaml.SequenceNode && step < len(node.Content) {
				next = node.Content[step]
				line = next.Line
			}
		}
		if next == nil {
			return line
		}
		node = next
	}
	return line
}
