package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// other is what an operator becomes; a comparison becomes its opposite and its neighbour.
var other = map[token.Token][]token.Token{
	token.EQL:  {token.NEQ},
	token.NEQ:  {token.EQL},
	token.LSS:  {token.GEQ, token.LEQ},
	token.LEQ:  {token.GTR, token.LSS},
	token.GTR:  {token.LEQ, token.GEQ},
	token.GEQ:  {token.LSS, token.GTR},
	token.LAND: {token.LOR},
	token.LOR:  {token.LAND},
	token.ADD:  {token.SUB},
	token.SUB:  {token.ADD},
}

// operators are all changes that can be made to operators, numbers and statements of packages, in the order of the text. Their
// tests are those of their package.
func operators(root string, packages []string) ([]mutant, error) {
	var mutants []mutant
	for _, folder := range packages {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("there is no Go file in %s", folder)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			found, err := operatorsOf(name, text)
			if err != nil {
				return nil, err
			}
			for _, m := range found {
				m.file = folder + "/" + filepath.Base(name)
				m.args = []string{"./" + folder}
				mutants = append(mutants, m)
			}
		}
	}
	return mutants, nil
}

func operatorsOf(name string, text []byte) ([]mutant, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	var mutants []mutant
	add := func(from, to token.Pos, replacement string) {
		start, end := set.Position(from), set.Position(to)
		mutants = append(mutants, mutant{
			start: start.Offset, end: end.Offset, at: start.Line,
			old: string(text[start.Offset:end.Offset]), new: replacement,
		})
	}
	remove := func(statements []ast.Stmt) {
		for _, statement := range statements {
			switch s := statement.(type) {
			case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
				add(s.Pos(), s.End(), "")
			case *ast.BranchStmt:
				if s.Tok == token.BREAK || s.Tok == token.CONTINUE {
					add(s.Pos(), s.End(), "")
				}
			case *ast.AssignStmt:
				if s.Tok != token.DEFINE {
					add(s.Pos(), s.End(), "")
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.GenDecl:
			return n.Tok == token.VAR || n.Tok == token.CONST
		case *ast.BinaryExpr:
			for _, operator := range other[n.Op] {
				add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), operator.String())
			}
		case *ast.BasicLit:
			if number, err := strconv.ParseInt(n.Value, 10, 64); n.Kind == token.INT && err == nil {
				add(n.Pos(), n.End(), strconv.FormatInt(number+1, 10))
			}
		case *ast.Ident:
			switch n.Name {
			case "true":
				add(n.Pos(), n.End(), "false")
			case "false":
				add(n.Pos(), n.End(), "true")
			}
		case *ast.IfStmt:
			// What it does is left out; its condition is still evaluated.
			add(n.Body.Lbrace, n.Body.Rbrace+1, "{}")
			if _, binary := n.Cond.(*ast.BinaryExpr); !binary {
				add(n.Cond.Pos(), n.Cond.End(), "!("+string(text[set.Position(n.Cond.Pos()).Offset:set.Position(n.Cond.End()).Offset])+")")
			}
		case *ast.BlockStmt:
			remove(n.List)
		case *ast.CaseClause:
			remove(n.Body)
		case *ast.CommClause:
			remove(n.Body)
		}
		return true
	})
	return mutants, nil
}
