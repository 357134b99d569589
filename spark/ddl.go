package spark

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// ddlType is what a schema says of decimals: of this type, or of those inside it, which are an array's elements, a map's keys and
// values or a struct's fields.
type ddlType struct {
	decimal *arrow.Decimal128Type
	inside  []ddlType
}

// at is the type inside, nothing if the schema has none there.
func (d ddlType) at(i int) ddlType {
	if i < len(d.inside) {
		return d.inside[i]
	}
	return ddlType{}
}

var ddlToken = regexp.MustCompile("(?s)`(?:[^`]|``)*`|'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|[^\\s<>(),:`'\"]+|[<>(),:]")

// parseDDL finds the decimals of a schema's columns. What it does not understand it takes for no decimal: Spark reads the schema
// itself, and says what is wrong with it.
func parseDDL(schema string) ddlType {
	p := ddlParser{tokens: ddlToken.FindAllString(schema, -1)}
	return ddlType{inside: p.fields()}
}

type ddlParser struct{ tokens []string }

func (p *ddlParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *ddlParser) take() string {
	token := p.peek()
	p.tokens = p.tokens[min(1, len(p.tokens)):]
	return token
}

// takeIf takes the next token if it is this one, and reports whether it did.
func (p *ddlParser) takeIf(token string) bool {
	if p.peek() != token {
		return false
	}
	p.take()
	return true
}

// fields are names with types, up to the end or a bracket that closes.
func (p *ddlParser) fields() []ddlType {
	var fields []ddlType
	for p.peek() != "" && p.peek() != ">" {
		p.take() // the name
		p.takeIf(":")
		fields = append(fields, p.kind())
		if !p.takeIf(",") {
			break
		}
	}
	return fields
}

// kind is a type with what follows it, such as NOT NULL or a comment.
func (p *ddlParser) kind() (d ddlType) {
	switch word := strings.ToUpper(p.take()); {
	case word == "DECIMAL" || word == "DEC" || word == "NUMERIC":
		d.decimal = &arrow.Decimal128Type{Precision: 10}
		if p.takeIf("(") {
			d.decimal.Precision = p.number()
			if p.takeIf(",") {
				d.decimal.Scale = p.number()
			}
			p.takeIf(")")
		}
		if d.decimal.Precision < 1 || d.decimal.Precision > mostDigits || d.decimal.Scale > d.decimal.Precision {
			d.decimal = nil
		}
	case word == "ARRAY" && p.takeIf("<"):
		d.inside = []ddlType{p.kind()}
	case word == "MAP" && p.takeIf("<"):
		d.inside = []ddlType{p.kind()}
		if p.takeIf(",") {
			d.inside = append(d.inside, p.kind())
		}
	case word == "STRUCT" && p.takeIf("<"):
		d.inside = p.fields()
	}
	if d.inside != nil {
		p.takeIf(">")
	}
	for depth := 0; p.peek() != "" && (depth > 0 || p.peek() != "," && p.peek() != ">"); {
		switch p.take() {
		case "(":
			depth++
		case ")":
			depth--
		}
	}
	return d
}

func (p *ddlParser) number() int32 {
	n, _ := strconv.ParseUint(p.take(), 10, 8)
	return int32(n)
}
