package protocol

import "strings"

// Token is the secret that a server asks for.
type Token string

// Redact cuts the token out of an error.
func (t Token) Redact(e *Error) {
	if t == "" {
		return
	}
	clean := strings.NewReplacer(string(t), "(token)")
	for _, text := range []*string{&e.Class, &e.SQLState, &e.Message, &e.StackTrace} {
		*text = clean.Replace(*text)
	}
	for i := range e.Exceptions {
		e.Exceptions[i] = clean.Replace(e.Exceptions[i])
	}
	for i := range e.Causes {
		e.Causes[i] = clean.Replace(e.Causes[i])
	}
	for i := range e.QueryContexts {
		c := &e.QueryContexts[i]
		for _, text := range []*string{&c.ContextType, &c.ObjectType, &c.ObjectName, &c.Fragment, &c.CallSite, &c.Summary} {
			*text = clean.Replace(*text)
		}
	}
	parameters := make(map[string]string, len(e.Parameters))
	for key, value := range e.Parameters {
		parameters[clean.Replace(key)] = clean.Replace(value)
	}
	e.Parameters = parameters
}
