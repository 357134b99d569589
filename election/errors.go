package election

import (
	"fmt"
	"regexp"
	"strings"
)

// InputError is a mistake in what a person entered. Trying again without a correction cannot help.
type InputError struct{ Text string }

func (e *InputError) Error() string { return e.Text }

// Wrong is an InputError of a setting: "rate is -1; choose 0 or more". The command that prints it uses Explain to name the
// setting by its flag.
type Wrong struct {
	Setting string // such as "state-partitions"
	Value   any    // nil if it is missing or secret, or if Text is a whole sentence about it
	Text    string // what to do; {name} in it stands for another setting
}

func (w *Wrong) Error() string { return w.say(plain) }

// Unwrap lets errors.As find an *InputError.
func (w *Wrong) Unwrap() error { return &InputError{Text: w.Error()} }

func (w *Wrong) say(name func(setting string) string) string {
	text := name(w.Setting)
	switch value := w.Value.(type) {
	case nil:
		text += " "
	case string:
		text += fmt.Sprintf(" is %q; ", value)
	default:
		text += fmt.Sprintf(" is %v; ", value)
	}
	return text + nameSettings(w.Text, name)
}

// Hint adds to an error which setting may help. It is no InputError.
type Hint struct {
	Err  error
	Text string // {name} in it stands for a setting
}

func (h *Hint) Error() string { return h.say(plain) }
func (h *Hint) Unwrap() error { return h.Err }

func (h *Hint) say(name func(setting string) string) string {
	return h.Err.Error() + "; " + nameSettings(h.Text, name)
}

// Explain is the text of an error in which each setting is replaced by name(setting), such as its flag.
func Explain(err error, name func(setting string) string) string {
	text := err.Error()
	var walk func(error)
	walk = func(err error) {
		if e, ok := err.(interface {
			say(func(string) string) string
		}); ok {
			text = strings.Replace(text, err.Error(), e.say(name), 1)
		}
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			for _, each := range e.Unwrap() {
				walk(each)
			}
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				walk(inner)
			}
		}
	}
	walk(err)
	return text
}

var settingInText = regexp.MustCompile(`\{([a-z][a-z-]*)\}`)

func nameSettings(text string, name func(setting string) string) string {
	return settingInText.ReplaceAllStringFunc(text, func(marked string) string { return name(marked[1 : len(marked)-1]) })
}

func plain(setting string) string { return setting }
